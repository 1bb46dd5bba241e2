"""Eight clients at once on the same 50 tokens: no failure, no key active twice, no lost change."""

from __future__ import annotations

import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from random import Random
from typing import Any, NamedTuple

import pytest
from tinydb import TinyDB, where

from tests.server import PAGE_TOKEN, PATIENCE_S, Server, subscription

CLIENTS, EACH, TOKENS = 8, 250, 50


class Done(NamedTuple):
    """One request of a client: the shared token, whether to unsubscribe it, its own token, the answer."""

    shared: str
    unsubscribe: bool
    own: str
    status: int
    answer: dict[str, Any]


def be_a_client(port: int, number: int) -> list[Done]:
    """Send 250 requests, each with one of the 50 shared tokens and a token of its own."""
    random, done = Random(number), []
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    for turn in range(EACH):
        shared, own = f"shared-{random.randrange(TOKENS)}", f"own-{number}-{turn}"
        unsubscribe = random.random() < 0.5
        document = {
            "resource_token": PAGE_TOKEN,
            "subscriptions": [subscription(shared, unsubscribe=unsubscribe), subscription(own)],
        }
        if random.random() < 0.3:
            document |= {
                "matching": "custom",
                "field_name": "CustomNumber1",
                "field_value": random.randrange(20),
            }
        connection.request("POST", "/push_subscribe", json.dumps(document).encode())
        reply = connection.getresponse()
        done.append(Done(shared, unsubscribe, own, reply.status, json.loads(reply.read())))
    connection.close()
    return done


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Done], TinyDB]:
    """What 8 clients at once did on the same 50 tokens, and the state that they left, by plain TinyDB."""
    server = Server(tmp_path_factory.mktemp("crowd"), "-q").start()
    try:
        with ThreadPoolExecutor(CLIENTS) as clients:
            done = [
                one
                for part in clients.map(be_a_client, [server.port] * CLIENTS, range(CLIENTS))
                for one in part
            ]
        assert server.stop() == 0
    finally:
        server.kill()
    return done, TinyDB(server.state / "default.json")


def test_crowd_no_request_fails(crowd: tuple[list[Done], TinyDB]) -> None:
    done, _ = crowd
    assert len(done) == CLIENTS * EACH
    assert {one.status for one in done} == {200}
    assert {one.answer["error"] for one in done} <= {0, 200}


def test_crowd_no_key_is_active_twice(crowd: tuple[list[Done], TinyDB]) -> None:
    records = crowd[1].table("subscriptions").all()
    keys = [(one["db_id"], one["resource_id"], one["provider"], one["subscription_id"]) for one in records]
    active = Counter(key for key, one in zip(keys, records, strict=True) if one["status"] == "subscribed")
    assert set(active.values()) == {1}
    held = Counter((key, one["profile_id"]) for key, one in zip(keys, records, strict=True))
    assert set(held.values()) == {1}
    profiles = {(one["db_id"], one["id"]) for one in crowd[1].table("profiles").all()}
    assert {(one["db_id"], one["profile_id"]) for one in records} <= profiles


def test_crowd_no_change_is_lost(crowd: tuple[list[Done], TinyDB]) -> None:
    done, state = crowd
    records = {
        (one["subscription_id"], one["profile_id"]): one["status"]
        for one in state.table("subscriptions").all()
    }
    for one in done:
        items = [item for item in one.answer["data"] if item["subscription_id"] == one.own]
        assert [item["status"] for item in items] == ["ok"]
        assert records[one.own, items[0]["profile_id"]] == "subscribed"


def test_crowd_every_acknowledged_switch_counts(crowd: tuple[list[Done], TinyDB]) -> None:
    """On one profile a token goes on and off by turns: what was acknowledged adds up to what is there."""
    done, state = crowd
    balance: Counter[tuple[str, str]] = Counter()
    for one in done:
        for item in one.answer["data"]:
            if item["subscription_id"] == one.shared and item["status"] == "ok":
                balance[one.shared, item["profile_id"]] += -1 if item["unsubscribe"] else 1
    shared = where("subscription_id").test(
        lambda token: token.startswith("shared-") and token != "shared-phone"
    )
    found = {
        (one["subscription_id"], one["profile_id"]): int(one["status"] == "subscribed")
        for one in state.table("subscriptions").search(shared)
    }
    assert dict(balance) == found
    assert sum(found.values()) > 0
