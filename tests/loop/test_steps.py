"""Long work on the event loop and in threads: it rests its share where somebody asks, and only there."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator
from statistics import median
from threading import Thread
from time import perf_counter, sleep

import pytest

from emulator.loop import pacing
from emulator.loop.pacing import BREAK_S, REST, Pacing, Share
from emulator.loop.shared_loop import SharedLoop
from tests.waiting import until

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


def test_a_break_is_longer_than_the_step_where_others_ask(loop: SharedLoop) -> None:
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
    assert waited >= REST * 0.02 > 0.02


def test_the_first_break_is_as_long_where_others_have_waited_since_the_beginning(loop: SharedLoop) -> None:
    rests = []

    def ask() -> None:
        with loop.turn:
            pass

    async def work() -> None:
        share = Share()
        rests.append(share.rest_s(0.02))
        asking = Thread(target=ask)
        asking.start()
        until(lambda: loop.turn.awaited)
        rests.append(share.rest_s(0.02))
        while asking.is_alive():
            await asyncio.sleep(0)  # the loop lends its lock

    loop.run_until_complete(work())
    assert rests == [0.0, REST * 0.02]


def rests_of_a_thread(
    loop: SharedLoop, monkeypatch: pytest.MonkeyPatch, asks: Container[int]
) -> list[tuple[int, float]]:
    """After how many of a hundred pieces of 0.2 ms a thread rests, and for how long.

    A request comes during each piece of ``asks``.
    """
    worked_s = 0.0
    rests: list[tuple[int, float]] = []

    def pieces() -> Iterator[int]:
        nonlocal worked_s
        for number in range(100):
            worked_s += 0.0002
            if number in asks:
                loop.act_as_running()
            yield number

    async def made() -> Share:
        return Share()

    share = loop.run_until_complete(made())
    with monkeypatch.context() as patched:
        patched.setattr(pacing, "thread_time", lambda: worked_s)
        patched.setattr(pacing, "sleep", lambda s: rests.append((round(worked_s / 0.0002), round(s, 5))))
        assert list(share.sliced(pieces())) == list(range(100))
    return rests


def test_a_thread_rests_longer_than_it_works_where_others_ask(
    loop: SharedLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    rests = rests_of_a_thread(loop, monkeypatch, range(100))
    assert len(rests) == 100 // 3  # half a millisecond is over after three pieces
    assert {seconds for _, seconds in rests} == {round(REST * 0.0006, 5)}


def test_a_thread_rests_only_where_others_ask(loop: SharedLoop, monkeypatch: pytest.MonkeyPatch) -> None:
    rests = [after for after, _ in rests_of_a_thread(loop, monkeypatch, range(30, 60))]
    assert rests == list(range(33, 63, 3))
    assert rests_of_a_thread(loop, monkeypatch, ()) == []


def test_a_thread_without_a_loop_beside_it_never_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pacing, "SLICE_S", -1.0)
    monkeypatch.setattr(pacing, "sleep", pytest.fail)
    assert list(Share().sliced(range(10))) == list(range(10))
