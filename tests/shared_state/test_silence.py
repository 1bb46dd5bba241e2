"""A database that takes connections and says nothing, as one behind a broken network or a full machine."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from time import monotonic

import psycopg
import pytest

from emulator.postgres import connections
from emulator.postgres.opening import DatabaseState, open_shared
from emulator.settings import Settings
from emulator.store.errors import StateError, Unavailable
from emulator.store.fixture_set import FixtureSet
from tests.postgres import Postgres
from tests.relay import Relay, relay_to
from tests.server import PAGE_TOKEN, subscription
from tests.shared_state import emulators
from tests.waiting import PATIENCE_S, until


def _through(relay: Relay, postgres: Postgres, database: str) -> str:
    return database.replace(f":{postgres.port}/", f":{relay.port}/")


def test_what_waits_for_a_silent_database_is_told_in_time_and_works_again(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Connections that were made before are not tried one after the other."""
    monkeypatch.setattr(connections, "ANSWER_S", 1.0)
    with relay_to(postgres.port) as relay:
        url = _through(relay, postgres, postgres.database())
        state = open_shared(Settings(state=url), FixtureSet())

        def turn(name: str) -> asyncio.Task[None]:
            return asyncio.create_task(state.turns.run(name, partial(asyncio.sleep, 0)))

        async def all_of(count: int) -> list[str]:
            """How turns in so many workspaces end."""
            turns = [turn(f"w{number}") for number in range(count)]
            ends = await asyncio.gather(*turns, return_exceptions=True)
            return ["" if end is None else str(end) for end in ends]

        async def work() -> None:
            while any(await all_of(4)):
                pass
            relay.fall_silent()
            began, ends = monotonic(), [*await all_of(4), *await all_of(4)]
            assert all("connection timeout expired" in end for end in ends), ends
            assert monotonic() - began < 8
            relay.speak()
            while any(await all_of(2)):
                pass
            relay.fall_silent()
            monkeypatch.setattr(connections, "ANSWER_S", 10.0)
            late, began = turn("w0"), monotonic()
            await asyncio.sleep(0)
            await state.turns.close()
            with pytest.raises(Unavailable):
                await late
            assert monotonic() - began < 5

        async def work_and_end() -> None:
            try:
                await asyncio.wait_for(work(), 30)
            finally:
                await state.turns.close()

        asyncio.run(work_and_end())


def test_a_database_that_falls_silent_at_the_start_is_told(
    postgres: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "ANSWER_S", 0.5)
    database = postgres.database()
    postgres.run("CREATE TABLE emulator_version (version integer NOT NULL)", database)
    with relay_to(postgres.port) as relay, ThreadPoolExecutor(1) as beside:
        url = _through(relay, postgres, database)
        with psycopg.connect(database) as elsewhere:
            elsewhere.execute("LOCK emulator_version")
            opening = beside.submit(open_shared, Settings(state=url), FixtureSet())
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            until(lambda: opening.done() or postgres.run(waiting)[0][0] > 0)
            relay.fall_silent()
            with pytest.raises(StateError, match="it has said nothing for"):
                opening.result(10)


def unread(port: int) -> list[int]:
    """How many bytes a server has not read yet, for each open connection to this port of this machine."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    open_ones = [line for line in lines if line[1] == f"0100007F:{port:04X}" and line[3] == "01"]
    return [int(line[4].partition(":")[2], 16) for line in open_ones]


@pytest.mark.skipif(sys.platform != "linux", reason="looks where Linux lists connections")
def test_an_emulator_stops_in_time_while_its_database_is_silent(postgres: Postgres, tmp_path: Path) -> None:
    with (
        relay_to(postgres.port) as relay,
        emulators(tmp_path, _through(relay, postgres, postgres.database()), 1) as (one,),
    ):
        body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("token")]}
        paths = [f"/w/w{number}/push_subscribe" for number in range(4)]
        assert [one.post(path, body).status for path in paths] == [200] * 4
        relay.fall_silent()
        clients = [HTTPConnection("127.0.0.1", one.port, timeout=PATIENCE_S) for _ in paths]
        for client, path in zip(clients, paths, strict=True):
            client.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        until(lambda: unread(one.port) == [0] * 4)
        began = monotonic()
        assert one.stop() == 0
        assert monotonic() - began < 5
        assert one.log() == ""
        for client in clients:
            with closing(client), client.getresponse() as answer:
                assert (answer.status, answer.headers["retry-after"]) == (503, "1")
                assert json.load(answer)["error_text"] == "the server is stopping"


@pytest.mark.skipif(sys.version_info < (3, 11), reason="asyncio of Python 3.10 keeps one by itself")
def test_a_turn_that_the_stop_cancels_keeps_no_request(postgres: Postgres) -> None:
    """A request that is kept keeps a thread of the server."""

    class Request:
        async def work(self) -> None:
            """What its turn does."""

    async def kept_by(state: DatabaseState, relay: Relay) -> list[weakref.ref[Request]]:
        """Requests some of whose turns wait for a connection when the stop cancels them."""
        names = [f"w{number}" for number in range(4)]
        for name in names:
            await state.turns.run(name, Request().work)
        relay.fall_silent()
        requests = [Request() for _ in names]
        turns = [state.turns.run(name, one.work) for name, one in zip(names, requests, strict=True)]
        tasks = list(map(asyncio.create_task, turns))
        await asyncio.wait(tasks, timeout=0.1)
        await state.turns.close()
        done, _ = await asyncio.wait(tasks, timeout=0.1)
        assert all(isinstance(one.exception(), Unavailable) for one in done)  # else a log keeps it
        return list(map(weakref.ref, requests))

    with relay_to(postgres.port) as relay:
        state = open_shared(Settings(state=_through(relay, postgres, postgres.database())), FixtureSet())
        kept = asyncio.run(kept_by(state, relay))
        gc.collect()
        assert [one() for one in kept] == [None] * 4
