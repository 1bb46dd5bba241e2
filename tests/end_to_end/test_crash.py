"""kill -9 under load: what was acknowledged is there whole, what was not is there whole or not at all.

A real server, several clients at once, in rounds: start, load, kill at some moment, look at the disk.
"""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import pytest

from emulator.store.doctor import examine
from emulator.store.recovery import recover
from emulator.store.snapshot import read_header
from emulator.store.tables import SPECS
from tests.server import PATIENCE_S, Server, subscription
from tests.waiting import until

CLIENTS = 4
#: The databases that each request changes, all or none (A6).
DATABASES = (34, 2)
#: Seconds between two looks for the moment to kill.
MOMENT_S = 0.0002


class Client(threading.Thread):
    """Sends requests one after the other until the server is gone.

    Each request adds a token of its own and turns the client's one lasting token on or off, in two
    databases. ``acknowledged``: how many were answered; ``sent``: how many were sent, one more at most.
    """

    def __init__(self, port: int, name: str, first: int) -> None:
        super().__init__(name=name, daemon=True)
        self._port = port
        self.sent = self.acknowledged = first
        self.problem: str | None = None

    def run(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=PATIENCE_S)
        try:
            while True:
                self.sent += 1
                connection.request("POST", "/push_subscribe", self._body(self.sent))
                answer = connection.getresponse()
                self._check(answer.status, json.loads(answer.read()))
                self.acknowledged += 1
        except (OSError, HTTPException):
            return  # the server was killed
        except Exception as problem:
            self.problem = f"{type(problem).__name__}: {problem}"
        finally:
            connection.close()

    def _body(self, number: int) -> bytes:
        entries = [
            subscription(f"{self.name}-lasting", unsubscribe=number % 2 == 0),
            subscription(f"{self.name}-{number}"),
        ]
        return json.dumps({"resource_token": "two-databases", "subscriptions": entries}).encode()

    def _check(self, status: int, envelope: Any) -> None:
        if (status, envelope["error"], len(envelope["data"])) != (200, 0, 4):
            self.problem = f"HTTP {status}: {envelope}"


class Crashes:
    """One state directory that a server is killed on again and again."""

    def __init__(self, start_server: Callable[..., Server], *arguments: str) -> None:
        self._start = start_server
        self._arguments = arguments
        self._acknowledged = [0] * CLIENTS
        self._server: Server | None = None
        self.kills = 0

    def crash(self, moment: Callable[[Path, Callable[[], int]], None]) -> Path:
        """Load a server, kill it when ``moment`` returns, hold that the disk is right; the state directory.

        ``moment`` gets the directory and what counts the requests acknowledged in this round.
        """
        if self._server is None:
            self._server = self._start("-q", *self._arguments)
            self._server.request("PUT", "/__admin/workspaces/default")  # it has files from now on
        else:
            for leftover in self._server.state.glob("*.tmp"):
                leftover.unlink()  # of the last kill: the moment looks for a new one
            self._server.start()
        server = self._server
        clients = [Client(server.port, f"client{i}", self._acknowledged[i]) for i in range(CLIENTS)]
        before = sum(self._acknowledged)
        for client in clients:
            client.start()
        try:
            moment(server.state, lambda: sum(client.acknowledged for client in clients) - before)
        finally:
            server.kill()
        for client in clients:
            client.join(PATIENCE_S)
            assert not client.is_alive()
            assert client.problem is None
        self.kills += 1
        self._look(server.state, clients)
        return server.state

    def _look(self, folder: Path, clients: list[Client]) -> None:
        """The state on the disk is that after every acknowledged request, and perhaps one more of each."""
        (report,) = examine(folder)
        assert report.findings == []
        found = tokens(folder)
        for index, client in enumerate(clients):
            there = client.sent if f"{client.name}-{client.sent}" in found else client.acknowledged
            numbers = [f"{client.name}-{number}" for number in range(1, there + 1)]
            assert {name for name in found if name.startswith(f"{client.name}-")} == {
                *numbers,
                *([f"{client.name}-lasting"] if there else []),
            }
            for name in numbers:
                assert found[name] == dict.fromkeys(DATABASES, "subscribed"), name
            if there:
                status = "subscribed" if there % 2 else "unsubscribed"
                assert found[f"{client.name}-lasting"] == dict.fromkeys(DATABASES, status)
            self._acknowledged[index] = there


def tokens(folder: Path) -> dict[str, dict[int, str]]:
    """Status by token and database, as another process finds it on the disk."""
    table = recover(folder / "default.json", SPECS).state.table("subscriptions")
    found: dict[str, dict[int, str]] = {}
    for document in table.documents.values():
        one = table.decode(document)
        found.setdefault(one.subscription_id, {})[one.db_id] = one.status
    return found


def generations(folder: Path) -> list[int]:
    """The numbers of the journals that are there."""
    return [int(path.name.split(".")[1]) for path in folder.glob("*.journal")]


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_A6_killed_at_any_moment(start_server: Callable[..., Server], durability: str) -> None:
    crashes = Crashes(start_server, "--durability", durability)
    chance = random.Random(durability)

    for _ in range(4):
        wanted = chance.randrange(1, 150)
        crashes.crash(lambda folder, done, wanted=wanted: until(lambda: done() >= wanted, every_s=MOMENT_S))
    assert crashes.kills == 4


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_A6_killed_during_a_snapshot(start_server: Callable[..., Server], durability: str) -> None:
    """In the middle: its temporary file is there, or it is in its place beside the journal before it."""
    crashes = Crashes(start_server, "--durability", durability, "--snapshot-every", "20000")
    caught = 0

    def moment(folder: Path, done: Callable[[], int]) -> None:
        until(lambda: any(folder.glob("default.json.*.tmp")), every_s=MOMENT_S)

    while caught < 2:
        folder = crashes.crash(moment)
        caught += any(folder.glob("default.json.*.tmp")) or len(list(folder.glob("*.journal"))) > 1
        assert crashes.kills < 20, "no kill comes in the middle of a snapshot"


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_A6_killed_during_a_journal_rotation(start_server: Callable[..., Server], durability: str) -> None:
    """In the middle: the next journal is there, nothing of its snapshot is."""
    crashes = Crashes(start_server, "--durability", durability, "--snapshot-every", "20000")
    caught = 0

    def moment(folder: Path, done: Callable[[], int]) -> None:
        following = folder / f"default.{max(generations(folder)) + 1}.journal"
        until(lambda: any(folder.glob(f"{following.name}*")), every_s=0)  # a moment too short to sleep over

    while caught < 2:
        folder = crashes.crash(moment)
        left = {path.name for path in folder.iterdir()}
        begun = len([name for name in left if name.endswith(".journal")]) > 1
        begun &= read_header(folder / "default.json").generation == min(generations(folder))
        caught += not any(n.startswith("default.json.") for n in left) and (
            begun or any(".journal." in n for n in left)
        )
        assert crashes.kills < 20, "no kill comes in the middle of a rotation"
