"""How many of what a workspace has: counted in steps, kept until it matters that they are old."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from time import monotonic

import msgspec

from emulator.store.tinydb_store import TinyDBStore

#: Seconds for which counts of a large state are shown though it has changed.
FRESH_S = 20.0
_LARGE = 50_000


class _Profile(msgspec.Struct):
    db_id: int


class _Subscription(msgspec.Struct):
    db_id: int
    provider: str
    status: str


@dataclass
class Counts:
    """Profiles by database; active and inactive subscriptions by (database, provider).

    ``commits``: the state of the storage that was counted; ``at``: when, monotonic seconds.
    """

    commits: int
    at: float
    profiles: Counter[int] = field(default_factory=Counter)
    active: Counter[tuple[int, str]] = field(default_factory=Counter)
    inactive: Counter[tuple[int, str]] = field(default_factory=Counter)

    def good_for(self, store: TinyDBStore) -> bool:
        """Whether these need not be counted anew."""
        if self.commits == store.commits:
            return True
        large = store.profile_count + store.subscription_count > _LARGE
        return large and monotonic() - self.at < FRESH_S

    def by_provider(self, db_id: int) -> list[tuple[str, int, int]]:
        """Each provider of a database with its active and inactive subscriptions, the most used first."""
        own = {provider for db, provider in (*self.active, *self.inactive) if db == db_id}
        counted = [(one, self.active[db_id, one], self.inactive[db_id, one]) for one in own]
        return sorted(counted, key=lambda one: (-one[1] - one[2], one[0]))

    @property
    def age_s(self) -> int:
        """Whole seconds since they were counted."""
        return int(monotonic() - self.at)


async def count(store: TinyDBStore) -> Counts:
    """Count, in steps: others are answered meanwhile."""
    counts = Counts(store.commits, monotonic())
    async for profile in store.walk("profiles", _Profile):
        counts.profiles[profile.db_id] += 1
    async for one in store.walk("subscriptions", _Subscription):
        by_status = counts.active if one.status == "subscribed" else counts.inactive
        by_status[one.db_id, one.provider] += 1
    counts.at = monotonic()
    return counts
