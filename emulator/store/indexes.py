"""Hash indexes: from a key to the ids of the documents that have it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any

#: Returns the keys of a document: none, one or many.
KeysOf = Callable[[Any], Sequence[Hashable]]

_Ids = int | dict[int, None]
#: The most keys of one part on average; beyond them another part is added.
_PART = 1024


class Index:
    """Document ids by key, always in ascending order, that is oldest first.

    Most keys have one document: those cost one dictionary entry, no container.

    Python rebuilds a dictionary that doubles, which blocks the process for 0.1 s at a million keys. So the
    initial keys form one dictionary that never grows again, and later keys are spread over small
    dictionaries; when one overflows, another is added (linear hashing).
    """

    __slots__ = ("_filled", "_mask", "_parts", "keys_of")

    def __init__(self, keys_of: KeysOf) -> None:
        self.keys_of = keys_of
        self._filled: dict[Hashable, _Ids] = {}
        self._parts: list[dict[Hashable, _Ids]] = [{}]
        self._mask = 0

    def __len__(self) -> int:
        return sum(map(len, self._dictionaries()))

    def find(self, key: Hashable, limit: int | None = None) -> Sequence[int]:
        """The ids of the documents with this key, oldest first; at most ``limit``."""
        ids = self._part(key).get(key)
        if ids is None:
            return ()
        if isinstance(ids, int):
            return (ids,)
        return tuple(ids) if limit is None else tuple(i for i, _ in zip(ids, range(limit), strict=False))

    def entries(self) -> Iterator[tuple[Hashable, Sequence[int]]]:
        """Every key with the ids of its documents."""
        return ((key, self.find(key)) for part in self._dictionaries() for key in part)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._part(key)

    def count(self, key: Hashable) -> int:
        """How many documents have this key."""
        ids = self._part(key).get(key)
        return 0 if ids is None else 1 if isinstance(ids, int) else len(ids)

    def add(self, document: Any, doc_id: int) -> None:
        """Add a document under its keys."""
        for key in self.keys_of(document):
            part = self._part(key)
            if part.setdefault(key, doc_id) is not doc_id:
                _share(part, key, doc_id)
            elif len(part) > _PART and part is not self._filled:
                self._spread()

    def fill(self, documents: Iterable[Any], doc_ids: Iterable[int]) -> None:
        """Add many documents under their keys: faster than one by one before the first :meth:`add`."""
        if any(self._parts):
            for document, doc_id in zip(documents, doc_ids, strict=True):
                self.add(document, doc_id)
            return
        keys_of, setdefault = self.keys_of, self._filled.setdefault
        for document, doc_id in zip(documents, doc_ids, strict=True):
            for key in keys_of(document):
                if setdefault(key, doc_id) is not doc_id:
                    _share(self._filled, key, doc_id)

    def remove(self, document: Any, doc_id: int) -> None:
        """Remove a document from its keys."""
        for key in self.keys_of(document):
            part = self._part(key)
            ids = part.get(key)
            if isinstance(ids, dict):
                ids.pop(doc_id, None)
                if len(ids) == 1:
                    part[key] = next(iter(ids))
            elif ids == doc_id:
                del part[key]

    def change(self, before: Any, after: Any, doc_id: int) -> None:
        """Move a document from its former keys to its present keys."""
        if list(self.keys_of(before)) != list(self.keys_of(after)):
            self.remove(before, doc_id)
            self.add(after, doc_id)

    def _dictionaries(self) -> list[dict[Hashable, _Ids]]:
        return [self._filled, *self._parts]

    def _part(self, key: Hashable) -> dict[Hashable, _Ids]:
        """The dictionary that has the key, or that gets it."""
        if key in self._filled:
            return self._filled
        place = hash(key) & self._mask
        return self._parts[place if place < len(self._parts) else place & (self._mask >> 1)]

    def _spread(self) -> None:
        """Add a part, with those keys of the next part in turn that belong there now."""
        parts = self._parts
        if len(parts) > self._mask:
            self._mask = 2 * self._mask + 1
        crowded = len(parts) & (self._mask >> 1)
        stay: dict[Hashable, _Ids] = {}
        leave: dict[Hashable, _Ids] = {}
        bit = (self._mask + 1) >> 1
        for key, ids in parts[crowded].items():
            (leave if hash(key) & bit else stay)[key] = ids
        parts[crowded] = stay
        parts.append(leave)


def _share(part: dict[Hashable, _Ids], key: Hashable, doc_id: int) -> None:
    """Add a document under a key that another document has."""
    ids = part[key]
    if isinstance(ids, int):
        if ids != doc_id:
            part[key] = {min(ids, doc_id): None, max(ids, doc_id): None}
    elif doc_id > next(reversed(ids)):
        ids[doc_id] = None
    else:  # an old document that got the key later: rare, so a new sort is fine
        part[key] = dict.fromkeys(sorted([*ids, doc_id]))
