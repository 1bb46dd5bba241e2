"""A search through the journal, in steps."""

from __future__ import annotations

from typing import NamedTuple

from emulator.requests.entry import Entry
from emulator.requests.journal import RequestJournal
from emulator.requests.matching import Match
from emulator.steps import Steps


class Found(NamedTuple):
    """Entries, newest first; ``older``: the id before which there may be more that match."""

    entries: list[Entry]
    older: int | None


async def search(journal: RequestJournal, match: Match, limit: int, before: int | None = None) -> Found:
    """The newest ``limit`` entries that match, of those with an id below ``before``."""
    found: list[Entry] = []
    steps = Steps()
    newest = journal.recorded if before is None else min(before - 1, journal.recorded)
    for entry_id in range(newest, journal.recorded - len(journal), -1):
        if steps.long:
            await steps.pause()
        entry = journal.get(entry_id)
        if entry is None:
            break  # the older ones had to go meanwhile
        if match.criteria and match.differences(entry):
            continue
        if len(found) == limit:
            return Found(found, found[-1].id)
        found.append(entry)
    return Found(found, None)
