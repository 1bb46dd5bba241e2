"""Long work on the event loop: short breaks where nobody asks, long ones where somebody does."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from time import perf_counter, sleep

import pytest

from emulator.loop.pacing import BREAK_S, Pacing
from emulator.loop.shared_loop import SharedLoop

BREAKS = 200


@pytest.fixture
def loop() -> Iterator[SharedLoop]:
    made = SharedLoop()
    yield made
    made.close()


def test_a_break_is_hardly_longer_than_a_sleep_of_its_length(loop: SharedLoop) -> None:
    breaks, sleeps = [], []

    async def compare() -> None:
        steps = Pacing()
        await steps.pause()
        for _ in range(BREAKS):
            since = perf_counter()
            await steps.pause()
            until = perf_counter()
            sleep(BREAK_S)  # what a sleep of this length takes here
            breaks.append(until - since)
            sleeps.append(perf_counter() - until)

    loop.run_until_complete(compare())
    assert median(breaks) < 2 * median(sleeps)


def test_a_break_is_as_long_as_the_step_where_others_ask(loop: SharedLoop) -> None:
    worked_s = 0.0

    async def work() -> tuple[bool, float]:
        nonlocal worked_s
        steps = Pacing(clock=lambda: worked_s)
        await steps.pause()
        loop.act_as_running()  # as a request does
        worked_s += 0.02
        since = perf_counter()
        await steps.pause()
        return steps.visited, perf_counter() - since

    visited, waited = loop.run_until_complete(work())
    assert visited
    assert waited >= 0.02
