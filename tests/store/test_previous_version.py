"""A state and a snapshot that the previous version wrote are read as they are.

tests/seed/previous/ was written by that version: a state with a log that a kill left, and a snapshot of it.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

from tests.server import ROOT, Server

PREVIOUS = ROOT / "tests" / "seed" / "previous"
PAGE = {"resource_token": "3LXP2FRcRxJ-7b14db88ec937f14"}


def test_a_state_of_the_previous_version_opens_and_takes_what_is_new(
    start_server: Callable[..., Server], tmp_path: Path
) -> None:
    state = tmp_path / "old"
    state.mkdir()
    for name in ("default.json", "default.1.journal"):
        shutil.copy(PREVIOUS / name, state / name)
    server = start_server("--state", str(state))
    health = server.get("/__admin/health").json
    assert (health["profiles"], health["subscriptions"]) == (7, 9)
    before = {**json.loads((PREVIOUS / "snapshot.json").read_bytes()), "requests": None}
    assert {**server.get("/__admin/snapshot").json, "requests": None}.items() >= {
        name: before[name] for name in ("databases", "resources", "profiles", "faults")
    }.items()
    one = {"provider": "android-firebase", "subscription_id": "old-token"}
    role = {"role_tokens": [{"token": "new-role", "name": "App", "db_id": 17}]}
    assert server.request("PATCH", "/__admin/resources/5", json.dumps(role).encode()).status == 200
    headers = {"Authorization": "Bearer rtoken@new-role"}
    body = {"time": 1, "subscription_id": "old-token", "subscription": {**one, "status": "suspended"}}
    path = "/subscription/push/subscribe/?sync=true"
    profile = server.request("POST", path, json.dumps(body).encode(), headers).json["profile"]
    assert profile["subscription"]["status"] == "suspended"
    answered = server.post("/push_subscribe", {**PAGE, "subscriptions": [one]}).json["data"][0]
    assert answered["profile_id"] == profile["id"]
    assert answered["subscription_hash_id"] == profile["subscription"]["hash_id"]


def test_a_snapshot_of_the_previous_version_is_restored(fresh: Server) -> None:
    document = (PREVIOUS / "snapshot.json").read_bytes()
    size = {"workspace": "restored", "profiles": 7, "subscriptions": 9}
    assert fresh.request("PUT", "/w/restored/__admin/snapshot", document).json == size
    again = fresh.get("/w/restored/__admin/snapshot").json
    given = json.loads(document)
    assert [again[name] for name in ("resources", "profiles")] == [
        given[name] for name in ("resources", "profiles")
    ]
