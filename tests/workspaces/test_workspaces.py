"""Workspaces: named by the path or a header, each a world of its own."""

from __future__ import annotations

import asyncio
import os
import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from emulator.faults.model import Fault
from emulator.fixtures.load import load_fixtures
from emulator.messages import split_path
from emulator.rules.errors import Refused
from emulator.rules.model import Database, Resource
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.store.errors import Unavailable
from emulator.store.fixture_set import FixtureSet, ProfileEntry
from emulator.workspaces.clock import REAL_TIME, ClockSetting
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.workspace import Workspace
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, Server, subscription
from tests.waiting import until
from tests.web.conftest import assert_error

ANNA = "59db33d269d426509e9c4bf9"
BODY = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("mine")]}


def workspaces(folder: Path, **settings: Any) -> Workspaces:
    """Workspaces with the default fixtures and their state in this folder."""
    folder.mkdir(exist_ok=True)
    return Workspaces(Settings(state=folder, **settings), load_fixtures(DEFAULT_FIXTURES))


def profiles(server: Server, name: str | None = None) -> int:
    """How many profiles a workspace has."""
    count: int = server.get(f"/w/{name}/__admin/health" if name else "/__admin/health").json["profiles"]
    return count


# By name


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/push_subscribe", (None, "/push_subscribe")),
        ("/w/one/push_subscribe", ("one", "/push_subscribe")),
        ("/w/one/", ("one", "/")),
        ("/w/one", ("one", "/")),
        ("/w/one/w/two", ("one", "/w/two")),
        ("/wide", (None, "/wide")),
    ],
)
def test_the_path_names_a_workspace(path: str, parts: tuple[str | None, str]) -> None:
    assert split_path(path) == parts


@pytest.mark.parametrize(
    "path", ["/push_subscribe", "/push_subscribe/", "/api/v1.1/resources/push_subscribe"]
)
def test_the_prefix_serves_everything_of_a_workspace(fresh: Server, path: str) -> None:
    answer = fresh.post(f"/w/one{path}", BODY).json
    assert answer["error"] == 0
    (entry,) = fresh.get("/w/one/__admin/requests").json["items"]
    assert entry["path"] == f"/w/one{path}"
    assert fresh.get("/w/one/__admin/health").json["workspace"] == "one"
    assert (profiles(fresh, "one"), profiles(fresh), profiles(fresh, "two")) == (11, 10, 10)
    assert fresh.get("/__admin/requests").json["total"] == 0


def test_the_header_names_a_workspace_where_the_path_does_not(fresh: Server) -> None:
    header = {"X-Emulator-Workspace": "one"}
    assert fresh.post("/push_subscribe", BODY, **header).json["error"] == 0
    assert fresh.get("/__admin/health", **header).json["workspace"] == "one"
    assert fresh.post("/w/two/push_subscribe", BODY, **header).json["error"] == 0
    assert fresh.get("/w/two/__admin/health", **header).json["workspace"] == "two"
    assert (profiles(fresh, "one"), profiles(fresh, "two"), profiles(fresh)) == (11, 11, 10)


@pytest.mark.parametrize("name", ["A", "a b", "ä", "a.b", "..", "x" * 65])
def test_a_name_that_is_none_is_refused(fresh: Server, name: str) -> None:
    text = "workspace: its name must be 1 to 64 of a-z 0-9 - _"
    path = f"/w/{name.replace(' ', '%20').replace('ä', '%C3%A4')}"
    for answer in (fresh.post(f"{path}/push_subscribe", BODY), fresh.get(f"{path}/__admin/health")):
        assert_error(answer, 400, text)
    if name.isascii():
        assert_error(fresh.post("/push_subscribe", BODY, **{"X-Emulator-Workspace": name}), 400, text)
    assert list(fresh.state.glob("*.json")) == []


GOOD_NAMES = ["holder", "lock", "0", "-", "_", "x" * 64, "default-1"]


@pytest.fixture(scope="module")
def restarted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, set[str]]]:
    """A server that was stopped and started with a workspace of each good name; the files in between."""
    server = Server(tmp_path_factory.mktemp("named")).start()
    for name in GOOD_NAMES:
        server.post(f"/w/{name}/push_subscribe", BODY)
    server.stop()
    files = {path.name for path in server.state.iterdir() if path.is_file()}
    yield server.start(), files
    server.kill()


@pytest.mark.parametrize("name", GOOD_NAMES)
def test_every_other_name_is_good_for_a_file_of_its_own(
    restarted: tuple[Server, set[str]], name: str
) -> None:
    server, files = restarted
    assert f"{name}.json" in files
    assert profiles(server, name) == 11


# Each on its own


