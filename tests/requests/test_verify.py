"""Expectations, and waiting for them."""

from __future__ import annotations

import asyncio
from time import monotonic

import pytest

from emulator.requests.journal import RequestJournal
from emulator.requests.matching import Match
from emulator.requests.verify import Expectation, count_within
from tests.requests.entries import entry

MATCH = Match({"subscription_id": "wanted"})


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
