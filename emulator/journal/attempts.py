"""Groups of requests that look like retries: one Request-ID on one path, or identical bodies."""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise
from typing import Literal, NamedTuple

from emulator.journal.entry import Entry, outcome_word
from emulator.journal.journal import RequestJournal
from emulator.loop.pacing import Pacing
from push_emulator.answers import AttemptGroup


class _Attempt(NamedTuple):
    id: int
    at_ms: int
    time: str
    outcome: str
    status: int
    request_id: tuple[str, str] | None
    body: bytes


async def attempts(journal: RequestJournal, limit: int = 100) -> list[AttemptGroup]:
    """Every group of two or more, the most recent first, at most ``limit`` groups. Works in steps.

    A request whose Request-ID no other request has is grouped by its body: some clients make a new
    Request-ID for each attempt.
    """
    found: list[_Attempt] = []
    ids: Counter[tuple[str, str] | None] = Counter()
    steps = Pacing(asked_every=1)
    for reading in journal.readings():
        if steps.long:
            await steps.pause()
        one = _attempt(reading.entry)
        found.append(one)
        ids[one.request_id] += 1
    groups: dict[tuple[Literal["request_id", "body"], tuple[str, str] | bytes], list[_Attempt]] = defaultdict(
        list
    )
    for one in found:
        if steps.long:
            await steps.pause()
        if one.request_id and ids[one.request_id] > 1:
            groups["request_id", one.request_id].append(one)
        elif one.body:
            groups["body", one.body].append(one)
    several = [(by, group) for (by, _), group in groups.items() if len(group) > 1]
    return [_group(by, group[::-1]) for by, group in several[:limit]]


def _attempt(entry: Entry) -> _Attempt:
    outcome = outcome_word(entry)
    # Old SDKs send a message's uid as the Request-ID of its delivery and of its open (K3).
    request_id = (entry.path.rstrip("/"), entry.request_id) if entry.request_id else None
    return _Attempt(entry.id, entry.at_ms, entry.time, outcome, entry.status, request_id, entry.body_bytes)


def _group(by: Literal["request_id", "body"], group: list[_Attempt]) -> AttemptGroup:
    return AttemptGroup(
        by,
        [one.id for one in group],
        [one.time for one in group],
        [later.at_ms - earlier.at_ms for earlier, later in pairwise(group)],
        [one.outcome for one in group],
        [one.status for one in group],
        len(group),
    )
