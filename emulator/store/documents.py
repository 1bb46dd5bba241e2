"""The documents of one table by id, kept such that they grow without ever stopping anybody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from itertools import groupby

#: A page has the ids that are the same but for so many low bits.
_PAGE_BITS = 12
_NO_PAGES: Mapping[int, dict[int, bytes]] = {}


class Documents(MutableMapping[int, bytes]):
    """A dictionary in pages of 4,096 consecutive ids.

    A dictionary of Python's is written anew whenever it has doubled, which stops everybody for a tenth of a
    second at a million entries; a page stays small. The order is that of the pages, then that of insertion
    within a page: where ids ascend, that of insertion. Another thread may iterate while one changes it.
    """

    __slots__ = ("_pages", "_shared")

    def __init__(self) -> None:
        self._pages: dict[int, dict[int, bytes]] = {}
        #: Pages that belong to others, too: each is copied before it is changed.
        self._shared: Mapping[int, dict[int, bytes]] = _NO_PAGES

    def fork(self) -> Documents:
        """These documents as they are now, to be changed; this object itself must not change any more."""
        other = Documents()
        other._pages, other._shared = self._pages.copy(), self._pages
        return other

    def _own(self, number: int) -> dict[int, bytes]:
        """A page to be changed; an empty one is made."""
        page = self._pages.get(number)
        if page is None:
            page = self._pages[number] = {}
        elif page is self._shared.get(number):
            page = self._pages[number] = page.copy()
        return page

    def __getitem__(self, doc_id: int) -> bytes:
        return self._pages[doc_id >> _PAGE_BITS][doc_id]

    def get(self, doc_id: int, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        page = self._pages.get(doc_id >> _PAGE_BITS)
        return default if page is None else page.get(doc_id, default)

    def __setitem__(self, doc_id: int, document: bytes) -> None:
        self._own(doc_id >> _PAGE_BITS)[doc_id] = document

    def __delitem__(self, doc_id: int) -> None:
        number = doc_id >> _PAGE_BITS
        if doc_id not in self:
            raise KeyError(doc_id)
        page = self._own(number)
        del page[doc_id]
        if not page:
            del self._pages[number]

    def __contains__(self, doc_id: object) -> bool:
        return isinstance(doc_id, int) and doc_id in self._pages.get(doc_id >> _PAGE_BITS, {})

    def __iter__(self) -> Iterator[int]:
        for page in list(self._pages.values()):
            yield from list(page)

    def __len__(self) -> int:
        return sum(map(len, list(self._pages.values())))

    def fill(self, doc_ids: Iterable[int], documents: Iterable[bytes]) -> None:
        """Set many documents, quickest where their ids ascend."""
        pairs = zip(doc_ids, documents, strict=True)
        for number, of_page in groupby(pairs, lambda pair: pair[0] >> _PAGE_BITS):
            self._own(number).update(of_page)

    def copy(self) -> Documents:
        """These documents as they are now."""
        copied = Documents()
        copied._pages = {number: page.copy() for number, page in self._pages.items()}
        return copied
