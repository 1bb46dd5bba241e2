"""Expectations of how often something was asked for."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic

from emulator.journal.journal import RequestJournal
from emulator.journal.matching import Match
from emulator.loop.pacing import Pacing


@dataclass(frozen=True)
class Expectation:
    """``at_least`` and ``at_most`` this often."""

    at_least: int = 0
    at_most: int | None = None

    @classmethod
    def of(cls, expect: Mapping[str, int]) -> Expectation:
        """From ``{"at_least": n, "at_most": n, "exactly": n}``, each optional; once or more without any."""
        if "exactly" in expect:
            return cls(expect["exactly"], expect["exactly"])
        if not expect:
            return cls(1)
        return cls(expect.get("at_least", 0), expect.get("at_most"))

    def met_by(self, count: int) -> bool:
        """Whether so many are right."""
        return count >= self.at_least and not self.broken_by(count)

    def settled_by(self, count: int) -> bool:
        """Whether so many are right already; with nothing but an upper bound that is never sure."""
        return self.met_by(count) and (self.at_least > 0 or self.at_most is None)

    def broken_by(self, count: int) -> bool:
        """Whether so many are too many, whatever still comes."""
        return self.at_most is not None and count > self.at_most

    def __str__(self) -> str:
        if self.at_most == self.at_least:
            return f"exactly {self.at_least}"
        words = [f"at least {self.at_least}"] if self.at_least or self.at_most is None else []
        return " and ".join(words + ([] if self.at_most is None else [f"at most {self.at_most}"]))


async def count_within(journal: RequestJournal, match: Match, expect: Expectation, within_s: float) -> int:
    """How many kept entries match, as soon as that is what is expected, or after ``within_s`` seconds.

    With nothing but an upper bound the whole time is watched, for one too many can come late.
    """
    deadline = monotonic() + within_s
    found = _Matching(journal, match)
    with journal.watched(found.add, match):
        await found.look_back()
        while not expect.broken_by(found.count) and not expect.settled_by(found.count):
            left = deadline - monotonic()
            if left <= 0 or not await found.grows(left):
                break
    return found.count


class _Matching:
    """The ids of the kept entries that match, ascending. Each entry is looked at once."""

    def __init__(self, journal: RequestJournal, match: Match) -> None:
        self._journal = journal
        self._match = match
        self._ids: deque[int] = deque()
        self._grown = asyncio.Event()

    def add(self, entry_id: int | None) -> None:
        """Count one that has just come; ``None``: the journal was emptied."""
        if entry_id is None:
            self._ids.clear()
        else:
            self._ids.append(entry_id)
            self._grown.set()

    async def look_back(self) -> None:
        """Look at those that were there before, in steps."""
        steps, epoch = Pacing(asked_every=1), self._journal.epoch
        for reading in self._journal.readings():
            if steps.long:
                await steps.pause()
            if self._journal.epoch != epoch:
                return
            if self._match.meets(reading):
                self._ids.appendleft(reading.id)

    @property
    def count(self) -> int:
        """How many match of those that are kept now."""
        while self._ids and self._ids[0] < self._journal.oldest_id:
            self._ids.popleft()  # it had to go for newer ones, or the journal was emptied
        return len(self._ids)

    async def grows(self, timeout_s: float) -> bool:
        """Wait for the next one that matches, this long at most; whether one came."""
        self._grown.clear()
        try:
            await asyncio.wait_for(self._grown.wait(), timeout_s)
        except asyncio.TimeoutError:
            return False
        return True
