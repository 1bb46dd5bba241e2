"""Groups of requests that look like retries: one Request-ID, or identical bodies, on one path."""

from bisect import bisect_left
from collections import defaultdict
from hashlib import blake2b
from typing import Literal

from msgspec.structs import replace

from emulator.journal.entry import Entry, outcome_word
from emulator.journal.journal import RequestJournal
from emulator.loop.pacing import Pacing, paced
from push_emulator.journal_answers import AttemptGroup

_By = Literal["request_id", "body"]
_Key = tuple[_By, tuple[str, str] | bytes]


class Attempts:
    """The groups of a journal as of the last :meth:`follow`.

    A request whose Request-ID no other request has is grouped by its body: some clients make a new
    Request-ID for each attempt. Not so the mobile SDKs, which authorize themselves: a log-in, a log-out and
    the next log-in have one body and are no attempts.
    """

    def __init__(self, journal: RequestJournal) -> None:
        self._journal = journal
        self._begin()

    def _begin(self) -> None:
        self._generation, self._last = self._journal.generation, self._journal.oldest_id - 1
        self._groups: defaultdict[_Key, list[int]] = defaultdict(list)
        self._key_of: dict[int, _Key] = {}
        self._first_with: dict[tuple[str, str], int] = {}

    async def follow(self, most: int | None = None) -> None:
        """Read the requests that came since the last time, but none if they are more than ``most``.

        Works in steps.
        """
        if most is not None and self._journal.recorded - self._last > most:
            return
        journal, steps = self._journal, Pacing(asked_every=16)
        while True:
            if journal.generation != self._generation or len(self._key_of) > 2 * len(journal) + 1000:
                self._begin()
            if self._last >= journal.recorded:
                return
            self._last = max(self._last + 1, journal.oldest_id)
            entry = journal.get(self._last)
            if entry is not None:
                self._add(entry)
            if steps.long:
                await steps.pause()

    def _add(self, one: Entry) -> None:
        sent, path = one.request_id, one.path.rstrip("/")
        authorization = one.headers.get("authorization", "")
        # Old SDKs send a message's uid as the Request-ID of its delivery and of its open (K3).
        request_id = (path, sent) if sent else None
        first = self._first_with.setdefault(request_id, one.id) if request_id else one.id
        if request_id and first < one.id:
            key: _Key = ("request_id", request_id)
            if key not in self._groups:  # the first was alone until now
                if first in self._key_of:
                    self._groups[self._key_of[first]].remove(first)
                self._put(first, key)
            self._put(one.id, key)
        elif one.body_bytes and not (sent and authorization):
            what = blake2b(f"{path} {authorization}".encode("utf-8", "replace"), digest_size=16)
            what.update(one.body_bytes)
            self._put(one.id, ("body", what.digest()))

    def _put(self, entry_id: int, key: _Key) -> None:
        self._groups[key].append(entry_id)
        self._key_of[entry_id] = key

    def number(self, entry_id: int) -> int:
        """Which attempt of its group a request is, from 1; 1 for a request of no group."""
        return bisect_left(self.like(entry_id), entry_id) + 1

    def like(self, entry_id: int) -> list[int]:
        """The ids of a request's group, the oldest first; none for a request that is alone."""
        key = self._key_of.get(entry_id)
        return [] if key is None else self._kept(self._groups[key])

    async def groups(self, limit: int, skip: int = 0) -> list[AttemptGroup]:
        """The groups until now, most recent first: at most ``limit`` behind the first ``skip``. In steps."""
        await self.follow()
        several = [(by, kept) for (by, _), ids in self._groups.items() if (kept := self._kept(ids))]
        several.sort(key=lambda group: group[1][-1], reverse=True)
        return [await self._shown(*group) for group in several[skip : skip + limit]]

    def _kept(self, ids: list[int]) -> list[int]:
        """Those that are not evicted; none if that leaves one alone."""
        kept = ids[bisect_left(ids, self._journal.oldest_id) :]
        return kept if len(kept) > 1 else []

    async def _shown(self, by: _By, ids: list[int]) -> AttemptGroup:
        shown, at_ms = AttemptGroup(by, [], [], [], [], [], 0), 0
        async for entry_id in paced(ids, 1):
            one = self._journal.get(entry_id)
            if one is not None:
                shown.entries.append(one.id)
                shown.times.append(one.time)
                shown.gaps_ms.append(one.at_ms - at_ms)
                shown.outcomes.append(outcome_word(one))
                shown.statuses.append(one.status)
                at_ms = one.at_ms
        return replace(shown, gaps_ms=shown.gaps_ms[1:], count=len(shown.entries))
