"""The end of a server: bounded in time, and nothing is lost by that."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from time import monotonic, sleep

import psutil
import pytest
from tinydb import TinyDB

from emulator.app import create_app
from emulator.server.server import wind_up
from emulator.settings import Settings
from emulator.store.storage import LoggedStorage
from tests.server import PAGE_TOKEN, Server, subscription

WORKSPACES = 60


def test_stop_with_many_changed_workspaces_is_within_5_seconds_and_writes_all_down(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("--quiet")
    for number in range(WORKSPACES):
        entry = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("kept")]}
        assert server.post(f"/w/w-{number}/push_subscribe", entry).status == 200
    since = monotonic()
    assert server.stop() == 0
    assert monotonic() - since < 5
    for number in range(WORKSPACES):
        with TinyDB(server.state / f"w-{number}.json") as database:
            assert "kept" in [one["subscription_id"] for one in database.table("subscriptions")]


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_state_that_is_not_written_down_in_time_is_whole_at_the_next_start(
    tmp_path: Path, durability: str
) -> None:
    settings = Settings(state=tmp_path / "state", durability=durability)  # type: ignore[arg-type]
    app = create_app(settings)
    entry = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("kept")]}
    for prefix in ("", "/w/other"):
        assert app.test_client().post(f"{prefix}/push_subscribe", json=entry).get_json()["error"] == 0
    app.extensions["emulator"].close(0)
    assert b'"kept"' not in (settings.state / "default.json").read_bytes()
    app = create_app(settings)
    try:
        for prefix in ("", "/w/other"):
            found = app.test_client().get(f"{prefix}/__admin/subscriptions?subscription_id=kept").get_json()
            assert found["total"] == 1
    finally:
        app.extensions["emulator"].close()


def test_snapshot_that_takes_too_long_at_the_end_is_left_and_nothing_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    storage = LoggedStorage(path)
    storage.write({"people": {1: {"name": "Anna"}}})
    before = path.read_bytes()
    storage.close(monotonic())
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir() if one.name.endswith(".tmp")] == []
    again = LoggedStorage(path)
    assert dict((again.read() or {})["people"]) != {}
    again.close()


def test_a_stop_waits_by_the_clock_for_threads_however_long_a_look_at_them_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looks, look = [0], psutil.Process.num_threads

    def look_slowly(process: psutil.Process) -> int:
        looks[0] += 1
        sleep(0.02)  # as on a busy machine
        return look(process)

    monkeypatch.setattr(psutil.Process, "num_threads", look_slowly)
    asyncio.run(wind_up(-1))  # one thread is always too many
    assert 1 < looks[0] <= 50
