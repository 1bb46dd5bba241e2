"""What a person with psql sees, and what becomes of a log that grows."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import psycopg
import pytest

from tests.server import Server, subscription
from tests.waiting import until

Start = Callable[..., Server]


@pytest.fixture
def rows(database: str) -> Callable[[str], list[tuple[object, ...]]]:
    """Runs one query in the test's database."""

    def query(text: str) -> list[tuple[object, ...]]:
        with psycopg.connect(database) as connection:
            return connection.execute(text.encode()).fetchall()

    return query


def frozen(server: Server) -> bytes:
    """The whole workspace as one document, which must not depend on the time of day."""
    assert server.request("PUT", "/__admin/clock", b'{"now": "2026-01-01T00:00:00Z"}').status == 200
    return server.get("/__admin/snapshot").body


def test_views_show_the_profiles_and_subscriptions_of_a_workspace(
    database: str, start_server: Start, rows: Callable[[str], list[tuple[object, ...]]]
) -> None:
    server = start_server(state=database)
    server.push(subscriptions=[subscription("до сброса")])
    assert server.post("/__admin/reset", {}).status == 200
    for token in ("кириллица", r"back\u0000slash", 'q"uote\x01'):
        server.push(subscriptions=[subscription(token)])
    (gone, *_) = server.get("/__admin/profiles?limit=1").json["items"]
    assert server.request("DELETE", f"/__admin/profiles/{gone['db_id']}/{gone['id']}").status == 200
    shown = server.get("/__admin/profiles?limit=1000").json["items"]
    found = rows("SELECT db_id, profile_id FROM emulator_profiles WHERE workspace = 'default'")
    assert sorted(found) == sorted((one["db_id"], one["id"]) for one in shown)
    tokens = {token for (token,) in rows("SELECT subscription_id FROM emulator_subscriptions")}
    assert tokens >= {"кириллица", r"back\u0000slash", 'q"uote\x01'}
    assert "до сброса" not in tokens


def test_a_snapshot_lets_old_lines_go_and_everything_is_read_again(
    database: str, start_server: Start, rows: Callable[[str], list[tuple[object, ...]]]
) -> None:
    server = start_server("--snapshot-every", "20000", state=database)
    behind = Server(server.folder / "behind", state=database)
    behind.folder.mkdir()
    behind.start()
    try:
        for number in range(60):
            server.push(subscriptions=[subscription(f"token-{number}")])
        until(lambda: rows("SELECT snapshot FROM emulator_workspaces")[0][0])
        lines, number = rows("SELECT count(*), max(number) FROM emulator_lines")[0]
        assert lines < number
        before = frozen(server)
        assert behind.get("/__admin/snapshot").body == before
        assert len(behind.get("/__admin/requests?limit=100").json["items"]) == 60
    finally:
        behind.kill()
    server.kill()
    server.start()
    assert server.get("/__admin/snapshot").body == before
    assert len(server.get("/__admin/requests?limit=100").json["items"]) == 60


def test_an_emulator_that_begins_with_a_snapshot_alone_writes_only_what_it_changes(
    database: str, start_server: Start, rows: Callable[[str], list[tuple[object, ...]]]
) -> None:
    server = start_server("--snapshot-every", "1", state=database)
    tokens = map("token-{}".format, count())

    def nothing_after_the_snapshot() -> bool:
        if rows("SELECT snapshot = number FROM emulator_workspaces") == [(True,)]:
            return True
        server.push(subscriptions=[subscription(next(tokens))])
        return False

    until(nothing_after_the_snapshot, every_s=0.1)
    before = server.get("/__admin/requests").json["total"]
    begun = Server(server.folder / "begun", state=database)
    begun.folder.mkdir()
    try:
        begun.start().push(subscriptions=[subscription(next(tokens))])
        assert rows("SELECT bool_or(replaced) FROM emulator_lines") == [(False,)]
        for one in (server, begun):
            assert one.get("/__admin/requests").json["total"] == before + 1
    finally:
        begun.kill()
