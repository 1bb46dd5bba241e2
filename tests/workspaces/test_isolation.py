"""Workspaces side by side: 16 runs that do the same things at the same time never see each other."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timezone
from itertools import pairwise
from random import Random
from threading import Barrier

from push_emulator import EmulatorClient, subscription
from tests.server import PAGE_TOKEN, PATIENCE_S, Server

THREADS = 16
ROUNDS = 200


class Life:
    """What one workspace must look like, told by what was done to it.

    All lives use the same tokens, so that a change which lands in another workspace shows as a wrong answer
    there. What differs is the time at which each stands, and the error code of its faults.
    """

    def __init__(self, client: EmulatorClient, number: int) -> None:
        self._client = client
        self._chance = Random(number)
        self._first_second = 1_600_000_000 + number * 10_000_000
        self._fault_code = 1000 + number
        self._begin()

    def _begin(self) -> None:
        health = self._client.health()
        self._profiles, self._subscriptions = health.profiles, health.subscriptions
        self._active: dict[str, bool] = {}
        self._times: list[str] = []
        self._strict = False

    def round(self, number: int) -> None:
        """Some requests at a time of this life's own, then one thing done to the workspace."""
        self._second = self._first_second + number * 1000
        now = self._client.clock.freeze(datetime.fromtimestamp(self._second, timezone.utc)).now
        for _ in range(self._chance.randint(1, 5)):
            self._times.append(now)
            self._request()
        self._check()
        self._chance.choice([self._reset, self._forget, self._switch_strict, self._delete, self._go_on])()

    def _request(self) -> None:
        token, unsubscribe = f"token-{self._chance.randrange(6)}", self._chance.random() < 0.3
        faulty, misspelt = self._chance.random() < 0.3, self._chance.random() < 0.2
        if faulty:
            self._client.faults.arm(status=503, error=self._fault_code, times=1, subscription_id=token)
        more = {"colour": "blue"} if misspelt else {}
        answer = self._client.push(PAGE_TOKEN, [subscription(token, unsubscribe=unsubscribe)], **more)
        if misspelt and self._strict:
            assert answer.error == 400
            if faulty:  # the refused request did not meet it
                self._client.faults.clear()
            return
        if faulty:
            assert (answer.status, answer.error) == (503, self._fault_code)
            return
        was = self._active.get(token)
        if was is None:
            self._profiles += 1
            assert int(str(answer.data[0].profile_id)[:8], 16) == self._second
        if was == (not unsubscribe) or (was is None and unsubscribe):
            assert answer.error == 200
        else:
            assert answer.error == 0
            self._subscriptions += was is None
            self._active[token] = not unsubscribe

    def _check(self) -> None:
        health = self._client.health()
        assert (health.profiles, health.subscriptions) == (self._profiles, self._subscriptions)
        entries = list(self._client.requests.all())
        assert [entry.time for entry in reversed(entries)] == self._times
        assert all(newer.id == older.id + 1 for newer, older in pairwise(entries))
        assert all(entry.error in (0, 200, 400, self._fault_code) for entry in entries)
        assert not any(fault.times for fault in self._client.faults.all())
        assert self._client.settings.get().strict == self._strict

    def _reset(self) -> None:
        self._client.reset()
        assert not self._client.clock.get().frozen
        assert self._client.faults.all() == []
        self._begin()

    def _forget(self) -> None:
        assert self._client.requests.clear() == len(self._times)
        self._times.clear()

    def _switch_strict(self) -> None:
        self._strict = not self._strict
        self._client.settings.change(strict=self._strict)

    def _delete(self) -> None:
        self._client.workspaces.delete(str(self._client.workspace))
        self._client.workspaces.make(str(self._client.workspace))
        self._begin()

    def _go_on(self) -> None:
        assert self._client.clock.get().now == self._times[-1]


def test_16_workspaces_side_by_side_never_see_each_other(start_server: Callable[..., Server]) -> None:
    server = start_server("--quiet")
    together = Barrier(THREADS, timeout=PATIENCE_S)

    def live(number: int) -> int:
        with EmulatorClient(server.url, f"life-{number}") as client:
            life = Life(client, number)
            together.wait()
            rounds = range(number, ROUNDS, THREADS)
            for one in rounds:
                life.round(one)
            return len(rounds)

    with EmulatorClient(server.url) as default, ThreadPoolExecutor(THREADS) as pool:
        before = default.health()
        assert sum(pool.map(live, range(THREADS))) == ROUNDS
        after = default.health()
        assert (after.profiles, after.subscriptions) == (before.profiles, before.subscriptions)
        assert default.requests.find().total == 0
        names = {one.name for one in default.workspaces.all()}
    assert names == {"default", *(f"life-{number}" for number in range(THREADS))}