def test_each_workspace_has_its_own_of_everything() -> None:
    with InProcess() as app:

        def call(method: str, path: str, document: Any = None) -> Any:
            return app.client.open(path, method=method, json=document).get_json()

        call("PUT", "/w/one/__admin/clock", {"now": "2026-01-01T00:00:00Z"})
        call("PATCH", "/w/one/__admin/settings", {"strict": True})
        call("POST", "/w/one/__admin/faults", {"then": {"status": 503}})
        call("DELETE", f"/w/one/__admin/profiles/17/{ANNA}")
        call("PATCH", "/w/one/__admin/resources/5", {"token": "another-token"})
        call("POST", "/w/one/push_subscribe", BODY)
        for prefix in ("", "/w/two"):
            assert call("GET", f"{prefix}/__admin/clock")["frozen"] is False
            assert call("GET", f"{prefix}/__admin/settings")["strict"] is False
            assert call("GET", f"{prefix}/__admin/faults")["items"] == []
            assert call("GET", f"{prefix}/__admin/profiles/17/{ANNA}")["id"] == ANNA
            assert call("GET", f"{prefix}/__admin/requests")["total"] == 0
            assert call("POST", f"{prefix}/push_subscribe", BODY)["error"] == 0
        assert call("GET", "/w/one/__admin/requests")["total"] == 1


def test_ids_of_a_workspace_do_not_depend_on_the_others() -> None:
    def ids(*names: str) -> list[str]:
        with InProcess(seed=1) as app:
            answers = [app.post(BODY, f"/w/{name}/push_subscribe").get_json() for name in names]
            return [answer["data"][0]["profile_id"] for answer in answers]

    assert ids("one", "two", "one")[1] == ids("two")[0]


def test_16_workspaces_side_by_side_never_see_each_other(fresh: Server) -> None:
    server = fresh

    def work(number: int) -> list[str]:
        """Mixed calls in a workspace of its own; what was not as if it were alone."""
        chance = random.Random(number)
        prefix = f"/w/run-{number}"
        made, requests, wrong = 10, 0, []
        for turn in range(12):
            kind = chance.choice(["push", "push", "push", "fault", "reset", "clock"])
            if kind == "push":
                now = f"20{10 + number}-01-01T00:00:{turn:02}.000Z"
                server.request("PUT", f"{prefix}/__admin/clock", f'{{"now": "{now}"}}'.encode())
                answer = server.post(
                    f"{prefix}/push_subscribe",
                    {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(f"token-{turn}")]},
                ).json
                made, requests = made + 1, requests + 1
                profile = server.get(f"{prefix}/__admin/profiles/17/{answer['data'][0]['profile_id']}").json
                wrong += [] if profile["created"] == now else [f"{number}: created {profile['created']}"]
            elif kind == "fault":
                server.post(f"{prefix}/__admin/faults", {"then": {"status": 503}, "times": 1})
                status = server.post(f"{prefix}/push_subscribe", BODY).status
                requests += 1
                wrong += [] if status == 503 else [f"{number}: {status} instead of its fault"]
            elif kind == "reset":
                server.post(f"{prefix}/__admin/reset", {})
                made, requests = 10, 0
            count = server.get(f"{prefix}/__admin/requests").json["total"]
            found = (profiles(server, prefix[3:]), count)
            wrong += [] if found == (made, requests) else [f"{number}: {found}, not {(made, requests)}"]
        return wrong

    with ThreadPoolExecutor(16) as pool:
        assert [line for lines in pool.map(work, range(16)) for line in lines] == []
    assert profiles(server) == 10


# Listed, deleted, bounded


def test_workspaces_are_listed_made_and_deleted(server: Server) -> None:
    assert server.request("PUT", "/__admin/workspaces/one").json == {"name": "one"}
    server.post("/w/one/push_subscribe", BODY)
    server.stop()
    server.start()
    listed = {item["name"]: item["open"] for item in server.get("/__admin/workspaces").json["items"]}
    assert listed == {"default": True, "one": False}
    assert server.request("DELETE", "/__admin/workspaces/one").status == 200
    assert not list(server.state.glob("one.*"))
    assert profiles(server, "one") == 10  # made anew
    assert_error(server.request("DELETE", "/__admin/workspaces/two"), 404, "workspace two not found")
    text = "the default workspace cannot be deleted, only reset"
    assert_error(server.request("DELETE", "/__admin/workspaces/default"), 400, text)


def test_there_are_no_more_workspaces_than_allowed(start_server: Callable[..., Server]) -> None:
    server = start_server("--max-workspaces", "3")
    assert [server.post(f"/w/{name}/push_subscribe", BODY).status for name in "ab"] == [200, 200]
    text = "workspace: there are 3 already; delete some, or start with --max-workspaces"
    assert_error(server.post("/w/c/push_subscribe", BODY), 429, text)
    assert [one["error"] for one in server.get("/w/c/__admin/requests").json["items"]] == [429]
    assert server.post("/w/a/push_subscribe", BODY).status == 200
    server.request("DELETE", "/__admin/workspaces/a")
    assert server.post("/w/c/push_subscribe", BODY).status == 200


