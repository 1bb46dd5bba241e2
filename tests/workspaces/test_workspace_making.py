"""What makes a workspace, and what only looks at one that is not there."""

from __future__ import annotations

import gc
import io
import json
import os
import tracemalloc
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from emulator.app import create_app
from emulator.emulator import Emulator
from emulator.fixtures.load import load_fixtures
from emulator.messages import Incoming
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.workspaces.registry import Workspaces
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, Server, subscription

BODY = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("mine")]}
ANNA = "/profiles/17/59db33d269d426509e9c4bf9"
PLAN = {"resource": PAGE_TOKEN, "provider": "android-firebase", "match": "push", "token_column": "token"}
DATABASE = {"id": 99, "name": "N"}
RESOURCE = {"id": 99, "name": "N", "token": "another", "db_ids": [17]}

#: Admin calls that change something.
CHANGES: list[tuple[str, str, Any]] = [
    ("PUT", "/clock", {"now": "2026-01-01T00:00:00Z"}),
    ("PATCH", "/settings", {"strict": True}),
    ("POST", "/faults", {"then": {"status": 503}}),
    ("POST", "/reset", {}),
    ("POST", "/databases", DATABASE),
    ("PATCH", "/databases/17", {"name": "N"}),
    ("DELETE", "/databases/17?cascade=true", None),
    ("POST", "/resources", RESOURCE),
    ("PATCH", "/resources/5", {"name": "N"}),
    ("POST", "/profiles", {"db_id": 17}),
    ("PATCH", ANNA, {"fields": {"CustomNumber1": 5}}),
    ("DELETE", ANNA, None),
    ("POST", "/import", {**PLAN, "dry_run": True}),
]
#: Admin calls that are refused, or have nothing to change.
NO_CHANGES: list[tuple[str, str, Any]] = [
    ("PUT", "/clock", {"now": "yesterday"}),
    ("PUT", "/clock", {"advance": "9999999d"}),
    ("PATCH", "/settings", {"strict": 5}),
    ("POST", "/faults", {"then": {"status": 1}}),
    ("POST", "/faults", {"then": {"status": 503}, "match": {"resource_token": "nobody's"}}),
    ("DELETE", "/faults", None),
    ("DELETE", "/faults/none", None),
    ("POST", "/reset", {"keep": ["nothing"]}),
    ("PUT", "/snapshot", {"format": 1}),
    ("POST", "/databases", {"id": 17, "name": "N"}),
    ("DELETE", "/databases/17", None),
    ("POST", "/resources", {**RESOURCE, "db_ids": [98]}),
    ("PATCH", "/resources/98", {"name": "N"}),
    ("POST", "/profiles", {"db_id": 98}),
    ("DELETE", "/profiles/17/nobody", None),
    ("PATCH", "/subscriptions/none", {"status": "subscribed"}),
    ("DELETE", "/requests", None),
    ("POST", "/requests/count", {"match": {"provider": "x"}}),
    ("POST", "/requests/verify", {"match": {"provider": "x"}}),
    ("POST", "/import", {**PLAN, "resource": "nobody's"}),
    ("DELETE", "/imports/none", None),
]
READS = [
    *("/__admin" + path for path in ("/health", "/settings", "/clock", "/faults", "/requests", "/rules")),
    *("/__admin" + path for path in ("/databases", "/resources", "/profiles", "/subscriptions", "/imports")),
    *("/__admin" + path for path in ("/databases/17", ANNA, "/snapshot", "/requests/attempts", "/metrics")),
    *("/", "/__console/overview", "/__console/base", "/__console/faults", "/__console/import"),
    *("/__console/rules", "/__console/first-call.txt", "/nothing", "/push_subscribe"),
]


@pytest.fixture(scope="module")
def shared() -> Iterator[InProcess]:
    with InProcess() as app:
        yield app


@pytest.fixture
def app(shared: InProcess) -> Iterator[InProcess]:
    """The module's application; the test's workspaces go."""
    yield shared
    for name in {*names(shared)} - {"default"}:
        shared.client.delete(f"/__admin/workspaces/{name}")


def call(client: FlaskClient, method: str, path: str, document: Any = None, **headers: str) -> Any:
    """A call; one to import sends the document as its plan."""
    if path.endswith("/import"):
        data = {"file": (io.BytesIO(b"x,token\n,new:1\n"), "tokens.csv"), "plan": json.dumps(document)}
        return client.open(path, method=method, data=data, headers=headers)
    return client.open(path, method=method, json=document, headers=headers)


