"""What the database refuses: for want of room, or because of another transaction."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import psycopg
import pytest

from emulator.postgres.connections import CONNECTING, configure
from tests.importer.test_server import send, table_of
from tests.postgres import Postgres
from tests.server import PAGE_TOKEN, Reply, Server, subscription
from tests.shared_state import Several, emulators
from tests.waiting import until


def _push(server: Server, token: str, workspace: str = "default") -> Reply:
    body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
    return server.post(f"/w/{workspace}/push_subscribe", body)


def _put(server: Server, path: str, document: Any) -> Reply:
    return server.request("PUT", path, json.dumps(document).encode(), {"Content-Type": "application/json"})


def _tokens(server: Server, workspace: str = "default") -> Counter[str]:
    document = server.get(f"/w/{workspace}/__admin/snapshot").json
    return Counter(
        one["subscription_id"] for profile in document["profiles"] for one in profile["subscriptions"]
    )


def _with_profiles(document: Any, count: int, ending: str = "") -> Any:
    """The document of a workspace with so many profiles more."""
    tokens = [
        {"resource_id": 5, "provider": "android-firebase", "subscription_id": f"s{n}{ending}"}
        for n in range(count)
    ]
    more = [{"id": f"{n + 1:024x}", "db_id": 17, "subscriptions": [one]} for n, one in enumerate(tokens)]
    return {**document, "profiles": document["profiles"] + more}


def test_a_full_disk_of_the_database_refuses_is_told_and_is_recovered_from(
    postgres: Postgres, tmp_path: Path
) -> None:
    with postgres.small_disk("14m") as (database, disk), emulators(tmp_path, database, 2) as running:
        for one in running:
            assert _push(one, "before").status == 200
        kept, document = _tokens(running[0]), running[0].get("/__admin/snapshot").json
        with suppress(OSError), (disk / "others").open("wb", buffering=0) as others:
            while True:
                others.write(bytes(4096))
        for number in range(1000):  # the pages that it has are not full yet
            if _push(running[number % 2], token := f"{number}-{'x' * 900}").status != 200:
                break
            kept[token] += 1
        began = monotonic()
        for one in running:
            for reply in (
                _push(one, f"lost-{'x' * 900}"),
                one.post("/__admin/reset", {}),
                _put(one, "/__admin/snapshot", _with_profiles(document, 500)),
                send(one, table_of(20_000)),
            ):
                assert (reply.status, reply.headers.get("retry-after")) == (503, "1"), reply.body
                assert reply.json["error"] == 503
                assert "No space left on device" in reply.json["error_text"]
            health = one.get("/__admin/health").json
            assert (health["status"], "No space left" in health["reason"]) == ("failing", True)
            assert _tokens(one) == kept
        assert monotonic() - began < 10
        (disk / "others").unlink()
        for one in running:
            until(
                lambda one=one: one.get("/__admin/health").json["status"] == "ok",
                otherwise=lambda one=one: (one.get("/__admin/health").json, one.log()),
            )
            assert _push(one, "after").status == 200
        kept["after"] += 1
        assert [_tokens(one) for one in running] == [kept, kept]


def test_transactions_that_the_database_has_to_repeat_are_carried_out_once(
    postgres: Postgres, tmp_path: Path
) -> None:
    """Where transactions are serializable, PostgreSQL ends all but one of those that wait."""
    database = postgres.whole_database()
    name = database.rpartition("/")[2]
    postgres.run(f"ALTER DATABASE {name} SET default_transaction_isolation = 'serializable'")
    with emulators(tmp_path, database, 2) as running, ThreadPoolExecutor(8) as clients:
        tokens = [f"t{number}" for number in range(80)]
        answers = list(clients.map(lambda n: _push(running[n % 2], tokens[n]).status, range(80)))
        assert set(answers) == {200}
        assert Counter(tokens) <= _tokens(running[0]) == _tokens(running[1])
        undone = f"SELECT xact_rollback FROM pg_stat_database WHERE datname = '{name}'"
        until(lambda: postgres.run(undone)[0][0] > 0, every_s=0.1)


def test_a_turn_that_is_refused_at_its_end_is_carried_out_once(postgres: Postgres, tmp_path: Path) -> None:
    """As distributed engines do, two of three turns are refused: when they write, or when they commit."""
    database = postgres.database()
    with emulators(tmp_path, database, 2) as running:
        document, both = running[0].get("/__admin/snapshot").json, Several(running)
        postgres.run("CREATE SEQUENCE attempts", database)
        for code, moment in (("40P01", ""), ("40001", "DEFERRABLE INITIALLY DEFERRED")):
            for statement in (
                "CREATE OR REPLACE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS"
                " $$ BEGIN IF nextval('attempts') % 3 <> 0 THEN"
                f" RAISE EXCEPTION 'restart transaction' USING ERRCODE = '{code}';"
                " END IF; RETURN NULL; END $$",
                f"CREATE CONSTRAINT TRIGGER refuses AFTER UPDATE OF number ON emulator_workspaces {moment}"
                " FOR EACH ROW EXECUTE FUNCTION refuse()",
            ):
                postgres.run(statement, database)
            new = f"new-{code.lower()}"
            fault = {"then": {"status": 503}, "times": 5}
            assert both.post(f"/w/{new}/__admin/faults", fault).status == 201
            with ThreadPoolExecutor(6) as clients:
                pushing = clients.map(lambda n, new=new: _push(both, f"pushed-{n}", new).status, range(40))
                assert Counter(pushing) == {200: 35, 503: 5}
            for one in running:
                counted = one.post(f"/w/{new}/__admin/requests/count", {"match": {"status": 200}})
                assert counted.json == {"count": 35}
                assert sum(token.startswith("pushed-") for token in _tokens(one, new).elements()) == 35
            # More than is kept in memory.
            assert _put(both, "/__admin/snapshot", _with_profiles(document, 1200, "x" * 900)).status == 200
            assert [len(_tokens(one)) > 1200 for one in running] == [True, True]
            job = send(both, table_of(500)).json
            ended = both.finished_import(f"/__admin/imports/{job['id']}").json
            assert (ended["state"], ended["counts"].get("added")) == ("finished", 500), ended
            assert [_tokens(one)["new:499"] for one in running] == [1, 1]
            postgres.run("DROP TRIGGER refuses ON emulator_workspaces", database)
        assert postgres.run("SELECT last_value > 40 FROM attempts", database) == [(True,)]


def test_who_waits_for_news_is_told_of_nothing_that_is_not_stored(postgres: Postgres, tmp_path: Path) -> None:
    database = postgres.database()
    with emulators(tmp_path, database, 1) as (one,), ThreadPoolExecutor(1) as client:
        assert _push(one, "before").status == 200
        postgres.run(
            "ALTER TABLE emulator_lines ADD CONSTRAINT refuses CHECK (changes NOT LIKE '%ghost%')", database
        )
        expected = {"match": {"status": 200}, "expect": {"at_least": 2}, "within": 30}
        waiting = client.submit(one.post, "/__admin/requests/count", expected)
        for number in range(4):
            assert _push(one, f"ghost-{number}").status == 503
        assert one.get("/__admin/requests").json["total"] == 1
        assert not waiting.done(), waiting.result()
        assert _push(one, "second").status == 200
        assert waiting.result().json == {"count": 2}


@pytest.mark.parametrize("options", [(), ("--snapshot-every", "1")])
def test_a_refused_request_is_in_no_journal_and_on_no_live_page(
    postgres: Postgres, tmp_path: Path, options: tuple[str, ...]
) -> None:
    """The database thinks about its refusal, so that the page looks while it does not know."""
    database = postgres.database()
    person = httpx.Client(timeout=20, trust_env=False)
    with person, emulators(tmp_path, database, 2, *options) as running:
        one = running[0]
        _refuse_slowly(postgres, database)
        with person.stream("GET", f"{one.url}/__console/live") as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": watching"
            shown = ""
            for number in range(3):
                assert _push(one, f"kept-{number}").status == 200
                assert _push(one, f"ghost-{number}").status == 503
                shown += next(line for line in lines if f"kept-{number}" in line or "still" in line)
            assert _push(running[1], "last").status == 200
            shown += next(line for line in lines if "last" in line or "still" in line)
        assert ("ghost" in shown, "still watching" in shown, '"anew":true' in shown) == (False, False, False)
        assert [shown.count(f">kept-{number}<") for number in range(3)] == [1, 1, 1]
        journals = [[(e["id"], e["body"]) for e in r.get("/__admin/requests").json["items"]] for r in running]
        assert journals[0] == journals[1]
        assert len(journals[0]) == 4


def test_sessions_that_may_only_read_are_left_when_the_database_takes_changes_again(
    postgres: Postgres, tmp_path: Path
) -> None:
    """The setting holds for sessions that begin later, and for their whole life."""
    database = postgres.whole_database()
    name = database.rpartition("/")[2]
    with emulators(tmp_path, database, 2) as running, ThreadPoolExecutor(6) as clients:
        kept = [_tokens(one) for one in running if _push(one, "before").status != 400][-1]
        postgres.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        end = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        postgres.run(end)
        for one in running:
            until(lambda one=one: _push(one, "lost").status == 503)
            pushing = [clients.submit(_push, one, "lost") for _ in range(20)]
            reading = [clients.submit(_tokens, one) for _ in range(20)]
            for reply in (each.result() for each in pushing):
                assert (reply.status, "read-only transaction" in reply.json["error_text"]) == (503, True)
            assert [each.result() for each in reading] == [kept] * 20  # which share turns with refused ones
            assert one.get("/__admin/health").json["status"] == "failing"
        postgres.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        for one in running:
            until(lambda one=one: one.get("/__admin/health").json["status"] == "ok", 10)
            assert _push(one, "after").status == 200
        assert [_tokens(one) for one in running] == [kept + Counter(["after"])] * 2


def test_a_wait_that_is_done_again_ends_when_it_would_have_ended(postgres: Postgres, tmp_path: Path) -> None:
    database = postgres.database()
    with emulators(tmp_path, database, 1) as (one,), ThreadPoolExecutor(1) as client:
        postgres.run(
            "ALTER TABLE emulator_lines ADD CONSTRAINT refuses CHECK (changes NOT LIKE '%ghost%')", database
        )
        expected = {"match": {"subscription_id": "nobody"}, "within": 2}
        began = monotonic()
        waiting = client.submit(one.post, "/__admin/requests/verify", expected)
        while not waiting.done():  # what is in memory is undone again and again
            assert _push(one, "ghost").status == 503
        assert waiting.result().status == 422
        assert 2 <= monotonic() - began < 3.5


def _refuse_slowly(postgres: Postgres, database: str) -> None:
    for statement in (
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " IF NEW.changes LIKE '%ghost%' THEN PERFORM pg_sleep(0.3); RAISE EXCEPTION 'no ghosts'; END IF;"
        " RETURN NULL; END $$",
        "CREATE CONSTRAINT TRIGGER refuses AFTER INSERT ON emulator_lines DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION refuse()",
    ):
        postgres.run(statement, database)


def test_what_the_database_sets_for_its_connections_does_not_matter(
    postgres: Postgres, tmp_path: Path
) -> None:
    database = postgres.whole_database()
    for setting in (
        "statement_timeout = '200ms'",  # the setting of another one must end before
        "lock_timeout = '1ms'",
        "idle_in_transaction_session_timeout = '1ms'",
        "client_encoding = 'latin1'",
        "standard_conforming_strings = off",
        "synchronous_commit = off",
    ):
        postgres.run(f"ALTER DATABASE {database.rpartition('/')[2]} SET {setting}")
    with emulators(tmp_path, database, 2) as running:
        for number in range(20):
            assert _push(running[number % 2], f"ключ\\{number}").status == 200
        assert [_tokens(one)["ключ\\19"] for one in running] == [1, 1]

    async def settings() -> list[object]:
        async with await psycopg.AsyncConnection.connect(database, **CONNECTING) as connection:
            await configure(connection)
            names = ("synchronous_commit", "statement_timeout")
            return [await (await connection.execute(f"SHOW {name}")).fetchone() for name in names]

    assert asyncio.run(settings()) == [("on",), ("0",)]
