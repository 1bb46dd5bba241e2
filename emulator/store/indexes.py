"""A hash index: from a key to the ids of the documents that have it."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import islice


class _Many(dict[int, None]):
    """Many documents of a key, each found quickly. ``owner``: only its index may change them."""

    __slots__ = ("owner",)

    def __init__(self, ids: dict[int, None], owner: object) -> None:
        super().__init__(ids)
        self.owner = owner


#: The documents of a key: one, a few, or many.
_Ids = int | tuple[int, ...] | _Many
#: A tuple has no more.
_FEW = 8
#: The most keys of one part on average, beyond which another part is added: of an index that grows key by
#: key, so that to add one takes little time, and of one that is filled at once, which larger parts quicken.
_PART, _LARGE_PART = 128, 1024
#: One for all that share nothing.
_NONE: frozenset[int] = frozenset()


class Index:
    """Document ids by key, always in ascending order, that is oldest first.

    Most keys have one document: those cost one dictionary entry, no container.

    A dictionary that doubles is written anew, which at a million keys stops everybody for a tenth of a
    second. So the keys are spread over small ones, of which there is one more whenever one overflows (linear
    hashing). A fork shares them with the original until one of the two changes them; the same holds for the
    documents of a key that has many.
    """

    __slots__ = ("_mask", "_most", "_owner", "_parts", "_shared")

    def __init__(self) -> None:
        self._parts: list[dict[Hashable, _Ids]] = [{}]
        self._mask = 0
        self._most = _PART
        self._owner = object()
        self._shared: AbstractSet[int] = _NONE

    def fork(self) -> Index:
        """An index that says what this one says now; each may change."""
        other = Index()
        other._parts, other._mask, other._most = self._parts.copy(), self._mask, self._most
        if len(self._shared) < len(self._parts):
            self._shared = frozenset(range(len(self._parts)))
        self._owner = object()  # what many documents have now belongs to neither
        other._shared = self._shared
        return other

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def find(self, key: Hashable, limit: int | None = None) -> Sequence[int]:
        """The ids of the documents with this key, oldest first; at most ``limit``."""
        place = hash(key) & self._mask  # as in _place(), without the call
        parts = self._parts
        ids = parts[place if place < len(parts) else place & (self._mask >> 1)].get(key)
        if ids is None:
            return ()
        if isinstance(ids, int):
            return (ids,)
        return tuple(ids) if limit is None else tuple(i for i, _ in zip(ids, range(limit), strict=False))

    def newest(self, key: Hashable, limit: int) -> Sequence[int]:
        """The ids of the documents with this key, newest first; at most ``limit``."""
        ids = self._parts[self._place(key)].get(key, ())
        return (ids,) if isinstance(ids, int) else tuple(islice(reversed(ids), limit))

    def entries(self) -> Iterator[tuple[Hashable, Sequence[int]]]:
        """Every key with the ids of its documents."""
        return ((key, self.find(key)) for part in self._parts for key in part)

    def __contains__(self, key: Hashable) -> bool:
        place = hash(key) & self._mask  # as in _place(), without the call
        parts = self._parts
        return key in parts[place if place < len(parts) else place & (self._mask >> 1)]

    def count(self, key: Hashable) -> int:
        """How many documents have this key."""
        place = hash(key) & self._mask  # as in _place(), without the call
        parts = self._parts
        ids = parts[place if place < len(parts) else place & (self._mask >> 1)].get(key)
        return 0 if ids is None else 1 if isinstance(ids, int) else len(ids)

    def add(self, key: Hashable, doc_id: int) -> None:
        """Add a document under a key."""
        parts = self._parts
        place = hash(key) & self._mask  # as in _place(), without the call
        if place >= len(parts):
            place &= self._mask >> 1
        part = self._own_part(place) if place in self._shared else parts[place]
        if part.setdefault(key, doc_id) is not doc_id:
            self._share(part, key, doc_id)
        elif len(part) > self._most:
            self._spread()

    def fill(self, entries: Iterable[tuple[Hashable, int]]) -> None:
        """Add some hundred keys, each with a document: quickest after :meth:`expect`."""
        parts, mask = self._parts, self._mask
        if self._shared or len(parts) <= max(mask, 1):
            for key, doc_id in entries:
                self.add(key, doc_id)
            return
        for key, doc_id in entries:
            part = parts[hash(key) & mask]
            if part.setdefault(key, doc_id) is not doc_id:
                self._share(part, key, doc_id)
        if len(parts[0]) > self._most:  # one stands for all: the keys were more than expected
            self._spread()

    def expect(self, count: int) -> None:
        """Make room for so many keys at once, where there are none yet."""
        if not any(self._parts):
            bits = (2 * count // _LARGE_PART).bit_length()
            if bits:
                self._most = _LARGE_PART
            self._parts = [{} for _ in range(1 << bits)]
            self._mask = (1 << bits) - 1

    def remove(self, key: Hashable, doc_id: int) -> None:
        """Remove a document from a key."""
        part = self._own_part(self._place(key))
        ids = part.get(key)
        if ids == doc_id:
            del part[key]
        elif isinstance(ids, tuple):
            left = tuple(one for one in ids if one != doc_id)
            part[key] = left if len(left) > 1 else left[0]
        elif isinstance(ids, _Many):
            ids = part[key] = self._own_ids(ids)
            ids.pop(doc_id, None)
            if len(ids) <= _FEW:
                part[key] = tuple(ids)

    def _place(self, key: Hashable) -> int:
        """The number of the dictionary that has the key, or is to get it."""
        place = hash(key) & self._mask
        return place if place < len(self._parts) else place & (self._mask >> 1)

    def _own_part(self, place: int) -> dict[Hashable, _Ids]:
        """The dictionary, to be changed."""
        part = self._parts[place]
        if place in self._shared:
            shared = self._shared if isinstance(self._shared, set) else set(self._shared)
            shared.remove(place)
            self._shared = shared or _NONE
            part = self._parts[place] = part.copy()
        return part

    def _spread(self) -> None:
        """Add a part, with those keys of the next part in turn that belong there now."""
        parts = self._parts
        if len(parts) > self._mask:
            self._mask = 2 * self._mask + 1
        crowded = len(parts) & (self._mask >> 1)
        stay: dict[Hashable, _Ids] = {}
        leave: dict[Hashable, _Ids] = {}
        bit = (self._mask + 1) >> 1
        for key, ids in self._own_part(crowded).items():
            (leave if hash(key) & bit else stay)[key] = ids
        parts[crowded] = stay
        parts.append(leave)

    def _own_ids(self, ids: _Many) -> _Many:
        """The documents of a key, to be changed."""
        return ids if ids.owner is self._owner else _Many(ids, self._owner)

    def _share(self, part: dict[Hashable, _Ids], key: Hashable, doc_id: int) -> None:
        """Add a document under a key that another document has."""
        ids = part[key]
        if isinstance(ids, int):
            if ids != doc_id:
                part[key] = (min(ids, doc_id), max(ids, doc_id))
        elif isinstance(ids, tuple):
            if doc_id not in ids:
                more = tuple(sorted((*ids, doc_id)))
                part[key] = more if len(more) <= _FEW else _Many(dict.fromkeys(more), self._owner)
        elif doc_id > next(reversed(ids)):
            ids = part[key] = self._own_ids(ids)
            ids[doc_id] = None
        else:  # an old document that got the key later: rare, so a new sort is fine
            part[key] = _Many(dict.fromkeys(sorted([*ids, doc_id])), self._owner)
