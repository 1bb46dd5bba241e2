"""Pages of a table: matching documents, oldest first, a limited number at a time, in short steps."""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, NamedTuple

from emulator.rules.model import INT64_MAX
from emulator.store.table import IndexedTable

DEFAULT_LIMIT, MAX_LIMIT = 50, 1000
_CURSOR = re.compile(rb"([0-9]{1,19})\.([0-9]{1,19})")


class Cursor(NamedTuple):
    """The start of a page: after this document. ``total``: the count for the first page."""

    after: int
    total: int

    def text(self) -> str:
        """The cursor as opaque text for clients."""
        return urlsafe_b64encode(f"{self.after}.{self.total}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """The cursor of :meth:`Cursor.text`. Raises :class:`ValueError`."""
    padded = text + "=" * (-len(text) % 4)
    numbers = _CURSOR.fullmatch(urlsafe_b64decode(padded.encode("ascii")))
    if numbers is None or max(int(numbers[1]), int(numbers[2])) > INT64_MAX:
        raise ValueError("is no cursor")
    return Cursor(int(numbers[1]), int(numbers[2]))


class RecordPage(NamedTuple):
    """One page: its documents, decoded; the next page's cursor, if there is one; how many match in all."""

    records: list[Any]
    next: Cursor | None
    total: int


class Selection(NamedTuple):
    """Which documents are wanted.

    ``candidates``: the only ids that can match, ascending (``None``: all). ``needle``: bytes that every
    matching document contains. ``matches``: the predicate (``None``: every document is wanted).
    ``has``: another, in steps, for those that meet the first.
    """

    candidates: Sequence[int] | None = None
    needle: bytes | None = None
    matches: Callable[[Any], bool] | None = None
    has: Callable[[Any], Awaitable[bool]] | None = None


async def select(table: IndexedTable, wanted: Selection, after: int = 0) -> AsyncIterator[tuple[int, Any]]:
    """Ids and records of the wanted documents with an id above ``after``, ascending."""
    decode, needle, matches, has = table.state.decode, wanted.needle, wanted.matches, wanted.has
    async for doc_id, document in table.walk(wanted.candidates, after):
        if needle is None or needle in document:
            record = decode(document)
            if (matches is None or matches(record)) and (has is None or await has(record)):
                yield doc_id, record


async def read_page(
    table: IndexedTable, wanted: Selection, limit: int, cursor: Cursor | None = None
) -> RecordPage:
    """The next ``limit`` wanted documents after the cursor, oldest first.

    Documents added meanwhile come at the end: because of them no page repeats or omits a document. The first
    page counts all matches, which may take a walk through the whole table.
    """
    everything = wanted.matches is None and wanted.candidates is None
    counting = cursor is None and not everything
    found: list[tuple[int, Any]] = []
    total = 0
    async for one in select(table, wanted, cursor.after if cursor is not None else 0):
        total += 1
        if len(found) <= limit:
            found.append(one)
        elif not counting:
            break
    if everything:
        total = len(table)
    elif cursor is not None:
        total = cursor.total
    more = len(found) > limit
    records = [record for _, record in found[:limit]]
    return RecordPage(records, Cursor(found[limit - 1][0], total) if more else None, total)
