"""The whole thing as a person meets it: a process, real HTTP, the page's examples, restarts, seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPConnection, HTTPException
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB, where

from tests.end_to_end.changes import World
from tests.server import PAGE_TOKEN, PATIENCE_S, ROOT, Server, subscription
from tests.waiting import until

EXAMPLES: list[dict[str, Any]] = json.loads((ROOT / "tests/seed/examples.json").read_text("utf-8"))[
    "examples"
]
#: The keys of an item in the specification's order; an item has all of them or a part.
ITEM_KEYS = [
    "subscription_id",
    "unsubscribe",
    "profile_id",
    "provider",
    "db_id",
    "resource_id",
    "subscription_hash_id",
    "status",
    "description",
]
#: The items of a database that was not searched, or in which nothing changed.
SHORT_KEYS = (
    ["db_id", "description", "resource_id", "status"],
    ["db_id", "description", "profile_id", "resource_id", "status"],
)
PLACEHOLDERS = {"<profile>": "[0-9a-f]{24}", "<hash>": "[0-9a-f]{8}"}
ANNA, BORIS = "59db33d269d426509e9c4bf9", "5fb62e815ae47a4aa04dfadd"
StartServer = Callable[..., Server]


# The page's examples


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one["name"].replace(" ", "_"))
def test_example_of_the_page(example: dict[str, Any], fresh: Server) -> None:
    given = json.dumps({"format": 1, **example["given"]}).encode()
    assert fresh.request("PUT", "/__admin/snapshot", given).status == 200
    reply = fresh.post("/push_subscribe", example["request"])
    key = example["response"]
    assert reply.status == (key["error"] if key["error"] in (400, 404) else 200)
    assert reply.headers["content-type"] == "application/json"
    assert list(reply.json) == ["data", "error", "error_text"]
    assert without_inventions(reply.json, key) == key
    for item in reply.json["data"]:
        assert list(item) in (ITEM_KEYS, *SHORT_KEYS)


def without_inventions(answer: Any, key: Any) -> Any:
    """The answer with the key's placeholder wherever a value of the right shape stands for it."""
    if isinstance(key, dict) and isinstance(answer, dict):
        return {name: without_inventions(value, key.get(name)) for name, value in answer.items()}
    if isinstance(key, list) and isinstance(answer, list):
        pairs = zip(answer, [*key, *[None] * len(answer)], strict=False)
        return [without_inventions(one, expected) for one, expected in pairs]
    if key in PLACEHOLDERS and re.fullmatch(PLACEHOLDERS[key], str(answer)):
        return key
    return answer


# Restart


@pytest.mark.parametrize("end", ["SIGTERM", "kill -9"])
def test_A6_what_was_acknowledged_is_there_after(end: str, start_server: StartServer) -> None:
    server = start_server()
    custom = {"matching": "custom", "field_name": "CustomNumber1"}
    added = [
        server.push(subscriptions=[subscription(f"token-{n}")], field_value=5000 + n, **custom)
        for n in range(20)
    ]
    both = server.push("two-databases", subscriptions=[subscription("in-both")])
    server.push(id=BORIS, subscriptions=[subscription("active-token", unsubscribe=True)])
    health = server.get("/__admin/health").json
    if end == "SIGTERM":
        assert server.stop() == 0
    else:
        server.kill()
    server.start()

    assert {**server.get("/__admin/health").json, "uptime_s": 0} == {**health, "uptime_s": 0}
    for number, answer in enumerate(added):
        again = server.push(
            subscriptions=[subscription(f"token-{number}")], field_value=5000 + number, **custom
        )
        assert again["error"] == 200  # nothing to change: it is there
        assert again["data"][0]["profile_id"] == answer["data"][0]["profile_id"]
    again = server.push("two-databases", subscriptions=[subscription("in-both")])
    assert [item["profile_id"] for item in again["data"]] == [item["profile_id"] for item in both["data"]]
    back = server.push(id=BORIS, subscriptions=[subscription("active-token")])
    assert (back["error"], back["data"][0]["unsubscribe"]) == (0, False)
    assert server.get("/__admin/health").json["profiles"] == health["profiles"]


def add_until_it_dies(port: int, number: int, acknowledged: list[str]) -> None:
    """Add one new token after the other in two databases at once."""
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    with suppress(OSError, HTTPException):
        for turn in count():
            token = f"token-{number}-{turn}"
            document = {"resource_token": "two-databases", "subscriptions": [subscription(token)]}
            connection.request("POST", "/push_subscribe", json.dumps(document).encode())
            assert json.loads(connection.getresponse().read())["error"] == 0
            acknowledged.append(token)
    connection.close()


