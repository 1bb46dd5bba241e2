"""The documents of one table by id, in a container that grows in small steps."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, MutableMapping, Sequence
from sys import getrefcount

#: The ids of a page differ in this many low bits only.
_PAGE_BITS = 12
#: One object for all that share no page.
_NONE: frozenset[int] = frozenset()


class Documents(MutableMapping[int, bytes]):
    """A dictionary in pages of 4,096 consecutive ids.

    Python copies a whole dictionary when it grows, which takes a tenth of a second at a million entries; a
    page stays small. Documents come in the order of the pages, those of a page in the order of insertion.
    Another thread may iterate while one changes it.

    A copy shares its pages with the original until one of the two changes them.
    """

    __slots__ = ("_pages", "_shared")

    def __init__(self) -> None:
        self._pages: dict[int, dict[int, bytes]] = {}
        self._shared = _NONE

    def __getitem__(self, doc_id: int) -> bytes:
        return self._pages[doc_id >> _PAGE_BITS][doc_id]

    def get(self, doc_id: int, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        page = self._pages.get(doc_id >> _PAGE_BITS)
        return default if page is None else page.get(doc_id, default)

    def __setitem__(self, doc_id: int, document: bytes) -> None:
        number = doc_id >> _PAGE_BITS
        page = self._pages.get(number)
        if page is None or number in self._shared:
            page = self._own_page(number)
        page[doc_id] = document

    def __delitem__(self, doc_id: int) -> None:
        number = doc_id >> _PAGE_BITS
        page = self._own_page(number) if number in self._shared else self._pages.get(number, {})
        del page[doc_id]
        if not page:
            del self._pages[number]

    def __iter__(self) -> Iterator[int]:
        for page in list(self._pages.values()):
            yield from list(page)

    def __len__(self) -> int:
        return sum(map(len, list(self._pages.values())))

    def fill(self, doc_ids: Sequence[int], documents: Sequence[bytes]) -> None:
        """Set these documents, whose ids ascend."""
        begin = 0
        while begin < len(doc_ids):
            number = doc_ids[begin] >> _PAGE_BITS
            end = bisect_left(doc_ids, (number + 1) << _PAGE_BITS, begin)
            self._own_page(number).update(zip(doc_ids[begin:end], documents[begin:end], strict=True))
            begin = end

    def pages(self) -> Iterator[list[tuple[int, bytes]]]:
        """The documents with their ids, ascending, a page at a time as it is at that moment."""
        for number in sorted(self._pages):
            yield sorted(self._pages.get(number, {}).items())

    def unshared(self) -> list[dict[int, bytes]]:
        """The pages that are in no copy."""
        if getrefcount(self._pages) > 2:  # it is here and in the call
            return []
        return [page for page in self._pages.values() if getrefcount(page) <= 3]

    def in_order(self, after: int = 0) -> Iterator[int]:
        """The ids above ``after``, ascending, without those that are added to an earlier page meanwhile."""
        for number in sorted(self._pages):
            if number >= after >> _PAGE_BITS:
                yield from (doc_id for doc_id in sorted(self._pages.get(number, ())) if doc_id > after)

    def copy(self) -> Documents:
        """These documents as they are now."""
        copied = Documents()
        if len(self._shared) < len(self._pages):
            self._shared = frozenset(self._pages)
        copied._pages, copied._shared = self._pages, self._shared
        return copied

    def _own_page(self, number: int) -> dict[int, bytes]:
        """The page to change; a shared one is copied first."""
        page = self._pages.get(number)
        if page is None or number in self._shared:
            if len(self._shared) == len(self._pages):  # the dictionary of the pages is shared, too
                self._pages = self._pages.copy()
            page = self._pages[number] = {} if page is None else page.copy()
            self._shared = self._shared - {number} or _NONE
        return page
