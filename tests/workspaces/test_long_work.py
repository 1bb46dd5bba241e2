"""Requests for a workspace that is opened, reset, restored or changed as a whole: they wait, none is lost."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from emulator.app import create_app
from emulator.emulator import Emulator
from emulator.messages import Incoming
from emulator.settings import Settings
from emulator.store.recovery import Recovered
from emulator.workspaces import registry
from emulator.workspaces.workspace import Workspace
from tests.server import PAGE_TOKEN, Reply, Server

MANY = 3000
LARGE = "/w/large"


@pytest.fixture(scope="module")
def snapshot(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    server = Server(tmp_path_factory.mktemp("source"), "-q", "--durability", "none").start()
    try:
        document: dict[str, Any] = server.get("/__admin/snapshot").json
    finally:
        server.kill()
    db_id = next(one["db_ids"][0] for one in document["resources"] if one["token"] == PAGE_TOKEN)
    resource_id = next(one["id"] for one in document["resources"] if one["token"] == PAGE_TOKEN)
    own = [
        {"resource_id": resource_id, "provider": "android-firebase", "subscription_id": f"stored-{number}"}
        for number in range(MANY)
    ]
    document["profiles"] = [
        {"id": f"large-{number}", "db_id": db_id, "subscriptions": [one]} for number, one in enumerate(own)
    ]
    return json.dumps(document).encode()


def push(server: Server, workspace: str, token: str) -> Reply:
    one = {"provider": "android-firebase", "subscription_id": token}
    return server.post(f"{workspace}/push_subscribe", {"resource_token": PAGE_TOKEN, "subscriptions": [one]})


def beside(server: Server, work: Callable[[], Reply], workspace: str = LARGE) -> list[str]:
    """Have clients push while ``work`` is done; the tokens that were stored."""
    with ThreadPoolExecutor(5) as clients:
        working = clients.submit(work)
        sent = {f"meanwhile-{number}": None for number in range(40)}
        answers = list(clients.map(lambda token: push(server, workspace, token), sent))
        assert working.result().status == 200, working.result().body
    assert [(one.status, one.json["error"]) for one in answers] == [(200, 0)] * len(sent)
    return list(sent)


def stored(server: Server, workspace: str = LARGE) -> set[str]:
    found: dict[str, Any] = server.get(f"{workspace}/__admin/snapshot").json
    return {one["subscription_id"] for profile in found["profiles"] for one in profile["subscriptions"]}


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_requests_that_come_while_a_workspace_is_opened_are_all_answered_from_its_state(
    start_server: Callable[..., Server], tmp_path: Path, snapshot: bytes, durability: str
) -> None:
    server = start_server("-q", "--durability", durability)
    assert server.request("PUT", f"{LARGE}/__admin/snapshot", snapshot).status == 200
    assert server.stop() == 0
    server.start()
    tokens = beside(server, lambda: server.get(f"{LARGE}/__admin/profiles?limit=1"))
    assert len(stored(server)) == MANY + len(tokens)
    server.kill()
    server.start()
    assert stored(server) >= {*tokens, "stored-0", f"stored-{MANY - 1}"}


def test_requests_that_come_while_the_type_of_a_field_of_many_profiles_changes_are_kept(
    start_server: Callable[..., Server], snapshot: bytes
) -> None:
    document = json.loads(snapshot)
    db_id = document["profiles"][0]["db_id"]
    for one in document["databases"]:
        if one["id"] == db_id:
            one["fields"]["shoe"] = "int"
    for number, one in enumerate(document["profiles"]):
        one["fields"] = {"shoe": number}
    server = start_server("-q")
    assert server.request("PUT", f"{LARGE}/__admin/snapshot", json.dumps(document).encode()).status == 200
    body = json.dumps({"fields": {"shoe": "string"}}).encode()
    tokens = beside(server, lambda: server.request("PATCH", f"{LARGE}/__admin/databases/{db_id}", body))
    server.kill()  # what was answered is on the disk
    server.start()
    assert stored(server) >= {*tokens, "stored-0", f"stored-{MANY - 1}"}
    shoes = server.get(f"{LARGE}/__admin/profiles?limit=1000&db_id={db_id}").json["items"]
    assert {type(one["fields"]["shoe"]) for one in shoes if one["fields"]} == {str}


def test_a_workspace_that_cannot_be_opened_says_so_to_everybody_who_waits(
    start_server: Callable[..., Server], snapshot: bytes
) -> None:
    server = start_server("-q")
    assert server.request("PUT", f"{LARGE}/__admin/snapshot", snapshot).status == 200
    assert server.stop() == 0
    file = server.state / "large.json"
    file.write_bytes(file.read_bytes().replace(b'stored-7"', b'stored-x"', 1))
    server.start()
    with ThreadPoolExecutor(4) as clients:
        answers = list(clients.map(lambda path: server.get(f"{LARGE}{path}"), ["/", "/__admin/profiles"] * 2))
        answers.append(push(server, LARGE, "new"))
    assert [one.status for one in answers] == [500] * 5
    assert all(b"checksum does not hold" in one.body for one in answers)
    assert push(server, "/w/other", "new").status == 200


def test_a_plain_wsgi_server_opens_a_large_workspace_for_its_first_request(
    tmp_path: Path, snapshot: bytes
) -> None:
    for asked, status in (("PUT", 200), ("GET", 200)):
        app = create_app(Settings(state=tmp_path))
        client = app.test_client()
        found = client.open(f"{LARGE}/__admin/snapshot", method=asked, data=snapshot)
        assert found.status_code == status
        assert len(found.get_data()) > (len(snapshot) if asked == "GET" else 0)
        token = {
            "resource_token": PAGE_TOKEN,
            "subscriptions": [{"provider": "android-firebase", "subscription_id": "x"}],
        }
        assert client.post(f"{LARGE}/push_subscribe", json=token).get_json()["error"] in (0, 200)
        app.extensions["emulator"].close()


def test_health_of_a_large_workspace_and_the_form_that_finds_it_open_it_in_steps(
    tmp_path: Path, snapshot: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Opened at once, a million profiles would hold up every other request for seconds."""
    opened: list[Recovered | None] = []

    def noted(name: str, *more: Any, recovered: Recovered | None, **options: Any) -> Workspace:
        opened.extend([recovered] if name == "large" else [])
        return Workspace(name, *more, recovered=recovered, **options)

    app = create_app(Settings(state=tmp_path))
    assert app.test_client().put(f"{LARGE}/__admin/snapshot", data=snapshot).status_code == 200
    app.extensions["emulator"].close()
    monkeypatch.setattr(registry, "Workspace", noted)
    emulator = Emulator(Settings(state=tmp_path))
    answer = emulator.exchange.handle(Incoming("GET", f"{LARGE}/__admin/health", "", {}, b"", ""))
    assert json.loads(asyncio.run(answer.settled()).body)["profiles"] == MANY
    emulator.close()
    app = create_app(Settings(state=tmp_path))
    client = app.test_client()
    page = client.get("/__console/overview").get_data(True)
    form = {"name": "large", "form_token": re.findall(r'name="form_token" value="([^"]+)"', page)[0]}
    assert client.post("/__console/overview/workspaces", data=form).location == f"{LARGE}/__console/overview"
    app.extensions["emulator"].close()
    assert [one is not None for one in opened] == [True, True]
