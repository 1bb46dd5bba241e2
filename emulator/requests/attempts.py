"""The retry lens: attempts at the same thing, told by one Request-ID or by one identical body."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from itertools import pairwise

from emulator.requests.entry import Entry, outcome_word
from emulator.requests.journal import RequestJournal


@dataclass
class Attempts:
    """Requests that are attempts at the same thing, the oldest first.

    ``gaps_ms``: the time between each and the next. ``outcomes``: the one word of each.
    """

    by: str
    entries: list[int] = field(default_factory=list)
    times: list[str] = field(default_factory=list)
    gaps_ms: list[int] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)


def attempts(journal: RequestJournal, limit: int = 100) -> list[Attempts]:
    """Every group of two or more, the most recent first, at most ``limit`` groups.

    A Request-ID that only one request has (a client that makes a new one for each attempt) groups nothing:
    that request is grouped by its body.
    """
    entries = list(journal.newest_first())
    ids = Counter(entry.request_id for entry in entries)
    groups: dict[tuple[str, str], list[Entry]] = defaultdict(list)
    for entry in entries:
        if entry.request_id and ids[entry.request_id] > 1:
            groups["request_id", entry.request_id].append(entry)
        elif entry.body:
            groups["body", entry.body].append(entry)
    several = [(by, group) for (by, _), group in groups.items() if len(group) > 1]
    return [_attempts(by, group[::-1]) for by, group in several[:limit]]


def _attempts(by: str, group: list[Entry]) -> Attempts:
    return Attempts(
        by,
        [entry.id for entry in group],
        [entry.time for entry in group],
        [later.at_ms - earlier.at_ms for earlier, later in pairwise(group)],
        [outcome_word(entry) for entry in group],
        [entry.status for entry in group],
    )
