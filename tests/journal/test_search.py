"""Searches of a full journal, in steps: everybody else gets a turn, and the answer is right."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from emulator.journal.attempts import attempts
from emulator.journal.journal import RequestJournal
from emulator.journal.matching import Match
from emulator.journal.search import nearest_misses, search
from emulator.journal.verify import Expectation, count_within
from emulator.loop import pacing as steps
from emulator.loop.pacing import Pacing
from tests.journal.entries import entry, reading

FULL = 10_000
#: Nothing in the journal meets any of these, and each entry has to be opened to see that.
FAR = Match({"id": "nobody", "status": 503, "outcome": "fault", "q": "nothing"})


@pytest.fixture(scope="module")
def full() -> RequestJournal:
    journal = RequestJournal(FULL)
    for number in range(FULL):
        journal.record(entry(f"token-{number}"))
    return journal


@pytest.mark.parametrize(
    "work",
    [
        pytest.param(lambda journal: count_within(journal, FAR, Expectation(1), 0), id="count"),
        pytest.param(lambda journal: nearest_misses(journal, FAR), id="nearest misses"),
        pytest.param(lambda journal: search(journal, Match({"q": "nothing"}), 50), id="words"),
        pytest.param(lambda journal: search(journal, FAR, 50, count_all=True), id="list"),
        pytest.param(attempts, id="attempts"),
    ],
)
def test_search_of_a_full_journal_lets_others_work(
    full: RequestJournal, work: Callable[[RequestJournal], Awaitable[object]]
) -> None:
    turns = 0

    async def tick() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async def run() -> None:
        ticking = asyncio.create_task(tick())
        await asyncio.sleep(0)
        before = turns
        await work(full)
        assert turns - before > 3
        ticking.cancel()

    asyncio.run(run())


def test_ten_searches_at_once_hold_the_loop_no_longer_than_one() -> None:
    """A look at the clock takes a tenth of a step here: one search does ten pieces of work in it."""
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        return looks * steps.STEP_S / 10

    holds: list[int] = []
    held = 0

    async def work() -> None:
        nonlocal held
        own = Pacing(asked_every=1, clock=clock)
        for _ in range(100):
            held += 1
            if own.long:
                await own.pause()

    async def tick() -> None:
        nonlocal held
        while True:
            holds.append(held)
            held = 0
            await asyncio.sleep(0)

    async def run() -> None:
        ticking = asyncio.create_task(tick())
        await asyncio.gather(*(work() for _ in range(10)))
        ticking.cancel()

    asyncio.run(run())
    assert sum(holds) + held == 1000
    # What each of the others does until it asks comes on top.
    assert max(holds) <= 10 + 2 * 10


def test_search_pages_and_counts(full: RequestJournal) -> None:
    tens = Match({"q": "token-99"})
    first = asyncio.run(search(full, tens, 10, count_all=True))
    assert (len(first.entries), first.total) == (10, 111)  # token-99, -990 to -999, -9900 to -9999
    second = asyncio.run(search(full, tens, 200, first.older, count_all=True))
    assert (len(second.entries), second.total, second.older) == (101, 111, None)
    assert [one.id for one in (*first.entries, *second.entries)] == sorted(
        (one.id for one in (*first.entries, *second.entries)), reverse=True
    )


@pytest.mark.parametrize(
    ("body", "criteria"),
    [
        ('{"subscriptions": [{"subscription_id": "\\u0074oken9"}]}', {"subscription_id": "token9"}),
        ('{"id": "a/b"}', {"id": "a/b"}),
        ('{"id": "a\\/b"}', {"id": "a/b"}),
        ('{"id": "\\u0430"}', {"id": "а"}),
        ('{"id": "Ünï"}', {"q": "üNÏ"}),
        ('{"id": "TOKEN-9"}', {"q": "token-9"}),
        ('{"field_name": "x", "field_value": "a\\u002db"}', {"field.x": "a-b"}),
        ('{"resource_token": "a\\u005fb"}', {"resource_token": "a_b"}),
    ],
)
def test_what_a_body_spells_in_its_own_way_is_found(body: str, criteria: dict[str, str]) -> None:
    match = Match(criteria)
    one = entry(body=body)
    assert match.meets(reading(one))
    assert match.differences(reading(one)) == []
    found: list[int | None] = []
    journal = RequestJournal()
    with journal.watched(found.append, match):
        journal.record(one)
    assert found == [1]
