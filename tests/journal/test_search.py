"""Searches of a full journal, in steps: everybody else gets a turn, and the answer is right."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Awaitable, Callable
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.journal.attempts import Attempts
from emulator.journal.journal import RequestJournal
from emulator.journal.matching import RequestCriteria
from emulator.journal.search import Expectation, count_within, nearest_misses, search
from emulator.loop import pacing as steps
from emulator.loop.pacing import Pacing
from tests.journal.entries import entry, reading

FULL = 10_000
#: Nothing in the journal meets any of these, and each entry has to be opened to see that.
FAR = RequestCriteria({"id": "nobody", "status": 503, "outcome": "fault", "q": "nothing"})


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
        pytest.param(lambda journal: search(journal, RequestCriteria({"q": "nothing"}), 50), id="words"),
        pytest.param(lambda journal: search(journal, FAR, 50, count_all=True), id="list"),
        pytest.param(lambda journal: Attempts(journal).groups(100), id="attempts"),
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
    tens = RequestCriteria({"q": "token-99"})
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
        ('{"field_value": "\\u0410\\u043D\\u043d\\u0430"}', {"q": "Анна"}),
        ('{"field_value": "\\u0410н\\u043dа"}', {"q": "анна"}),
        ('{"field_value": "\\u041f\\u0401\\u0422\\u0420"}', {"q": "пётр"}),
        ('{"id": "\\u0074oken\\u002D9"}', {"q": "TOKEN-9"}),
        ('{"id": "https:\\/\\/a\\/b"}', {"q": "https://a/b"}),
        ('{"id": "\\ud83d\\ude00x"}', {"q": "😀X"}),
        ('{"id": "stra\\u00dfe"}', {"q": "STRASSE"}),
        ('{"id": "Straße"}', {"q": "strasse"}),
        ('{"id": "say \\"hi\\""}', {"q": '"hi"'}),
        ("name=%D0%90%d0%bd%D0%BD%D0%B0+%42ob", {"q": "анна bob"}),
    ],
)
def test_what_a_body_spells_in_its_own_way_is_found(body: str, criteria: dict[str, str]) -> None:
    match = RequestCriteria(criteria)
    one = entry(body=body)
    assert match.meets(reading(one))
    assert match.differences(reading(one)) == []
    found: list[int | None] = []
    journal = RequestJournal()
    with journal.watched(found.append, match):
        journal.record(one)
    assert found == [1]


def test_answers_and_queries_are_searched_in_what_they_mean() -> None:
    one = entry(query="who=%D0%98%D0%B2%D0%B0%D0%BD&a=%62", answer=r'{"x": "\u041eля \"t\""}')
    for q in ("иван", "a=b", "ОЛЯ", 'оля "t"'):
        assert RequestCriteria({"q": q}).meets(reading(one)), q
    for q in ("иванн", "041f", "петя"):
        assert not RequestCriteria({"q": q}).meets(reading(one)), q


def test_backslash_before_a_backslash_escapes_no_letter() -> None:
    assert not RequestCriteria({"q": "Аб"}).meets(reading(entry(body=r'{"a": "\\u0410б"}')))


@given(
    # a search word's name ends with a colon, and "-" stands before what must not be there
    st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters=":"), min_size=1).filter(
        lambda word: word[0] != "-"
    ),
    st.randoms(use_true_random=False),
)
def test_any_word_is_found_in_any_spelling_of_any_letter(word: str, chance: random.Random) -> None:
    def spelt(letter: str) -> str:
        if letter.isascii() and chance.random() < 0.2:
            return f"\\u{ord(letter):04X}"
        return json.dumps(letter, ensure_ascii=chance.random() < 0.5)[1:-1]

    one = entry(body=f'{{"field_value": "{"".join(map(spelt, word))}"}}')
    match = RequestCriteria({"q": word})
    assert match.differences(reading(one)) == []
    assert match.meets(reading(one))


def test_escaped_bodies_are_searched_about_as_fast_as_plain_ones() -> None:
    took: dict[bool, float] = {}
    for escaped in (False, True):
        journal = RequestJournal()
        for number in range(2000):
            body = {"subscriptions": [{"subscription_id": f"{number:0150}"}], "field_value": "Мария Ивановна"}
            journal.record(entry("t", body=json.dumps(body, ensure_ascii=escaped)))
        runs = []
        for _ in range(5):
            begun = process_time()
            assert asyncio.run(search(journal, RequestCriteria({"q": "анна"}), 50, count_all=True)).total == 0
            runs.append(process_time() - begun)
        took[escaped] = min(runs)
    assert took[True] < 3 * took[False]