def names(app: InProcess) -> list[str]:
    return app.emulator.workspaces.names()


@pytest.mark.parametrize(("method", "path", "document"), CHANGES)
def test_a_change_makes_a_workspace_and_changes_that_one_alone(
    app: InProcess, method: str, path: str, document: Any
) -> None:
    fresh = call(app.client, "GET", "/w/other/__admin/snapshot").get_json()
    answer = call(app.client, method, f"/w/one/__admin{path}", document)
    assert answer.status_code in (200, 201, 202), answer.text
    assert names(app) == ["default", "one"]
    assert same(call(app.client, "GET", "/w/other/__admin/snapshot").get_json(), fresh)
    if path not in ("/reset", "/import"):
        assert not same(call(app.client, "GET", "/w/one/__admin/snapshot").get_json(), fresh)


@pytest.mark.parametrize(("method", "path", "document"), NO_CHANGES)
def test_a_call_that_changes_nothing_makes_no_workspace(
    app: InProcess, method: str, path: str, document: Any
) -> None:
    fresh = call(app.client, "GET", "/w/one/__admin/snapshot").get_json()
    call(app.client, method, f"/w/one/__admin{path}", document)
    assert names(app) == ["default"]
    assert same(call(app.client, "GET", "/w/one/__admin/snapshot").get_json(), fresh)


