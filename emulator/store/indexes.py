"""Hash indexes: from a key to the ids of the documents that have it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any

#: What a document is found by: none, one or many keys.
KeysOf = Callable[[Any], Iterable[Hashable]]


class Index:
    """Document ids by key, always in ascending order, that is oldest first.

    Most keys have one document: those cost one dictionary entry, no container.
    """

    __slots__ = ("_ids", "keys_of")

    def __init__(self, keys_of: KeysOf) -> None:
        self.keys_of = keys_of
        self._ids: dict[Hashable, int | dict[int, None]] = {}

    def __len__(self) -> int:
        return len(self._ids)

    def find(self, key: Hashable, limit: int | None = None) -> Sequence[int]:
        """The ids of the documents with this key, oldest first; at most ``limit``."""
        ids = self._ids.get(key)
        if ids is None:
            return ()
        if isinstance(ids, int):
            return (ids,)
        return tuple(ids) if limit is None else tuple(i for i, _ in zip(ids, range(limit), strict=False))

    def entries(self) -> Iterator[tuple[Hashable, Sequence[int]]]:
        """Every key with the ids of its documents."""
        return ((key, self.find(key)) for key in self._ids)

    def __contains__(self, key: Hashable) -> bool:
        return key in self._ids

    def count(self, key: Hashable) -> int:
        """How many documents have this key."""
        ids = self._ids.get(key)
        return 0 if ids is None else 1 if isinstance(ids, int) else len(ids)

    def add(self, document: Any, doc_id: int) -> None:
        """Enter a document under its keys."""
        setdefault = self._ids.setdefault
        for key in self.keys_of(document):
            if setdefault(key, doc_id) is not doc_id:
                self._share(key, doc_id)

    def fill(self, documents: Iterable[Any], doc_ids: Iterable[int]) -> None:
        """Enter many documents under their keys."""
        keys_of, setdefault = self.keys_of, self._ids.setdefault
        for document, doc_id in zip(documents, doc_ids, strict=True):
            for key in keys_of(document):
                if setdefault(key, doc_id) is not doc_id:
                    self._share(key, doc_id)

    def _share(self, key: Hashable, doc_id: int) -> None:
        """Enter a document under a key that is taken already."""
        ids = self._ids[key]
        if isinstance(ids, int):
            if ids != doc_id:
                self._ids[key] = {min(ids, doc_id): None, max(ids, doc_id): None}
        elif doc_id > next(reversed(ids)):
            ids[doc_id] = None
        else:  # an old document that got the key later: rare, so sorting anew is fine
            self._ids[key] = dict.fromkeys(sorted([*ids, doc_id]))

    def remove(self, document: Any, doc_id: int) -> None:
        """Take a document out of its keys."""
        for key in self.keys_of(document):
            ids = self._ids.get(key)
            if isinstance(ids, dict):
                ids.pop(doc_id, None)
                if len(ids) == 1:
                    self._ids[key] = next(iter(ids))
            elif ids == doc_id:
                del self._ids[key]
