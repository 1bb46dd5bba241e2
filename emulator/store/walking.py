"""Going through a table while it changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from emulator.store.state import TableState


def ids_after(table: TableState, after: int = 0) -> Iterator[int]:
    """Ids above ``after``, ascending: every document's, those that come in meanwhile included.

    Some have no document (any more). Whoever goes to the end has seen all that there is at that moment.
    """
    # Ids are given in ascending order, so a range visits all without a copy of them.
    last = table.last_id
    dense = not table.free_ids and last <= 4 * len(table.documents) + 1000
    found: Iterable[int] = range(after + 1, last + 1) if dense else sorted(table.documents)
    for doc_id in found:
        if doc_id > after:
            after = doc_id
            yield doc_id
    after = max(after, last)
    while after < table.last_id:
        after += 1
        yield after