def same(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Whether two snapshots say the same but for the time of day."""
    for shot in (one, other):
        if not shot["clock"]["frozen"]:
            shot["clock"]["now"] = ""
    return one == other


@pytest.mark.parametrize("path", READS)
def test_a_read_answers_as_a_fresh_workspace_would_and_makes_none(app: InProcess, path: str) -> None:
    app.client.put("/__admin/workspaces/made")
    looked_at = app.client.get(f"/w/looked-at{path}")
    assert names(app) == ["default", "made"]
    made = app.client.get(f"/w/made{path}")
    assert looked_at.status_code == made.status_code
    if looked_at.is_json and "uptime_s" not in looked_at.text:
        ignored = {"now", "created", "updated", "clock", "profiles", "items", "error_text"}
        one, other = (
            {key: value for key, value in answer.get_json().items() if key not in ignored}
            for answer in (looked_at, made)
        )
        assert one == other


def test_foreign_hosts_and_origins_and_strangers_make_none() -> None:
    with InProcess(admin_token="secret") as app:
        own = {"Authorization": "Bearer secret"}
        for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}, {}):
            for method, path, document in CHANGES:
                sent = own | headers if headers else headers
                answer = call(app.client, method, f"/w/one/__admin{path}", document, **sent)
                assert answer.status_code in (401, 403)
            for path in READS:
                app.client.get(f"/w/one{path}", headers=headers)
        assert names(app) == ["default"]


@pytest.mark.parametrize("body", [BODY, {}, {"resource_token": "nobody's"}])
@pytest.mark.parametrize("path", ["/push_subscribe", "/api/v1.1/resources/push_subscribe/"])
def test_a_post_to_the_endpoint_makes_one_whatever_the_answer(fresh: Server, body: Any, path: str) -> None:
    assert fresh.post(f"/w/one{path}", body, Origin="http://app.example").status in (200, 400, 401, 403, 404)
    assert "one" in [item["name"] for item in fresh.get("/__admin/workspaces").json["items"]]
    assert fresh.get("/w/one/__admin/requests").json["total"] == 1


def test_500_looks_make_no_file_and_leave_room_for_a_workspace(start_server: Callable[..., Server]) -> None:
    server = start_server("-q", "--max-workspaces", "3")
    before = {path.name for path in server.state.iterdir()}
    for number in range(500):
        server.get(f"/w/name-{number}/push_subscribe", Host="evil.example")
    assert {path.name for path in server.state.iterdir()} == before
    assert server.post("/w/one/push_subscribe", BODY).json["error"] == 0


def test_refused_requests_of_a_name_without_a_workspace_are_seen_and_kept_when_it_is_made(
    fresh: Server,
) -> None:
    fresh.get("/w/one/push_subscribe")
    fresh.post("/w/one/nothing", BODY)
    listed = fresh.get("/w/one/__admin/requests").json
    assert [(entry["id"], entry["error"]) for entry in listed["items"]] == [(2, 404), (1, 405)]
    assert fresh.get("/w/two/__admin/requests").json["total"] == 0
    fresh.post("/w/one/push_subscribe", BODY)
    listed = fresh.get("/w/one/__admin/requests").json
    assert [(entry["id"], entry["error"]) for entry in listed["items"]] == [(3, 0), (2, 404), (1, 405)]


def test_what_is_kept_of_names_without_a_workspace_is_bounded() -> None:
    with InProcess(journal_bytes=100_000) as app:
        workspaces = app.emulator.workspaces
        for number in range(600):
            app.client.get(f"/w/name-{number}/push_subscribe", headers={"X-Large": "x" * 1000})
        kept = []
        for number in reversed(range(600)):  # the first that nothing is kept of lets go of another
            kept.append(workspaces.look(f"name-{number}").requests.bytes)
            if not kept[-1]:
                break
        assert 0 < len(kept) - 1 <= 256
        assert 0 < sum(kept) <= 110_000
        newest = app.client.get("/w/name-599/__admin/requests").get_json()
        assert newest["total"] == 1


def test_a_look_at_a_stored_workspace_finds_what_is_in_it(tmp_path: Path) -> None:
    settings = Settings(state=tmp_path)
    first = Workspaces(settings, load_fixtures(DEFAULT_FIXTURES))
    first.get("one").store.remember("settings", b'{"strict":true}')
    first.close()
    second = Workspaces(settings, load_fixtures(DEFAULT_FIXTURES))
    assert second.look("one").settings.strict
    assert not second.look("two").settings.strict
    second.close()


def test_an_idle_workspace_on_the_default_fixtures_owns_less_than_20_kib(tmp_path: Path) -> None:
    emulator: Emulator = create_app(Settings(state=tmp_path)).extensions["emulator"]
    token = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("a" * 160)]}

    def push(name: str) -> None:
        incoming = Incoming("POST", f"/w/{name}/push_subscribe", "", {}, json.dumps(token).encode(), "", None)
        assert emulator.exchange.handle(incoming).summary.error == 0

    for number in range(5):
        push(f"first-{number}")
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        for number in range(20):
            push(f"measured-{number}")
        gc.collect()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        emulator.close()
    assert (after - before) / 20 < 20 * 1024


def test_a_reset_searches_no_folder_however_many_workspaces_are_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = create_app(Settings(state=tmp_path))
    client = app.test_client()
    searched: list[object] = []
    try:
        for token in ("one", "two"):
            body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
            assert client.post("/w/mine/push_subscribe", json=body).get_json()["error"] == 0
            with monkeypatch.context() as patch:
                patch.setattr(os, "listdir", lambda path: searched.append(path) or [])
                assert client.post("/w/mine/__admin/reset").status_code == 200
        assert searched == []
        assert {path.name for path in tmp_path.glob("mine*")} == {"mine.json", "mine.1.journal"}
    finally:
        app.extensions["emulator"].close()


def test_no_workspace_costs_more_beside_thousands_of_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look at all files of the folder takes 5 ms where there are 10,000, one into each of them 100 ms."""
    app = create_app(Settings(state=tmp_path))
    client = app.test_client()
    client.put("/__admin/workspaces/other")
    assert client.get("/__admin/workspaces").get_json()["total"] == 2
    looks: list[object] = []

    def noted(look: Callable[..., Any], *what: Any, **options: Any) -> Any:
        looks.append(what)
        return look(*what, **options)

    monkeypatch.setattr(os, "listdir", partial(noted, os.listdir))
    assert client.get("/w/new/__admin/health").status_code == 200
    assert client.post("/w/new/push_subscribe", json=BODY).get_json()["error"] == 0
    assert client.post("/w/new/__admin/reset", json={"keep": ["clock"]}).status_code == 200
    assert client.post("/w/new/__admin/reset").status_code == 200
    assert client.delete("/__admin/workspaces/new").status_code == 200
    assert client.put("/__admin/workspaces/new").status_code == 200
    assert client.delete("/__admin/workspaces?names=new").get_json() == {"deleted": ["new"]}
    assert looks == []
    monkeypatch.setattr(os, "open", partial(noted, os.open))
    assert client.get("/__admin/workspaces").get_json()["total"] == 2
    assert looks == [(tmp_path,)]
    app.extensions["emulator"].close()
