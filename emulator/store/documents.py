"""The documents of one table by id, in a container that grows in small steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from itertools import groupby

#: The ids of a page differ in this many low bits only.
_PAGE_BITS = 12


class Documents(MutableMapping[int, bytes]):
    """A dictionary in pages of 4,096 consecutive ids.

    Python rebuilds a dictionary whenever its size has doubled, which blocks the process for 0.1 s at a
    million entries; a page stays small. The order is that of the pages, then of insertion within a page; for
    ascending ids it is the order of insertion. One thread may iterate while another changes it.
    """

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        self._pages: dict[int, dict[int, bytes]] = {}

    def __getitem__(self, doc_id: int) -> bytes:
        return self._pages[doc_id >> _PAGE_BITS][doc_id]

    def get(self, doc_id: int, default: bytes | None = None) -> bytes | None:  # type: ignore[override]
        page = self._pages.get(doc_id >> _PAGE_BITS)
        return default if page is None else page.get(doc_id, default)

    def __setitem__(self, doc_id: int, document: bytes) -> None:
        page = self._pages.get(doc_id >> _PAGE_BITS)
        if page is None:
            page = self._pages[doc_id >> _PAGE_BITS] = {}
        page[doc_id] = document

    def __delitem__(self, doc_id: int) -> None:
        number = doc_id >> _PAGE_BITS
        page = self._pages.get(number, {})
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
        """Set many documents; fastest for ascending ids."""
        pairs = zip(doc_ids, documents, strict=True)
        for number, of_page in groupby(pairs, lambda pair: pair[0] >> _PAGE_BITS):
            self._pages.setdefault(number, {}).update(of_page)

    def copy(self) -> Documents:
        """These documents as they are now."""
        copied = Documents()
        copied._pages = {number: page.copy() for number, page in self._pages.items()}
        return copied
