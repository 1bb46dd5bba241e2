"""How often a real server process waits for the disk before it answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from emulator.fixtures.load import write_fixtures
from emulator.rules.model import Database, Resource
from emulator.store.fixture_set import FixtureSet, ProfileEntry
from tests.importer.test_server import table_of, upload
from tests.server import Server, subscription
from tests.waiting import until

_COUNTING = Path(__file__).with_name("counted_syncs")
CALLS: list[tuple[str, str, object]] = [
    ("POST", "/push_subscribe", {"resource_token": "two-databases", "subscriptions": [subscription("t")]}),
    ("POST", "/w/new/push_subscribe", {"resource_token": "two-databases", "subscriptions": []}),
    (
        "POST",
        "/w/first/push_subscribe",
        {"resource_token": "two-databases", "subscriptions": [subscription("t")]},
    ),
    ("POST", "/w/first/__admin/reset", {}),
    ("PATCH", "/w/second/__admin/settings", {"strict": True}),
    ("PUT", "/__admin/workspaces/made", None),
    ("PATCH", "/__admin/settings", {"strict": True}),
    ("PUT", "/__admin/clock", {"advance": "3h"}),
    ("POST", "/__admin/faults", {"then": {"status": 503}, "times": 2}),
    ("POST", "/__admin/reset", {"keep": ["settings", "faults"]}),
    ("POST", "/__admin/reset", {}),
    ("DELETE", "/__admin/workspaces/made", None),
]


def start_counting(
    start_server: Callable[..., Server], folder: Path, *options: str, **more: object
) -> tuple[Server, Callable[[], int]]:
    """A server, and how often it has waited for the disk so far."""
    counted = folder / "counted"
    environment = {"PYTHONPATH": str(_COUNTING), "COUNTED_SYNCS": str(counted)}
    server = start_server("-q", *options, environment=environment, **more)
    return server, lambda: counted.stat().st_size


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_nobody_waits_for_the_disk_but_in_fsync_mode(
    start_server: Callable[..., Server], tmp_path: Path, durability: str
) -> None:
    """The other mode shows that the count counts."""
    server, counted = start_counting(start_server, tmp_path, "--durability", durability)
    waits = []
    for method, path, document in CALLS:
        before = counted()
        body = None if document is None else json.dumps(document).encode()
        answer = server.request(method, path, body, {"Content-Type": "application/json"})
        waits.append((method, path, answer.status in (200, 201, 400), counted() > before))
    changes = durability == "fsync"
    assert [one for one in waits if one[3] != changes and "/w/new" not in one[1]] == []
    assert all(one[2] for one in waits), waits
    assert server.stop() == 0


def has_finished(server: Server, path: str) -> bool:
    return bool(server.get(path).json["state"] == "finished")


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_an_import_waits_for_the_disk_in_fsync_mode_only(
    start_server: Callable[..., Server], tmp_path: Path, durability: str
) -> None:
    """Whoever sends a request meanwhile would wait, too."""
    server, counted = start_counting(start_server, tmp_path, "--durability", durability)
    before = counted()
    for dry_run in (True, False):
        job = upload(server, table_of(10), dry_run=dry_run)
        path = f"/__admin/imports/{job['id']}"
        until(partial(has_finished, server, path))
    assert server.get(f"{path}/report.csv").status == 200
    assert (counted() > before) == (durability == "fsync")
    server.kill()
    server.start()
    assert server.get(path).json["counts"]["added"] == 10


def test_nobody_waits_for_the_disk_with_many_profiles(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    fixtures = tmp_path / "fixtures"
    profiles = [ProfileEntry(2, f"p{number}") for number in range(1500)]
    resource = Resource(22, "App", "two-databases", [2])
    write_fixtures(fixtures, FixtureSet([Database(2, "Club", {})], [resource], profiles))
    server, counted = start_counting(start_server, tmp_path, fixtures=fixtures)
    good = {"resource_token": "two-databases", "subscriptions": [subscription("t")]}
    for prefix in ("", "/w/other"):
        assert server.post(f"{prefix}/push_subscribe", good).json["error"] == 0
        assert server.post(f"{prefix}/__admin/reset", {}).status == 200
    assert counted() == 0


def test_only_what_was_changed_has_a_file_and_all_of_it_is_there_after_a_kill(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("-q")
    good = {"resource_token": "two-databases", "subscriptions": [subscription("t")]}
    server.post("/w/refused/push_subscribe", {})
    server.get("/w/looked-at/__admin/profiles")
    server.request("PUT", "/__admin/workspaces/made")
    server.request(
        "PATCH", "/w/told/__admin/settings", b'{"strict": true}', {"Content-Type": "application/json"}
    )
    for name in ("changed", "reset", "again"):
        assert server.post(f"/w/{name}/push_subscribe", good).json["error"] == 0
    for name in ("reset", "again"):
        assert server.post(f"/w/{name}/__admin/reset", {}).status == 200
    assert server.post("/w/again/push_subscribe", good).json["error"] == 0
    server.kill()
    assert {path.stem for path in server.state.glob("*.json")} == {
        "made",
        "told",
        "changed",
        "reset",
        "again",
    }
    server.start()
    listed = [item["name"] for item in server.get("/__admin/workspaces").json["items"]]
    assert listed == ["again", "changed", "default", "made", "reset", "told"]
    profiles = {name: server.get(f"/w/{name}/__admin/health").json["profiles"] for name in listed}
    assert profiles == {"again": 12, "changed": 12, "default": 10, "made": 10, "told": 10, "reset": 10}
    assert server.get("/w/told/__admin/settings").json["strict"] is True
    server.stop()
