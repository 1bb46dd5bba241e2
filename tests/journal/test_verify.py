"""Expectations, and waiting for them."""

from __future__ import annotations

import asyncio
import random
from time import monotonic
from typing import Any

import pytest

from emulator.journal.entry import Reading
from emulator.journal.journal import RequestJournal
from emulator.journal.matching import RequestCriteria
from emulator.journal.search import Expectation, count_within
from tests.journal.entries import entry

MATCH = RequestCriteria({"subscription_id": "wanted"})


@pytest.mark.parametrize(
    ("expect", "met", "words"),
    [
        ({}, [1, 2, 3], "at least 1"),
        ({"exactly": 2}, [2], "exactly 2"),
        ({"exactly": 0}, [0], "exactly 0"),
        ({"at_least": 2}, [2, 3], "at least 2"),
        ({"at_most": 1}, [0, 1], "at most 1"),
        ({"at_least": 1, "at_most": 2}, [1, 2], "at least 1 and at most 2"),
        ({"at_least": 0}, [0, 1, 2, 3], "at least 0"),
    ],
)
def test_expectation_is_met_by_these_counts(expect: dict[str, int], met: list[int], words: str) -> None:
    expectation = Expectation.of(expect)
    assert [count for count in range(4) if expectation.met_by(count)] == met
    assert str(expectation) == words


def waited(expect: dict[str, int], within: float, *coming: str) -> tuple[int, float]:
    """The count for an expectation while requests come in, and the seconds it took."""

    async def run() -> tuple[int, float]:
        journal = RequestJournal()
        loop = asyncio.get_running_loop()
        since = monotonic()
        for number, token in enumerate(coming):
            loop.call_later(number / 1000, journal.record, entry(token))
        count = await count_within(journal, MATCH, Expectation.of(expect), within)
        return count, monotonic() - since

    return asyncio.run(run())


def test_waiting_ends_with_what_is_expected() -> None:
    count, took = waited({"exactly": 2}, 60, "wanted", "other", "wanted")
    assert count == 2
    assert took < 60


def test_waiting_ends_when_there_are_too_many_already() -> None:
    count, took = waited({"at_most": 1}, 60, "wanted", "wanted", "wanted")
    assert count >= 2
    assert took < 60


def test_waiting_ends_in_time_when_nothing_comes() -> None:
    count, took = waited({}, 0.05, "other")
    assert count == 0
    assert took >= 0.05


def test_upper_bound_alone_is_watched_to_the_end() -> None:
    count, took = waited({"at_most": 1}, 0.05, "wanted")
    assert count == 1
    assert took >= 0.05


def test_nothing_is_waited_for_where_any_count_is_right() -> None:
    assert waited({"at_least": 0}, 60)[1] < 60


def test_without_within_the_answer_is_what_is_there_now() -> None:
    assert waited({}, 0)[0] == 0


class CountingMatch(RequestCriteria):
    """Counts how often an entry is looked at."""

    looks = 0

    def meets(self, reading: Reading) -> bool:
        self.looks += 1
        return super().meets(reading)


def test_each_entry_is_looked_at_once_however_long_somebody_waits() -> None:
    journal = RequestJournal()
    for number in range(200):
        journal.record(entry(f"unwanted-before-{number}"))
    match = CountingMatch({"subscription_id": "wanted"})

    async def run() -> int:
        waiting = asyncio.create_task(count_within(journal, match, Expectation(2), 60))
        for number in range(50):
            await asyncio.sleep(0)
            journal.record(entry(f"unwanted-meanwhile-{number}"))
        journal.record(entry("wanted"))
        journal.record(entry("wanted"))
        return await waiting

    assert asyncio.run(run()) == 2
    assert match.looks == 252


def test_entries_without_the_text_that_is_waited_for_are_ruled_out_unread() -> None:
    journal, told = RequestJournal(), list[int | None]()
    match, other = (CountingMatch({"subscription_id": token}) for token in ("wanted", "other"))
    with journal.watched(told.append, match), journal.watched(told.append, match):
        with journal.watched(told.append, other):
            for number in range(50):
                journal.record(entry(f"meanwhile-{number}"))
            journal.record(entry("wanted"))
        journal.record(entry("other"))
    assert (match.looks, other.looks, told) == (2, 0, [51, 51])


@pytest.mark.parametrize("within", [0, 0.01])
def test_nothing_is_looked_at_when_nobody_waits_any_more(within: float) -> None:
    journal = RequestJournal()
    match = CountingMatch({"subscription_id": "wanted"})
    asyncio.run(count_within(journal, match, Expectation(1), within))
    journal.record(entry("wanted"))
    assert match.looks == 0


def test_waiting_that_is_given_up_is_over() -> None:
    journal = RequestJournal()
    match = CountingMatch({"subscription_id": "wanted"})

    async def run() -> None:
        waiting = asyncio.create_task(count_within(journal, match, Expectation(1), 60))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(run())
    journal.record(entry("wanted"))
    assert match.looks == 0


@pytest.mark.parametrize("seed", range(20))
def test_count_is_that_of_the_kept_entries_whatever_comes_and_goes_meanwhile(seed: int) -> None:
    chance = random.Random(seed)
    journal = RequestJournal(max_count=chance.randint(1, 30))

    def happen() -> Any:
        if chance.random() < 0.03:
            journal.clear()
        else:
            journal.record(entry(chance.choice(["wanted", "other"])))

    for _ in range(chance.randint(0, 40)):
        happen()

    async def go_on() -> None:
        while True:
            happen()
            await asyncio.sleep(0)

    async def run() -> tuple[int, int]:
        going_on = asyncio.create_task(go_on())
        counted = await count_within(journal, MATCH, Expectation(10**6), 0.02)
        kept = sum(MATCH.meets(reading) for reading in journal.readings())
        going_on.cancel()
        return counted, kept

    counted, kept = asyncio.run(run())
    assert counted == kept
