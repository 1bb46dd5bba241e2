"""Pages of a table: what matches, oldest first, a limited number at a time, in steps that stop nobody."""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from emulator.loop.pacing import Pacing
from emulator.rules.model import INT64_MAX
from emulator.store.state import TableState
from emulator.store.walking import ids_after

DEFAULT_LIMIT, MAX_LIMIT = 50, 1000
_CURSOR = re.compile(rb"([0-9]{1,19})\.([0-9]{1,19})")


class Cursor(NamedTuple):
    """Where a page begins: after this document. ``total``: what was counted for the first page."""

    after: int
    total: int

    def text(self) -> str:
        """The cursor for clients, who need not understand it."""
        return urlsafe_b64encode(f"{self.after}.{self.total}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> Cursor:
    """The cursor of :meth:`Cursor.text`. Raises :class:`ValueError`."""
    padded = text + "=" * (-len(text) % 4)
    numbers = _CURSOR.fullmatch(urlsafe_b64decode(padded.encode("ascii")))
    if numbers is None or max(int(numbers[1]), int(numbers[2])) > INT64_MAX:
        raise ValueError("is no cursor")
    return Cursor(int(numbers[1]), int(numbers[2]))


class Page(NamedTuple):
    """One page: its documents, decoded; the next page's cursor, if there is one; how many match in all."""

    records: list[Any]
    next: Cursor | None
    total: int


class Selection(NamedTuple):
    """Which documents are wanted.

    ``candidates``: the only ids that can match, ascending (``None``: all). ``needle``: bytes that a matching
    document has in it. ``matches``: the judge (``None``: every document is wanted).
    """

    candidates: Sequence[int] | None = None
    needle: bytes | None = None
    matches: Callable[[Any], bool] | None = None


async def read_page(table: TableState, wanted: Selection, limit: int, cursor: Cursor | None = None) -> Page:
    """The next ``limit`` wanted documents after the cursor, oldest first.

    What is added meanwhile comes at the end: no page shows a document twice or leaves one out for it.
    The first page counts what matches in all, which may take a walk through the whole table.
    """
    everything = wanted.matches is None and wanted.candidates is None
    counting = cursor is None and not everything
    after = cursor.after if cursor is not None else 0
    found: list[tuple[int, Any]] = []
    total = 0
    steps = Pacing()
    for doc_id in _ids(table, wanted, after):
        if steps.long:
            await steps.pause()
        record = _read(table, doc_id, wanted)
        if record is None:
            continue
        total += 1
        if len(found) <= limit:
            found.append((doc_id, record))
        elif not counting:
            break
    if everything:
        total = len(table.documents)
    elif cursor is not None:
        total = cursor.total
    more = len(found) > limit
    records = [record for _, record in found[:limit]]
    return Page(records, Cursor(found[limit - 1][0], total) if more else None, total)


async def read_ids(table: TableState, wanted: Selection) -> list[int]:
    """The ids of all wanted documents, ascending."""
    steps = Pacing()
    ids = []
    for doc_id in _ids(table, wanted, 0):
        if steps.long:
            await steps.pause()
        if _read(table, doc_id, wanted) is not None:
            ids.append(doc_id)
    return ids


def _ids(table: TableState, wanted: Selection, after: int) -> Iterable[int]:
    if wanted.candidates is None:
        return ids_after(table, after)
    return (doc_id for doc_id in wanted.candidates if doc_id > after)


def _read(table: TableState, doc_id: int, wanted: Selection) -> Any:
    document = table.documents.get(doc_id)
    if document is None or (wanted.needle is not None and wanted.needle not in document):
        return None
    record = table.decode(document)
    return record if wanted.matches is None or wanted.matches(record) else None
