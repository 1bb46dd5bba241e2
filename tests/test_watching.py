"""``--watch``: changed fixtures are used, bad ones are told and change nothing."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.fixtures.watching import FixtureWatch, read_stamp
from emulator.store.fixture_set import FixtureSet
from tests.server import PATIENCE_S, ROOT, Server, subscription


@pytest.fixture
def fixtures(tmp_path: Path) -> Path:
    """A copy of the default fixtures, to be changed."""
    return Path(shutil.copytree(ROOT / "fixtures" / "default", tmp_path / "fixtures"))


def rename_database(fixtures: Path, name: Any) -> None:
    """Give the first database another name."""
    path = fixtures / "databases.json"
    databases = json.loads(path.read_text(encoding="utf-8"))
    databases[0]["name"] = name
    path.write_text(json.dumps(databases), encoding="utf-8")


class Watched:
    """A watch over a folder, and what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.used: list[FixtureSet] = []
        self.said: list[str] = []

    def after(self, change: Callable[[], object], until: Callable[[], object]) -> None:
        """Watch, make a change, watch until something has come of it."""

        async def watch() -> None:
            stamp = read_stamp(self.folder)
            watched = FixtureWatch(self.folder, stamp, self.used.append, self.said.append, settle_s=0.002)
            change()
            deadline = time.monotonic() + PATIENCE_S
            while not until():
                assert time.monotonic() < deadline
                await watched.look()
                await asyncio.sleep(0.005)

        asyncio.run(watch())


def test_a_good_change_is_used(fixtures: Path) -> None:
    watched = Watched(fixtures)
    watched.after(lambda: rename_database(fixtures, "New"), lambda: watched.used)
    assert watched.used[-1].databases[0].name == "New"
    assert watched.said == []


def test_every_problem_of_a_bad_change_is_a_line(fixtures: Path) -> None:
    watched = Watched(fixtures)
    watched.after(
        lambda: rename_database(fixtures, 5), lambda: watched.said[-1:] and "stays" in watched.said[-1]
    )
    path = fixtures / "databases.json"
    assert watched.said[0] == f"{path}: [0].name: must be a string"
    assert (
        watched.said[-1] == f"the changed fixtures in {fixtures} cannot be used; everything stays as it was"
    )
    assert watched.used == []


def test_a_file_that_comes_or_goes_is_a_change(fixtures: Path) -> None:
    watched = Watched(fixtures)
    profiles = fixtures / "profiles.json"
    away = fixtures / "away.json"
    watched.after(lambda: profiles.rename(away), lambda: watched.used)
    assert list(watched.used[-1].profiles) == []
    watched.after(lambda: away.rename(profiles), lambda: len(watched.used) > 1)
    assert len(list(watched.used[-1].profiles)) == 6
    watched.after(lambda: shutil.rmtree(fixtures), lambda: watched.said)
    assert watched.said[0] == f"{fixtures}: is not a directory"


def test_a_server_resets_to_changed_fixtures_and_keeps_its_state_for_bad_ones(
    start_server: Callable[..., Server], fixtures: Path
) -> None:
    server = start_server("--watch", "-q", fixtures=fixtures)
    server.push(subscriptions=[subscription("t")])
    server.request("PUT", "/__admin/workspaces/other")
    rename_database(fixtures, 5)
    server.wait_for_line("everything stays as it was")
    assert "[0].name: must be a string" in server.log()
    assert server.get("/__admin/health").json["profiles"] == 7
    rename_database(fixtures, "New")
    server.wait_for_line("have changed: 4 databases, 5 resources; reset: default, other")
    assert server.get("/__admin/health").json["profiles"] == 6
    for prefix in ("", "/w/other", "/w/made-after"):
        assert server.get(f"{prefix}/__admin/databases/17").json["name"] == "New"


def test_a_workspace_that_cannot_be_reset_keeps_no_other_from_it_and_is_named(
    start_server: Callable[..., Server], fixtures: Path
) -> None:
    server = start_server("--watch", "-q", fixtures=fixtures)
    worlds = ("blocked", "stored", "used")
    for name in worlds:
        assert server.post(f"/w/{name}/push_subscribe", {}).status == 400
    server.stop()
    server.start()  # now they lie on the disk, open is only who is asked
    for name in ("blocked", "used"):
        server.get(f"/w/{name}/__admin/health")
    for number in range(1, 9):
        path = server.state / f"blocked.{number}.journal"
        if not path.exists():
            path.mkdir()  # no reset can begin its journal here
    rename_database(fixtures, "New")
    server.wait_for_line("workspace blocked: keeps what it has")
    assert "have changed: 4 databases, 5 resources; reset: default, stored, used\n" in server.log()
    named = {name: server.get(f"/w/{name}/__admin/databases/17").json["name"] for name in worlds}
    assert named == {"blocked": "Main", "stored": "New", "used": "New"}


def test_without_watch_changed_fixtures_wait_for_nothing(
    start_server: Callable[..., Server], fixtures: Path
) -> None:
    server = start_server("-q", fixtures=fixtures)
    rename_database(fixtures, "New")
    server.post("/__admin/reset", {})
    assert server.get("/__admin/databases/17").json["name"] == "Main"
