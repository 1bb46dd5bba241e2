"""kill -9 of emulators and of PostgreSQL under load: what was acknowledged is there whole, and once.

Eight clients behind a real HAProxy. For a longer run: ``KILLS=30 python -m pytest tests/shared_state``.
"""

from __future__ import annotations

import json
import os
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from tests import balancers, postgres
from tests.postgres import Postgres
from tests.server import subscription
from tests.shared_state import Emulator, Line, emulators
from tests.waiting import until

CLIENTS = 8
KILLS = int(os.environ.get("KILLS", "4"))
#: Seconds between two requests of one client, so that there is time to start the killed ones again.
PAUSE_S = 0.02
#: The databases that each request changes, all or none (A6).
DATABASES = [2, 34]


class Client(threading.Thread):
    """Sends requests one after the other, each with a token of its own, and knows what became of each."""

    def __init__(self, url: str, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._line = Line(url)
        self.acknowledged: list[str] = []
        self.unknown: list[str] = []
        self.problem: object = None
        self.ended = threading.Event()

    def run(self) -> None:
        for number in count():
            if self.ended.wait(PAUSE_S) or self.problem is not None:
                break
            token = f"{self.name}-{number}"
            body = {"resource_token": "two-databases", "subscriptions": [subscription(token)]}
            answer = self._line.call("POST", "/push_subscribe", body)
            if answer is None or answer[0] == 503:
                self.unknown.append(token)
            elif (answer[0], answer[1]["error"], len(answer[1]["data"])) == (200, 0, 2):
                self.acknowledged.append(token)
            else:
                self.problem = answer
        self._line.close()


@contextmanager
def load(url: str) -> Iterator[list[Client]]:
    """Clients that send until the end."""
    clients = [Client(url, f"client{number}") for number in range(CLIENTS)]
    for one in clients:
        one.start()
    try:
        yield clients
    finally:
        for one in clients:
            one.ended.set()
        for one in clients:
            one.join()


def go_on(clients: list[Client], requests: int = 2) -> None:
    """Wait until each of them has got so many more good answers."""
    before = [len(one.acknowledged) for one in clients]
    until(
        lambda: all(
            one.problem or len(one.acknowledged) >= n + requests
            for one, n in zip(clients, before, strict=True)
        )
    )


def check(clients: list[Client], emulator: Emulator) -> None:
    """Every acknowledged request is there whole, once; any other whole, once, or not at all."""
    assert [one.problem for one in clients if one.problem] == []
    tokens = [token for one in clients for token in one.acknowledged]
    unknown = {token for one in clients for token in one.unknown}
    document = emulator.get("/__admin/snapshot").json
    held: dict[str, list[int]] = {}
    for one in document["profiles"]:
        for two in one["subscriptions"]:
            held.setdefault(two["subscription_id"], []).append(one["db_id"])
    journal = Counter(
        one["subscription_id"]
        for entry in journal_of(emulator)
        if entry["status"] == 200
        for one in json.loads(entry["body"])["subscriptions"]
    )
    assert [token for token in tokens if sorted(held.get(token, [])) != DATABASES] == []
    assert [token for token in tokens if journal[token] != 1] == []
    for token in unknown:
        there = token in held
        assert sorted(held.get(token, [])) == (DATABASES if there else []), token
        assert journal[token] == int(there), token
    mine = {token for token in held if token.startswith("client")}
    assert mine <= unknown.union(tokens)


def journal_of(emulator: Emulator) -> Iterator[Any]:
    """Every entry of the journal."""
    cursor = ""
    while True:
        page = emulator.get(f"/__admin/requests?limit=1000{cursor}").json
        yield from page["items"]
        if page["next"] is None:
            return
        cursor = f"&cursor={page['next']}"


def test_emulators_are_killed_at_random_and_nothing_is_lost(postgres: Postgres, tmp_path: Path) -> None:
    random = Random(KILLS)
    with (
        emulators(tmp_path, postgres.database()) as running,
        balancers.before("one-state.haproxy.cfg", [one.port for one in running], tmp_path) as port,
        load(f"http://127.0.0.1:{port}") as clients,
        ThreadPoolExecutor(1) as background,
    ):
        starting = None
        for kill in range(KILLS):
            go_on(clients, random.randrange(1, 8))
            if starting is not None:
                starting.result()
            victims = random.sample(running, 1 + kill % 2)  # one survivor at least
            for one in victims:
                one.kill()
            starting = background.submit(lambda victims=victims: [one.start() for one in victims])
        go_on(clients)
        assert starting is not None
        starting.result()
        for one in clients:
            one.ended.set()
            one.join()
        for emulator in running:
            check(clients, emulator)


def test_the_database_is_killed_and_nothing_is_lost(tmp_path: Path) -> None:
    with (
        postgres.running() as server,
        emulators(tmp_path, server.database(), 2) as running,
        balancers.before("one-state.haproxy.cfg", [one.port for one in running], tmp_path) as port,
        load(f"http://127.0.0.1:{port}") as clients,
    ):
        for _ in range(2):
            go_on(clients)
            server.kill()
            refused = sum(len(one.unknown) for one in clients)
            until(lambda refused=refused: sum(len(one.unknown) for one in clients) > refused)
            server.start()
        go_on(clients)
        for one in clients:
            one.ended.set()
            one.join()
        for emulator in running:
            until(lambda emulator=emulator: emulator.get("/__admin/health").json["status"] == "ok")
            check(clients, emulator)
