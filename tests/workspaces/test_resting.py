"""Resets rest where other workspaces are used, and only there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from emulator.fixtures.load import load_fixtures
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.workspaces import resting
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.resting import RESET_REST_S, USED_S, rest_s, until_rested
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, subscription
from tests.waiting import until

RESET, OTHER = "/__admin/reset", "/w/other/push_subscribe"


class Clocked:
    """Workspaces whose clock stands still but where a test moves it, and the rests before resets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        self.rests: list[float] = []
        self.found = Workspaces(
            Settings(durability="none"), load_fixtures(DEFAULT_FIXTURES), monotonic=lambda: self.now_s
        )
        monkeypatch.setattr(resting, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.rests.append(round(seconds, 6))
        self.now_s += seconds

    def use(self, name: str) -> None:
        """Have a request for a workspace come, a little later."""
        self.now_s += 0.0001
        self.found.get(name)

    def reset(self, name: str) -> None:
        """Reset a workspace, a little later."""
        self.use(name)
        asyncio.run(until_rested(self.found.get(name), self.found.last_used))
        self.found.get(name).reset()


@pytest.fixture
def clocked(monkeypatch: pytest.MonkeyPatch) -> Iterator[Clocked]:
    made = Clocked(monkeypatch)
    for name in ("mine", "other"):
        made.use(name)
    yield made
    made.found.close()


def test_resets_without_a_pause_rest_while_another_workspace_is_used(clocked: Clocked) -> None:
    begun_s = clocked.now_s
    for _ in range(100):
        clocked.reset("mine")
        clocked.use("other")
    assert clocked.rests == [round(RESET_REST_S - 0.0002, 6)] * 99  # the first one finds nothing to rest from
    assert clocked.now_s - begun_s >= 99 * RESET_REST_S


def test_resets_never_rest_while_only_their_own_workspace_is_used(clocked: Clocked) -> None:
    clocked.now_s += USED_S
    for _ in range(10):
        clocked.reset("mine")
        clocked.use("mine")
    assert clocked.rests == []


def test_a_reset_after_a_pause_never_rests(clocked: Clocked) -> None:
    for _ in range(10):
        clocked.reset("mine")
        clocked.use("other")
        clocked.now_s += RESET_REST_S
    assert clocked.rests == []


def test_resets_of_several_workspaces_rest_each_for_itself(clocked: Clocked) -> None:
    clocked.reset("mine")
    clocked.reset("other")
    assert clocked.rests == []
    clocked.reset("mine")
    assert clocked.rests == [round(RESET_REST_S - 0.0002, 6)]


def test_resets_of_many_clients_rest_though_others_come_seldom(clocked: Clocked) -> None:
    begun_s = clocked.now_s
    for number in range(400):
        clocked.reset("mine")
        if not number % 10:
            clocked.use("other")
    assert len(clocked.rests) == 399
    assert clocked.now_s - begun_s >= 399 * RESET_REST_S


def test_resets_that_come_together_have_turns_in_order(clocked: Clocked) -> None:
    clocked.reset("mine")
    mine, used, turns = clocked.found.get("mine"), clocked.found.last_used, []
    for _ in range(5):
        turns.append(rest_s(mine, used))
        mine.expect_reset(turns[-1])
    assert turns == pytest.approx([RESET_REST_S * number for number in range(1, 6)])
    clocked.now_s += turns[0]
    mine.reset()  # the first of them takes nothing from the others' distance
    assert rest_s(mine, used) == pytest.approx(turns[-1])


def test_an_idle_workspace_among_many_is_looked_for_now_and_then(clocked: Clocked) -> None:
    for number in range(30):
        clocked.use(f"idle{number}")
    clocked.now_s += USED_S
    clocked.reset("mine")
    clocked.reset("mine")
    clocked.use("idle7")
    clocked.reset("mine")
    assert clocked.rests == []  # not noticed yet
    for _ in range(20):
        clocked.now_s += USED_S / 10
        clocked.use("idle7")
        clocked.reset("mine")
        clocked.reset("mine")
    assert len(clocked.rests) > 8


def test_a_reset_that_is_asked_for_waits_only_beside_another_workspace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests: list[float] = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("mine")]}
    monkeypatch.setattr(resting, "sleep", sleep)
    monkeypatch.setattr(resting, "RESET_REST_S", 1000.0)
    with InProcess() as app:
        fresh = app.counts

        def rested_after(path: str) -> bool:
            app.push("mine")
            app.post(body, path)
            answer = app.post({}, RESET)
            assert (answer.status_code, app.counts) == (200, fresh)
            return bool(rests)

        assert not any(rested_after("/push_subscribe") for _ in range(3))
        until(lambda: rested_after(OTHER))
