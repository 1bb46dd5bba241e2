"""What takes long is done outside of turns: others go on in the same workspace meanwhile.

Each test stops the long work, with a lock in the database, where it would hold a turn.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest

from emulator.store.state_on_disk import MOST_AT_ONCE
from tests.importer.test_server import send, table_of
from tests.postgres import Postgres
from tests.server import PAGE_TOKEN, Server, subscription
from tests.shared_state import Emulator
from tests.waiting import until

T = TypeVar("T")
#: More than is read within a turn.
PROFILES = 4000


@pytest.fixture
def stopped(three: list[Emulator], postgres: Postgres) -> Callable[..., Any]:
    """A context in which a statement holds its locks, and work waits for them that was begun in it."""
    waiting = "SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query ~ "

    @contextmanager
    def during(statement: str, waits: str, work: Callable[[], T]) -> Iterator[Future[T]]:
        with psycopg.connect(str(three[0].state)) as connection, ThreadPoolExecutor(1) as pool:
            connection.execute(statement.encode())
            begun = pool.submit(work)
            until(lambda: postgres.run(f"{waiting}'{waits}'") == [(True,)])
            yield begun
            assert not begun.done()
            connection.rollback()

    return during


def test_a_file_that_is_being_stored_holds_no_turn(
    three: list[Emulator], stopped: Callable[..., Any]
) -> None:
    one, other, _ = three
    _push(one, "storing")
    with stopped(
        "LOCK TABLE emulator_file_parts", "emulator_file_parts", lambda: send(one, table_of(10), "/w/storing")
    ) as sending:
        _push(one, "storing")
        _push(other, "storing")
    reply = sending.result()
    assert reply.status == 202, reply.body
    assert other.finished_import(reply.headers["location"]).json["counts"]["added"] == 10


def test_a_state_that_is_being_read_holds_no_turn(three: list[Emulator], stopped: Callable[..., Any]) -> None:
    one, other, _ = three
    document = one.get("/w/reading/__admin/snapshot").json
    fields = {"nickname": "x" * 400}
    document["profiles"] = [{"id": f"{n:024x}", "db_id": 17, "fields": fields} for n in range(PROFILES)]
    sent = json.dumps(document).encode()
    assert one.request("PUT", "/w/reading/__admin/snapshot", sent).json["profiles"] == PROFILES
    with stopped(
        "LOCK TABLE emulator_snapshots", "SELECT changes", lambda: _push(other, "reading")
    ) as reading:
        _push(one, "reading")
    reading.result()
    counts = {emulator.get("/w/reading/__admin/health").json["subscriptions"] for emulator in three}
    assert len(counts) == 1


def test_a_snapshot_that_is_being_written_holds_no_turn(three: list[Emulator]) -> None:
    _push(three[0], "writing")
    with psycopg.connect(str(three[0].state)) as connection:
        # As the rows do that refer to it.
        connection.execute("SELECT FROM emulator_workspaces WHERE name = 'writing' FOR KEY SHARE")
        for emulator in three:
            _push(emulator, "writing")


def _push(server: Server, name: str) -> None:
    body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("any")]}
    assert server.post(f"/w/{name}/push_subscribe", body).status == 200


_NO_THREAD = """
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

def submit(self, work, *arguments, submit=ThreadPoolExecutor.submit, refuses=Path({!r})):
    if self._thread_name_prefix == "state" and refuses.exists():
        refuses.unlink()
        raise RuntimeError("can't start new thread")
    return submit(self, work, *arguments)

ThreadPoolExecutor.submit = submit
"""


def test_a_row_for_which_the_system_has_no_thread_is_done_later_and_the_rows_before_it_count_once(
    postgres: Postgres, tmp_path: Path
) -> None:
    refuses = tmp_path / "refuses"
    (tmp_path / "sitecustomize.py").write_text(_NO_THREAD.format(str(refuses)))
    one = Emulator(tmp_path / "one", postgres.database())
    one.environment = {"PYTHONPATH": str(tmp_path)}
    try:
        one.start()
        document = one.get("/__admin/snapshot").json
        left = {"resource_id": 5, "provider": "android-firebase", "subscription_id": "left"}
        left["status"] = "unsubscribed"
        document["profiles"] = [
            {"id": f"{n:024x}", "db_id": 17, "subscriptions": [left]} for n in range(2 * MOST_AT_ONCE)
        ]
        assert one.request("PUT", "/__admin/snapshot", json.dumps(document).encode()).status == 200
        refuses.touch()
        reply = send(one, table_of(40) + b"left\n")
        counts = one.finished_import(reply.headers["location"]).json["counts"]
        assert not refuses.exists()
        assert (counts["rows"], counts["added"], counts["changed"]) == (41, 40, 1)
        assert one.get("/__admin/health").json["status"] == "ok"
    finally:
        one.kill()
