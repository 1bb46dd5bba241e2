"""The numbers of a workspace's records and of its requests in each minute, counted in steps."""

import itertools
from collections import Counter
from time import monotonic
from typing import NamedTuple

import msgspec

from emulator.journal.entry import outcome_word
from emulator.journal.journal import RequestJournal
from emulator.loop.pacing import paced
from emulator.rules.model import STATUSES
from emulator.store.tinydb_store import TinyDBStore
from emulator.timestamps import iso

#: Seconds for which counts of a large state are shown though it has changed.
FRESH_S = 20.0
_LARGE = 50_000


class _Kind(msgspec.Struct, frozen=True):
    """The group in which a record is counted; a profile has neither provider nor status."""

    db_id: int
    provider: str = ""
    status: str = ""


class Counts(msgspec.Struct):
    """Profiles and subscriptions by kind.

    ``commits``: the state of the storage that was counted; ``at``: when, monotonic seconds.
    """

    commits: int
    at: float
    kinds: Counter[_Kind]

    def good_for(self, store: TinyDBStore) -> bool:
        """Whether these need not be counted anew."""
        if self.commits == store.commits:
            return True
        large = store.profile_count + store.subscription_count > _LARGE
        return large and monotonic() - self.at < FRESH_S

    def profiles(self, db_id: int) -> int:
        """The profiles of a database."""
        return self.kinds[_Kind(db_id)]

    def by_provider(self, db_id: int) -> list[tuple[str, list[int]]]:
        """Each provider of a database with its subscriptions of each of ``STATUSES``, the most used first."""
        kinds = self.kinds
        counted = [
            (name, [kinds[_Kind(db_id, name, status)] for status in STATUSES])
            for name in {one.provider for one in kinds if one.db_id == db_id and one.provider}
        ]
        return sorted(counted, key=lambda one: (-sum(one[1]), one[0]))

    @property
    def age_s(self) -> int:
        """Whole seconds since they were counted."""
        return int(monotonic() - self.at)


async def count(store: TinyDBStore) -> Counts:
    """Count in steps, between which requests are answered."""
    commits, kinds = store.commits, Counter[_Kind]()
    for table in ("profiles", "subscriptions"):
        async for one in store.walk(table, _Kind):
            kinds[one] += 1
    return Counts(commits, monotonic(), kinds)


MINUTES = 30
_MINUTE_MS = 60_000


class Minute(NamedTuple):
    """One minute's requests by outcome; ``label``: HH:MM, UTC."""

    label: str
    outcomes: Counter[str]

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())


async def minutes(journal: RequestJournal, now_ms: int) -> list[Minute]:
    """The last :data:`MINUTES` minutes, the oldest first, as far as the journal goes back. Works in steps."""
    last = now_ms // _MINUTE_MS
    counted: dict[int, Counter[str]] = {last - back: Counter() for back in reversed(range(MINUTES))}
    async for entry_id in paced(range(journal.recorded, journal.recorded - len(journal), -1)):
        entry = journal.get(entry_id)
        minute = entry.at_ms // _MINUTE_MS if entry is not None else last
        if entry is None or minute < last - MINUTES:
            break
        if minute in counted:
            counted[minute][outcome_word(entry)] += 1
    return [Minute(iso(minute * _MINUTE_MS)[11:16], outcomes) for minute, outcomes in counted.items()]


def round_up(number: int) -> int:
    """The next 1, 2 or 5 with noughts; at least 5."""
    rounded = (factor * 10**power for power in itertools.count() for factor in (1, 2, 5))
    return int(next(one for one in rounded if one >= max(number, 5)))
