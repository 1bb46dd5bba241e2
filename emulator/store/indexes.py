"""A hash index: from a key to the ids of the documents that have it."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice
from sys import getrefcount, maxsize


class _Many(dict[int, None]):
    """Many documents of a key, each found quickly.

    ``owner``: only its index may change them. ``ordered``: whether they ascend; they are sorted when they
    are read, for an old document may get the key later, and many of them may at once.
    """

    __slots__ = ("ordered", "owner")

    def __init__(self, ids: dict[int, None], owner: object, ordered: bool = True) -> None:
        super().__init__(ids)
        self.owner = owner
        self.ordered = ordered


#: The documents of a key: one, a few, or many.
_Ids = int | tuple[int, ...] | _Many
#: The most ids in a tuple, which are compared one by one.
FEW = 8
#: An index begins with one part. When a part has more than ``_FEW_KEYS`` keys, there are ``_TIMES`` times as
#: many parts, up to ``_MOST_PARTS``: dividing few keys is quick.
_TIMES, _FEW_KEYS, _MOST_PARTS = 32, 128, 1024
#: One object for all that share no part.
_NONE: frozenset[int] = frozenset()


class Index:
    """Document ids by key, always in ascending order, that is oldest first.

    A key with one document, as most have, costs one dictionary entry and no container.

    Python copies a whole dictionary when it grows, which takes a tenth of a second at a million keys. So the
    keys are spread over small dictionaries. A fork shares these with the original until one of the two
    changes them; the same holds for the documents of a key that has many.
    """

    __slots__ = ("_mask", "_most", "_owner", "_shared", "parts")

    def __init__(self) -> None:
        self.parts: list[dict[Hashable, _Ids]] = [{}]
        self._mask = 0
        self._most = _FEW_KEYS
        self._owner = object()
        self._shared: AbstractSet[int] = _NONE

    def fork(self) -> Index:
        """A copy of the index as it is now; each of the two may change."""
        other = Index()
        other.parts, other._mask, other._most = self.parts.copy(), self._mask, self._most
        if len(self._shared) < len(self.parts):
            self._shared = frozenset(range(len(self.parts)))
        self._owner = object()  # what many documents have now belongs to neither
        other._shared = self._shared
        return other

    def unshared(self) -> list[dict[Hashable, _Ids]]:
        """The parts that are in no fork: none where each of a few is in one."""
        # Each is here, in ``part`` and in the call, and one of the few in the list of these.
        if all(getrefcount(part) > 4 for part in self.parts[::32]):
            return []
        return [part for part in self.parts if getrefcount(part) <= 3]

    def find(self, key: Hashable, limit: int | None = None) -> Sequence[int]:
        """The ids of the documents with this key, oldest first; at most ``limit``."""
        ids = self.ids(key)
        return ids[:limit] if isinstance(ids, tuple) else tuple(islice(ids, limit))

    def ids(self, key: Hashable) -> Collection[int]:
        """The same, none of them copied: to be read before the next change."""
        part = self.parts[hash(key) & self._mask]
        ids = part.get(key)
        if ids is None:
            return ()
        if isinstance(ids, int):
            return (ids,)
        if isinstance(ids, _Many) and not ids.ordered:
            ids = part[key] = _Many(dict.fromkeys(sorted(ids)), ids.owner)
        return ids

    def among(self, key: Hashable, others: Collection[int]) -> Iterator[int]:
        """The ids of the documents with this key that are among these, which ascend, too; oldest first.

        It goes through the fewer of both, before the next change.
        """
        own = self.ids(key)
        few, many = (own, others) if len(own) <= len(others) else (others, own)
        return (one for one in few if one in many)

    def entries(self) -> Iterator[tuple[Hashable, Sequence[int]]]:
        """Every key with the ids of its documents."""
        return ((key, self.find(key)) for part in self.parts for key in part)

    def __contains__(self, key: Hashable) -> bool:
        return key in self.parts[hash(key) & self._mask]

    def count(self, key: Hashable) -> int:
        """How many documents have this key."""
        ids = self.parts[hash(key) & self._mask].get(key, ())
        return 1 if isinstance(ids, int) else len(ids)

    def add(self, key: Hashable, doc_id: int) -> None:
        """Add a document under a key."""
        place = hash(key) & self._mask
        part = self._own_part(place) if place in self._shared else self.parts[place]
        if part.setdefault(key, doc_id) is not doc_id:
            self._share(part, key, doc_id)
        elif len(part) > self._most:
            self._divide()

    def fill(self, entries: Iterable[tuple[Hashable, int]]) -> None:
        """Add some hundred keys, each with a document."""
        if self._shared or self._most < maxsize:
            for key, doc_id in entries:
                self.add(key, doc_id)
            return
        parts, mask = self.parts, self._mask
        for key, doc_id in entries:
            part = parts[hash(key) & mask]
            if part.setdefault(key, doc_id) is not doc_id:
                self._share(part, key, doc_id)

    def remove(self, key: Hashable, doc_id: int) -> None:
        """Remove a document from a key."""
        part = self._own_part(hash(key) & self._mask)
        ids = part.get(key)
        if ids == doc_id:
            del part[key]
        elif isinstance(ids, tuple):
            left = tuple(one for one in ids if one != doc_id)
            part[key] = left if len(left) > 1 else left[0]
        elif isinstance(ids, _Many):
            ids = part[key] = self._own_ids(ids)
            ids.pop(doc_id, None)
            if len(ids) <= FEW:
                part[key] = tuple(sorted(ids))

    def _own_part(self, place: int) -> dict[Hashable, _Ids]:
        """The dictionary to change; a shared one is copied first."""
        part = self.parts[place]
        if place in self._shared:
            shared = self._shared if isinstance(self._shared, set) else set(self._shared)
            shared.remove(place)
            self._shared = shared or _NONE
            part = self.parts[place] = part.copy()
        return part

    def _divide(self) -> None:
        """Divide the keys among more parts."""
        entries = [entry for part in self.parts for entry in part.items()]
        count = _TIMES * len(self.parts)
        self.parts, self._mask, self._shared = [{} for _ in range(count)], count - 1, _NONE
        for key, ids in entries:
            self.parts[hash(key) & self._mask][key] = ids
        if count >= _MOST_PARTS:
            self._most = maxsize

    def _own_ids(self, ids: _Many) -> _Many:
        """The documents of a key to change; those of another index are copied first."""
        return ids if ids.owner is self._owner else _Many(ids, self._owner, ids.ordered)

    def _share(self, part: dict[Hashable, _Ids], key: Hashable, doc_id: int) -> None:
        """Add a document under a key that another document has."""
        ids = part[key]
        if isinstance(ids, int):
            if ids != doc_id:
                part[key] = (min(ids, doc_id), max(ids, doc_id))
        elif isinstance(ids, tuple):
            if doc_id not in ids:
                more = tuple(sorted((*ids, doc_id)))
                part[key] = more if len(more) <= FEW else _Many(dict.fromkeys(more), self._owner)
        elif doc_id not in ids:
            ids = part[key] = self._own_ids(ids)
            ids.ordered = ids.ordered and doc_id > next(reversed(ids))
            ids[doc_id] = None
