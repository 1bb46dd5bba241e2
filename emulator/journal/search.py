"""Searches the journal in steps, so that a long one stops nobody."""

from __future__ import annotations

from bisect import insort
from dataclasses import dataclass
from typing import Generic

from emulator.journal.journal import E, Journal, R
from emulator.journal.matching import Criteria
from emulator.loop.pacing import Pacing
from push_emulator.answers import Difference


@dataclass(frozen=True)
class Found(Generic[E]):
    """Entries, newest first. ``older``: the id before which there may be more; ``total``: how many match."""

    entries: list[E]
    older: int | None
    total: int


async def search(
    journal: Journal[E, R],
    match: Criteria[R],
    limit: int,
    before: int | None = None,
    count_all: bool = False,
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