def test_idle_workspaces_make_room_for_new_ones(tmp_path: Path) -> None:
    now_s = 1000.0
    settings = Settings(state=tmp_path, max_workspaces=2, workspace_ttl=60)
    found = Workspaces(settings, load_fixtures(DEFAULT_FIXTURES), monotonic=lambda: now_s)
    found.get("one")
    with pytest.raises(Refused, match="there are 2 already"):
        found.get("two")
    found.get("one")
    now_s += 61
    found.get("two")
    assert found.names() == ["default", "two"]
    found.close()


def test_what_is_left_of_a_run_before_expires_by_its_last_change(tmp_path: Path) -> None:
    found = workspaces(tmp_path)
    for name in ("old", "new"):
        found.get(name).store.keep()
    found.close()
    for path in [*tmp_path.glob("old.*"), *tmp_path.glob("default.*")]:
        os.utime(path, (time.time() - 100, time.time() - 100))
    again = workspaces(tmp_path, workspace_ttl=60)
    assert asyncio.run(again.delete_idle([])) == ["old"]
    assert again.names() == ["default", "new"]
    again.close()


def test_a_memory_only_server_leaves_the_files_of_others_alone(tmp_path: Path) -> None:
    found = workspaces(tmp_path)
    found.get("one")
    found.close()
    before = sorted(tmp_path.iterdir())
    in_memory = workspaces(tmp_path, durability="none")
    in_memory.get("one")
    assert in_memory.names() == ["default", "one"]
    assert in_memory.delete("one")
    in_memory.close()
    assert sorted(tmp_path.iterdir()) == before


def test_idle_workspaces_are_deleted_with_their_files_but_not_the_default_one(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("--workspace-ttl", "0.2", "-q")
    server.post("/w/one/push_subscribe", BODY)
    server.push(subscriptions=[subscription("mine")])
    server.wait_for_line("workspace one: deleted, nobody used it")
    until(lambda: not list(server.state.glob("one.*")))
    names = [item["name"] for item in server.get("/__admin/workspaces").json["items"]]
    assert names == ["default"]
    assert profiles(server) == 11


# On the disk


def test_each_workspace_is_a_file_and_survives_kill_9(server: Server) -> None:
    for number, name in enumerate(["one", "two", "three"], 1):
        for turn in range(number):
            entries = [subscription(f"token-{turn}")]
            server.post(f"/w/{name}/push_subscribe", {"resource_token": PAGE_TOKEN, "subscriptions": entries})
    server.request("PATCH", "/w/two/__admin/settings", b'{"strict": true}')
    server.post("/w/two/__admin/faults", {"then": {"status": 503}, "times": 5})
    server.kill()
    assert {path.name for path in server.state.glob("*.json")} == {"one.json", "two.json", "three.json"}
    server.start()
    assert [profiles(server, name) for name in ("one", "two", "three")] == [11, 12, 13]
    assert server.get("/w/two/__admin/settings").json["strict"] is True
    assert server.get("/w/two/__admin/faults").json["items"][0]["times"] == 5
    server.stop()
    server.start()
    assert profiles(server, "two") == 12


def test_damaged_state_of_one_workspace_is_told_and_stops_no_other(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    broken = b'{"emulator": {"1": {"format":1,"gen'
    (tmp_path / "state" / "broken.json").write_bytes(broken)
    server = start_server()
    answer = server.get("/w/broken/__admin/health")
    assert answer.status == 500
    assert "broken.json: damaged at byte 0" in answer.json["error_text"]
    assert server.push(subscriptions=[subscription("t")])["error"] == 0
    assert (tmp_path / "state" / "broken.json").read_bytes() == broken


def test_a_reset_that_the_disk_refuses_leaves_ids_and_everything_else_alone(tmp_path: Path) -> None:
    """Ids that began anew would be those of the profiles that are still there."""
    fixtures = FixtureSet([Database(1, "One")], [Resource(1, "App", "app", [1])], [ProfileEntry(1)] * 3)
    (tmp_path / "state").mkdir()
    whole = Workspace("default", Settings(durability="none", seed=1), fixtures)
    workspace = Workspace("default", Settings(state=tmp_path / "state", seed=1), fixtures)
    workspace.set_clock(ClockSetting(1_767_225_600_000))
    workspace.arm(Fault("", times=1))
    (tmp_path / "state" / "default.json").rename(tmp_path / "default.json")
    (tmp_path / "state" / "default.json").mkdir()
    with pytest.raises(Unavailable):
        workspace.reset()
    assert (workspace.clock.frozen, len(workspace.faults), workspace.store.profile_count) == (True, 1, 3)
    (tmp_path / "state" / "default.json").rmdir()
    (tmp_path / "default.json").rename(tmp_path / "state" / "default.json")
    workspace.set_clock(REAL_TIME)
    assert workspace.ids.profile_id() == whole.ids.profile_id()
    workspace.discard()
