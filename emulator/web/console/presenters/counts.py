"""How many of what a workspace has: counted in steps, kept until it matters that they are old."""

from __future__ import annotations

from collections import Counter
from time import monotonic

import msgspec

from emulator.rules.model import STATUSES
from emulator.store.tinydb_store import TinyDBStore

#: Seconds for which counts of a large state are shown though it has changed.
FRESH_S = 20.0
_LARGE = 50_000


class _Kind(msgspec.Struct, frozen=True):
    """What a profile or a subscription is counted as; a profile has neither provider nor status."""

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
    """Count, in steps: others are answered meanwhile."""
    commits, kinds = store.commits, Counter[_Kind]()
    for table in ("profiles", "subscriptions"):
        async for one in store.walk(table, _Kind):
            kinds[one] += 1
    return Counts(commits, monotonic(), kinds)
