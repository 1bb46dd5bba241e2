"""Resets rest where other workspaces are used, and only there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from emulator.fixtures.load import load_fixtures
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.workspaces import resting
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.resting import RESET_REST_S, until_rested
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, subscription

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
        asyncio.run(until_rested(self.found.get(name), self.found))
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


def test_a_reset_that_is_asked_for_waits_only_beside_another_workspace(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests: list[float] = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)
        monkeypatch.setattr(resting, "RESET_REST_S", 0.0)

    body = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("mine")]}
    monkeypatch.setattr(resting, "sleep", sleep)
    with InProcess() as app:
        fresh = app.counts
        for path, rested in (("/push_subscribe", 0), (OTHER, 1)):
            monkeypatch.setattr(resting, "RESET_REST_S", 1000.0)
            for _ in range(2):
                app.push("mine")
                app.post(body, path)
                answer = app.post({}, RESET)
                assert (answer.status_code, app.counts) == (200, fresh)
            assert len(rests) == rested
