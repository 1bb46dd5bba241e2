"""What belongs to a workspace ends with it, and whoever watches its name goes on with its successor."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, nullcontext
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, TypeVar
from weakref import ref

import httpx
import pytest
from flask import Flask

from emulator.app import create_app
from emulator.fixtures.load import load_fixtures
from emulator.loop import pacing
from emulator.messages import BRIDGE_KEY, DELIVERY_KEY
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.web.current import WORKSPACE_KEY
from emulator.web.later import change, reset_workspace
from emulator.workspaces.clock import ClockSetting
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.workspace import Workspace
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, PATIENCE_S, Server, subscription
from tests.waiting import until

T = TypeVar("T")
BODY = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("mine")]}
PLAN = {"resource": PAGE_TOKEN, "provider": "android-firebase", "match": "push", "token_column": "token"}
TABLE = b"x,token\n" + b"".join(b",new:%d\n" % number for number in range(50_000))


def start_import(server: Server, name: str, table: bytes = TABLE) -> Any:
    """The job of an import that the server has begun."""
    files = {"file": ("tokens.csv", table, "text/csv")}
    answer = httpx.post(
        f"{server.url}/w/{name}/__admin/import", files=files, data={"plan": json.dumps(PLAN)}, timeout=60
    )
    assert answer.status_code == 202, answer.text
    return answer.json()


def delete(server: Server, name: str) -> None:
    """Delete a workspace."""
    assert server.request("DELETE", f"/__admin/workspaces/{name}").status == 200


def test_a_successor_inherits_no_import_and_a_running_one_stops(server: Server) -> None:
    other = start_import(server, "other", b"x,token\n,new:1\n")
    ids = [start_import(server, "one", b"x,token\n,new:1\n")["id"], start_import(server, "one")["id"]]
    delete(server, "one")
    server.post("/w/one/push_subscribe", BODY)
    for _ in range(2):  # and after a restart
        assert server.get("/w/one/__admin/imports").json["total"] == 0
        for job_id in ids:
            for path in (f"/imports/{job_id}", f"/imports/{job_id}/report.csv"):
                assert server.get(f"/w/one/__admin{path}").status == 404
        assert server.get("/w/one/__admin/health").json["profiles"] == 11  # nothing of it came after
        assert server.get("/w/other/__admin/imports").json["items"][0]["id"] == other["id"]
        assert {path.name.split(".")[0] for path in (server.state / "imports").iterdir()} == {other["id"]}
        server.stop()
        server.start()


def test_a_successor_inherits_no_file_that_waits_to_be_imported(tmp_path: Path) -> None:
    with InProcess() as app:
        uploads = app.app.extensions["console"].uploads
        for name in ("one", "two"):
            app.client.put(f"/__admin/workspaces/{name}")
            (tmp_path / f"{name}.upload").write_bytes(TABLE)
            uploads.keep(tmp_path / f"{name}.upload", "tokens.csv", name, 5, "android-firebase")
        app.client.delete("/__admin/workspaces/one")
        assert [path.name for path in tmp_path.glob("*.upload")] == ["two.upload"]


def test_a_successor_begins_with_request_1_and_counts_nothing_of_its_predecessor(fresh: Server) -> None:
    for _ in range(3):
        fresh.post("/w/one/push_subscribe", {})
    delete(fresh, "one")
    listed = fresh.get("/w/one/__admin/requests").json
    assert (listed["total"], listed["recorded"], listed["dropped"]) == (0, 0, 0)
    fresh.post("/w/one/push_subscribe", BODY)
    (entry,) = fresh.get("/w/one/__admin/requests").json["items"]
    assert entry["id"] == 1
    rules = fresh.get("/w/one/__admin/rules").json["items"]
    assert sum(rule["decided"] for rule in rules if rule["id"].startswith("Q")) == 0
    assert (
        'emulator_answers_total{error="400",workspace="one"}'
        not in fresh.get("/__admin/metrics").body.decode()
    )


class Verifying:
    """A call that waits, on a connection of its own, for so many requests with this token."""

    def __init__(self, server: Server, name: str, at_least: int, within: float) -> None:
        self._connection = HTTPConnection("127.0.0.1", server.port, timeout=2 * PATIENCE_S)
        asked = {"match": {"subscription_id": "mine"}, "expect": {"at_least": at_least}, "within": within}
        self._connection.request("POST", f"/w/{name}/__admin/requests/verify", json.dumps(asked))
        for _ in range(3):
            server.get("/__admin/health")  # by then the server has read it

    def result(self) -> tuple[int, Any]:
        """The status and the answer."""
        with closing(self._connection) as connection:
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())


def test_a_waiting_verify_sees_the_workspace_that_is_made_after_it(fresh: Server) -> None:
    verifying = Verifying(fresh, "one", 2, PATIENCE_S)
    for _ in range(2):
        fresh.post("/w/one/push_subscribe", BODY)
    assert verifying.result() == (200, {"count": 2})


def test_a_waiting_verify_follows_the_name_and_counts_nothing_of_a_predecessor(fresh: Server) -> None:
    fresh.post("/w/one/push_subscribe", BODY)
    verifying, too_many = Verifying(fresh, "one", 2, PATIENCE_S), Verifying(fresh, "one", 4, 2.0)
    delete(fresh, "one")
    for _ in range(2):
        fresh.post("/w/one/push_subscribe", BODY)
    assert verifying.result() == (200, {"count": 2})
    status, answer = too_many.result()
    assert (status, answer["count"]) == (422, 2)
    assert answer["error_text"].endswith("found 2 of 2 in the journal")


def test_a_workspace_is_deleted_after_those_who_wait_in_it_have_looked(app: Flask) -> None:
    client, workspaces = app.test_client(), app.extensions["emulator"].workspaces
    for is_used in (False, True):
        assert client.put("/__admin/workspaces/one").status_code == 200
        using = workspaces.in_use("one") if is_used else nullcontext()
        environ = {BRIDGE_KEY: True, "emulator.root": ""}
        with (
            using,
            app.test_request_context(
                "/__admin/workspaces/one", method="DELETE", environ_overrides=environ
            ) as context,
        ):
            app.full_dispatch_request()
            delivery = context.request.environ.get(DELIVERY_KEY)
            assert ("one" in workspaces.names(), delivery is not None) == (is_used, is_used)
            if delivery is not None:  # a task of the loop deletes it
                assert asyncio.run(delivery.wait).status == 200
        assert "one" not in workspaces.names()


def test_a_live_stream_that_has_yet_to_begin_follows_the_name(app: Flask) -> None:
    client = app.test_client()
    assert client.put("/__admin/workspaces/one").status_code == 200
    environ = {WORKSPACE_KEY: "one", BRIDGE_KEY: True, "emulator.root": ""}
    with app.test_request_context("/__console/live", environ_overrides=environ) as context:
        app.full_dispatch_request()
        stream = context.request.environ[DELIVERY_KEY].stream
    assert client.delete("/__admin/workspaces/one").status_code == 200
    assert client.post("/w/one/push_subscribe", json=BODY).status_code == 200

    async def first_news() -> bytes:
        await anext(stream)
        return bytes(await asyncio.wait_for(anext(stream), PATIENCE_S))

    assert b'"count":1' in asyncio.run(first_news())


def test_a_live_stream_follows_the_name(fresh: Server) -> None:
    fresh.post("/w/one/push_subscribe", BODY)
    with closing(HTTPConnection("127.0.0.1", fresh.port, timeout=PATIENCE_S)) as connection:
        connection.request("GET", "/w/one/__console/live")
        stream = connection.getresponse()
        assert stream.readline() == b": watching\n"
        delete(fresh, "one")
        assert _next_news(stream) == (0, True)
        fresh.request("PATCH", "/w/one/__admin/settings", b'{"strict": true}')
        fresh.post("/w/one/push_subscribe", BODY)
        assert _next_news(stream) == (1, False)


def _next_news(stream: Any) -> tuple[int, bool]:
    """How many rows the next event has, and whether the page forgets those before."""
    while True:
        line = stream.readline()
        if line.startswith(b"data: "):
            news = json.loads(line[6:])
            return news["count"], news["anew"]


def test_a_time_to_live_leaves_a_workspace_alone_in_which_somebody_waits(
    start_server: Callable[..., Server],
) -> None:
    ttl, waits_s = 0.3, 1.5
    server = start_server("--workspace-ttl", str(ttl), "-q")
    delayed = {
        "resource_token": PAGE_TOKEN,
        "subscriptions": [subscription(f"emu!delay={waits_s * 1000:.0f}")],
    }
    with closing(HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)) as connection:
        # Who waits is there before the workspace: on a busy machine it could expire in between.
        connection.request("GET", "/w/watched/__console/live")
        assert connection.getresponse().readline() == b": watching\n"
        verifying = Verifying(server, "verified", 2, waits_s)
        for name in ("verified", "watched", "idle"):
            server.post(f"/w/{name}/push_subscribe", BODY)
        with ThreadPoolExecutor(1) as pool:
            answer = pool.submit(server.post, "/w/delayed/push_subscribe", delayed)
            server.wait_for_line("workspace idle: deleted, nobody used it")
            until(lambda: answer.done() or "workspace delayed: deleted" in server.log())
            assert answer.done()
        assert verifying.result()[1]["count"] == 1
        assert "workspace watched: deleted" not in server.log()
    for name in ("verified", "delayed", "watched"):  # then they go
        server.wait_for_line(f"workspace {name}: deleted, nobody used it")


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Flask]:
    """The application with its state in files."""
    made = create_app(Settings(state=tmp_path))
    yield made
    made.extensions["emulator"].close()


def asked_of_one(app: Flask, ask: Callable[[], Coroutine[Any, Any, T]]) -> Coroutine[Any, Any, T]:
    """What a view of the workspace "one" has still to do."""
    with app.test_request_context(environ_overrides={WORKSPACE_KEY: "one"}):
        return ask()


async def deleted(workspaces: Workspaces) -> bool:
    """Delete the workspace "one" as the admin call does."""
    await workspaces.until_settled("one")
    return workspaces.delete("one")


def test_changes_that_wait_while_their_workspace_is_deleted_are_made_in_its_successor(app: Flask) -> None:
    workspaces: Workspaces = app.extensions["emulator"].workspaces

    async def freeze(found: Workspace) -> None:
        found.set_clock(ClockSetting(0))

    async def ask() -> None:
        asked = [
            asked_of_one(app, partial(reset_workspace, [])),
            asked_of_one(app, partial(change, freeze)),
            asked_of_one(app, partial(reset_workspace, ["clock"])),
        ]
        async with workspaces.get("one").store.alone():
            tasks = [asyncio.create_task(one) for one in (deleted(workspaces), *asked)]
            await asyncio.sleep(0)
        gone, first, _, second = await asyncio.gather(*tasks)
        assert gone
        assert first == second

    asyncio.run(ask())
    assert workspaces.get("one").clock.setting == ClockSetting(0)


def test_a_reset_whose_workspace_is_deleted_while_fixtures_are_read_is_made_in_its_successor(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspaces: Workspaces = app.extensions["emulator"].workspaces
    monkeypatch.setattr(pacing, "STEP_S", -1.0)  # each step is over at once

    async def ask() -> None:
        workspaces.get("one").set_clock(ClockSetting(0))
        reset = asyncio.create_task(asked_of_one(app, partial(reset_workspace, ["clock"])))
        await asyncio.sleep(0)
        assert await deleted(workspaces)
        assert (await reset).workspace == "one"

    asyncio.run(ask())
    assert workspaces.is_made("one")


def test_a_reset_answers_with_what_is_there_right_after_it(fresh: Server) -> None:
    size = fresh.post("/w/one/__admin/reset", {}).json
    with (
        closing(HTTPConnection("127.0.0.1", fresh.port, timeout=PATIENCE_S)) as other,
        ThreadPoolExecutor() as pool,
    ):

        def push() -> None:
            for number in range(100):
                body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(f"t{number}")]}
                other.request(
                    "POST", "/w/one/push_subscribe", json.dumps(body), {"Content-Type": "application/json"}
                )
                assert other.getresponse().read()

        pushing = pool.submit(push)
        while not pushing.done():
            assert fresh.post("/w/one/__admin/reset", {}).json == size
            assert fresh.post("/w/two/push_subscribe", BODY).status == 200
        pushing.result()


def test_a_deleted_workspace_leaves_the_memory_without_the_garbage_collector(tmp_path: Path) -> None:
    """What was frozen when a state was opened, the collector never looks at again."""
    found = Workspaces(Settings(state=tmp_path), load_fixtures(DEFAULT_FIXTURES))
    workspace = found.get("one")
    workspace.store.keep()
    parts = [ref(workspace), ref(workspace.store), ref(workspace.store.storage)]
    gc.disable()
    try:
        assert found.delete("one")
        del workspace
        assert [part() for part in parts] == [None] * 3
    finally:
        gc.enable()
        found.close()
