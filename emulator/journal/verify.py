"""Expected numbers of matching entries, and waiting for them."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from emulator.journal.journal import Journal, R
from emulator.journal.matching import Criteria
from emulator.loop.pacing import Pacing


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
        else:
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
    pacing, epoch = Pacing(asked_every=1), journal.epoch
    for reading in journal.readings():
        if pacing.long:
            await pacing.pause()
        if journal.epoch != epoch:
            return
        if match.meets(reading):
            ids.appendleft(reading.id)