def test_A6_kill_9_in_the_middle_leaves_whole_requests(start_server: StartServer) -> None:
    server = start_server("-q")
    acknowledged: list[str] = []
    with ThreadPoolExecutor(4) as clients:
        running = [
            clients.submit(add_until_it_dies, server.port, number, acknowledged) for number in range(4)
        ]
        until(lambda: len(acknowledged) >= 300)
        server.kill()
    assert [client.exception() for client in running] == [None] * 4
    server.start()
    assert server.stop() == 0

    with TinyDB(server.state / "default.json") as state:
        records = state.table("subscriptions").search(where("subscription_id").matches("token-"))
        profiles = {(one["db_id"], one["id"]) for one in state.table("profiles").all()}
    held = {db_id: {one["subscription_id"] for one in records if one["db_id"] == db_id} for db_id in (34, 2)}
    assert held[34] == held[2] >= set(acknowledged)
    assert {(one["db_id"], one["profile_id"]) for one in records} <= profiles


def test_A5_hash_ids_stay_the_same_over_restarts_and_states(
    start_server: StartServer, tmp_path: Path
) -> None:
    def hash_of_a_token(server: Server, unsubscribe: bool) -> str:
        answer = server.push(id=ANNA, subscriptions=[subscription("t", unsubscribe=unsubscribe)])
        return str(answer["data"][0]["subscription_hash_id"])

    server = start_server()
    first = hash_of_a_token(server, False)
    server.kill()
    assert hash_of_a_token(server.start(), True) == first
    server.stop()
    assert hash_of_a_token(start_server(state=tmp_path / "other"), False) == first


def test_state_file_opens_with_plain_tinydb_and_is_readable(start_server: StartServer) -> None:
    server = start_server()
    server.push(id=ANNA, subscriptions=[subscription("токен")])
    assert server.stop() == 0
    path = server.state / "default.json"
    with TinyDB(path) as state:
        assert state.tables() >= {"databases", "resources", "profiles", "subscriptions"}
        (anna,) = state.table("profiles").search(where("id") == ANNA)
        assert (anna["db_id"], anna["fields"]["_fname"], anna["fields"]["CustomNumber1"]) == (17, "Анна", 100)
        (added,) = state.table("subscriptions").search(where("subscription_id") == "токен")
        assert (added["profile_id"], added["provider"], added["status"]) == (
            ANNA,
            "android-firebase",
            "subscribed",
        )
    assert "Анна" in path.read_text("utf-8")


def test_the_fixtures_are_not_loaded_again_over_a_state(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server()
    server.push(subscriptions=[subscription("mine")])
    before = server.get("/__admin/health").json["subscriptions"]
    server.stop()
    server.start()
    assert server.get("/__admin/health").json["subscriptions"] == before


@pytest.mark.parametrize("path", ["/push_subscribe/", "/api/v1.1/resources/push_subscribe?token=any"])
def test_Q2_other_ways_to_the_endpoint(fresh: Server, path: str) -> None:
    document = {"resource_token": PAGE_TOKEN, "id": ANNA, "subscriptions": [subscription("t")]}
    assert fresh.post(path, document).json["error"] == 0
    assert fresh.post("/push_subscribe", document).json["error"] == 200


# Seed


def made_ids(server: Server, count: int = 3) -> list[str]:
    return [server.push(subscriptions=[subscription(f"t{n}")])["data"][0]["profile_id"] for n in range(count)]


def test_seed_makes_the_same_ids_in_two_runs(start_server: StartServer, tmp_path: Path) -> None:
    runs = [
        made_ids(start_server("--seed", seed, state=tmp_path / f"{run}")) for run, seed in enumerate("778")
    ]
    assert runs[0] == runs[1] != runs[2]
    assert all(re.fullmatch("[0-9a-f]{24}", one) for one in runs[0])
    assert len(set(runs[0])) == 3


def test_with_a_seed_a_restart_makes_no_difference_to_ids(start_server: StartServer, tmp_path: Path) -> None:
    """Profiles with ids of their own, refused requests, deletions and imports in between make none either."""

    def made(server: Server, restart: Callable[[], object]) -> list[str]:
        ids = []

        def push(token: str, **more: Any) -> None:
            answer = server.push(subscriptions=[subscription(token)], **more)
            ids.extend(item["profile_id"] for item in answer["data"])

        push("one")
        restart()
        push("own-id", id="f" * 24)
        push("refused", db_id=[999])
        world = World(server, "default")
        assert world.import_tokens().status == 200
        restart()
        made_by_hand = world.admin("POST", "/profiles", {"db_id": 17}).json["id"]
        assert world.admin("DELETE", f"/profiles/17/{made_by_hand}").status == 200
        restart()
        push("two", resource_token="two-databases")
        push("three")
        held = server.get("/__admin/profiles?limit=1000").json["items"]
        return [*ids, made_by_hand, *(one["id"] for one in held)]

    whole = made(start_server("--seed", "7", state=tmp_path / "whole"), lambda: None)
    server = start_server("--seed", "7", state=tmp_path / "broken")

    def restart() -> None:
        server.kill()
        server.start()

    assert made(server, restart) == whole
    assert len(set(whole)) > 10
