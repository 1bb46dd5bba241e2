"""Searches the journal and waits for what is expected, in steps, so that a long one stops nobody."""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any, Generic

from emulator.journal.journal import E, Journal, R
from emulator.journal.matching import Criteria
from emulator.loop.pacing import Pacing
from push_emulator.journal_answers import Difference


@dataclass(frozen=True)
class Found(Generic[E]):
    """Entries, newest first. ``older``: the id before which there may be more; ``total``: how many match."""

    entries: list[E]
    older: int | None
    total: int


async def search(
    journal: Journal[E, R], match: Criteria[R], limit: int, before: int | None = None, count_all: bool = False
) -> Found[E]:
    """The newest ``limit`` entries that match, of those with an id below ``before``.

    ``total`` counts those that were looked at; with ``count_all`` that is the whole journal.
    """
    found: list[E] = []
    total, more = 0, False
    steps = Pacing(asked_every=1)
    for reading in journal.readings(None if count_all else before):
        if steps.long:
            await steps.pause()
        if not match.meets(reading):
            continue
        total += 1
        if before is not None and reading.id >= before:
            continue
        if len(found) < limit:
            found.append(reading.entry)
        else:
            more = True
            if not count_all:
                break
    return Found(found, found[-1].id if more else None, total)


@dataclass(frozen=True)
class Miss(Generic[E]):
    """An entry that does not match, and its differences."""

    entry: E
    differences: list[Difference]


async def nearest_misses(journal: Journal[E, R], match: Criteria[R], limit: int = 3) -> list[Miss[E]]:
    """The entries with the fewest differences, the newest first among equals."""
    nearest: list[Miss[E]] = []
    steps = Pacing(asked_every=1)
    for reading in journal.readings():
        if steps.long:
            await steps.pause()
        differences = match.differences(reading)
        if not differences:
            continue
        insort(nearest, Miss(reading.entry, differences), key=lambda miss: len(miss.differences))
        del nearest[limit:]
        if len(nearest) == limit and len(nearest[-1].differences) == 1:
            break  # no entry can be nearer
    return nearest


@dataclass(frozen=True)
class Expectation:
    """The least and the most entries that are expected."""

    at_least: int = 0
    at_most: int | None = None

    @classmethod
    def of(cls, expect: Mapping[str, int]) -> Expectation:
        """From ``{"at_least": n, "at_most": n, "exactly": n}``, each optional; without any, at least once."""
        if "exactly" in expect:
            return cls(expect["exactly"], expect["exactly"])
        if not expect:
            return cls(1)
        return cls(expect.get("at_least", 0), expect.get("at_most"))

    def met_by(self, count: int) -> bool:
        """Whether this number meets the expectation."""
        return count >= self.at_least and not self.broken_by(count)

    def settled_by(self, count: int) -> bool:
        """Whether this number meets it for good; an upper bound alone is never met for good."""
        return self.met_by(count) and (self.at_least > 0 or self.at_most is None)

    def broken_by(self, count: int) -> bool:
        """Whether this number is too high already."""
        return self.at_most is not None and count > self.at_most

    def __str__(self) -> str:
        if self.at_most == self.at_least:
            return f"exactly {self.at_least}"
        words = [f"at least {self.at_least}"] if self.at_least or self.at_most is None else []
        return " and ".join(words + ([] if self.at_most is None else [f"at most {self.at_most}"]))


async def count_within(
    journal: Journal[Any, R],
    match: Criteria[R],
    expect: Expectation,
    within_s: float,
    follow: Callable[[], Awaitable[object]] | None = None,
) -> int:
    """The number of kept entries that match, as soon as it is settled, or after ``within_s`` seconds.

    An upper bound alone is watched for the whole time: a request too many can come late. ``follow`` adds what
    others have recorded until then.
    """
    deadline = monotonic() + within_s
    ids: deque[int] = deque()  # of the kept entries that match, ascending; each is looked at once
    came = asyncio.Event()

    def add(entry_id: int | None) -> None:
        if entry_id is None:
            ids.clear()
        elif not ids or entry_id > ids[-1]:  # else it was found before it was told
            ids.append(entry_id)
            came.set()

    def count() -> int:
        while ids and ids[0] < journal.oldest_id:
            ids.popleft()  # evicted, or the journal was emptied
        return len(ids)

    with journal.watched(add, match):
        await _look_back(journal, match, ids)
        while not expect.broken_by(count()) and not expect.settled_by(count()):
            came.clear()
            try:
                await asyncio.wait_for(came.wait(), deadline - monotonic())
            except asyncio.TimeoutError:
                if follow is not None and within_s:
                    await follow()
                break
    return count()


async def _look_back(journal: Journal[Any, R], match: Criteria[R], ids: deque[int]) -> None:
    """Add the ids of earlier entries in front, in steps; stops when the journal is emptied."""
    pacing, generation = Pacing(asked_every=1), journal.generation
    for reading in journal.readings():
        if pacing.long:
            await pacing.pause()
        if journal.generation != generation:
            return
        if match.meets(reading):
            ids.appendleft(reading.id)
