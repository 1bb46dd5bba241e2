"""A state in memory: tables of documents, kept as the JSON bytes of the files, with indexes.

Bytes need less memory than dictionaries, are written as they are, and cost the garbage collector nothing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from operator import attrgetter, lt
from typing import Any

from msgspec import Raw, Struct
from msgspec.json import Encoder

from emulator.loop.pacing import Steps
from emulator.store.documents import Documents
from emulator.store.freeing import free_later
from emulator.store.indexes import Index
from emulator.store.long_list import LongList

#: A record as JSON.
encode = Encoder().encode
#: The number of documents in one step of long work.
STEP = 100
#: The number of documents that are written in a millisecond or two.
WRITTEN_AT_ONCE = 1000
#: So many documents are not worth adding together.
_FEW = 4


class Op(Struct, frozen=True, gc=False):
    """One step of a transaction: a document's new bytes, or ``None`` to remove it.

    With ``doc_id`` None the step concerns the table: ``b"{}"`` creates it (empty), ``None`` drops it.
    ``decoded``: the document from the table's decoder, if available. ``last_id``: the highest id that the
    table had given out before, in a step that undoes another.
    """

    table: str
    doc_id: int | None
    document: bytes | None
    decoded: Any = None
    last_id: int | None = None


#: Returns the keys of a document, each behind the name of its index.
KeysOf = Callable[[Any], Sequence[tuple[str, Hashable]]]
#: The keys of many documents, each with the document's id, behind the name of their index.
Entries = Iterable[tuple[str, Iterable[tuple[Hashable, int]]]]
#: Returns the keys of the documents that have these ids.
EntriesOf = Callable[[Sequence[int], Sequence[Any]], Entries]


@dataclass(frozen=True)
class TableSpec:
    """A table's indexes, by name, with what makes their keys; the decoder of its documents.

    ``decode``: ``None`` makes a dictionary. ``entries_of``: the same keys of many, faster.
    """

    indexes: Sequence[str] = ()
    keys_of: KeysOf = lambda document: ()
    decode: Callable[[bytes], Any] | None = None
    entries_of: EntriesOf | None = None


class TableState:
    """One table: documents by id, its indexes, and the highest id given out."""

    __slots__ = ("_entries_of", "_keys_of", "decode", "documents", "indexes", "last_id")

    def __init__(self, spec: TableSpec) -> None:
        self.documents = Documents()
        self.decode = spec.decode or json.loads
        self.indexes = {name: Index() for name in spec.indexes}
        self._keys_of, self._entries_of = spec.keys_of, spec.entries_of
        self.last_id = 0

    def fork(self) -> TableState:
        """This table as it is now; each of the two may change."""
        other = TableState(TableSpec((), self._keys_of, self.decode, self._entries_of))
        other.documents = self.documents.copy()
        other.indexes = {name: index.fork() for name, index in self.indexes.items()}
        other.last_id = self.last_id
        return other

    def put(self, doc_id: int, document: bytes | None, decoded: Any = None) -> bytes | None:
        """Set or remove one document; returns its former bytes. ``decoded``: see :class:`Op`."""
        if document is None:
            before = self.documents.get(doc_id)
            if before is not None:
                if self.indexes:
                    self._leave(doc_id, before, ())
                del self.documents[doc_id]
            return before
        is_new = doc_id > self.last_id
        before = None if is_new else self.documents.get(doc_id)
        if indexes := self.indexes:
            has = self._keys_of(self.decode(document) if decoded is None else decoded)
            if before is not None:
                has = self._leave(doc_id, before, has)
            for name, key in has:
                indexes[name].add(key, doc_id)
        self.documents[doc_id] = document
        if is_new:
            self.last_id = doc_id
        return before

    def fill(
        self, doc_ids: Sequence[int], documents: Sequence[bytes], decoded: Sequence[Any] | None = None
    ) -> None:
        """:meth:`put` many documents; faster if their ids :meth:`are_next`."""
        if self.are_next(doc_ids):
            self.extend(list(doc_ids), documents, decoded)  # a range makes a new number object at each use
        else:
            for doc_id, document in zip(doc_ids, documents, strict=True):
                self.put(doc_id, document)

    def extend(
        self, doc_ids: list[int], documents: Sequence[bytes], decoded: Sequence[Any] | None = None
    ) -> None:
        """Add documents whose ids :meth:`are_next`."""
        if self.indexes:
            records = list(map(self.decode, documents)) if decoded is None else decoded
            for name, entries in (self._entries_of or self._one_by_one)(doc_ids, records):
                self.indexes[name].fill(entries)
        self.documents.fill(doc_ids, documents)
        self.last_id = doc_ids[-1]

    def _one_by_one(self, doc_ids: Sequence[int], records: Sequence[Any]) -> Entries:
        keys = map(self._keys_of, records)
        return ((name, [(key, i)]) for i, has in zip(doc_ids, keys, strict=True) for name, key in has)

    def are_next(self, doc_ids: Sequence[int]) -> bool:
        """Whether these ids ascend, from above the highest id that was given out."""
        return bool(doc_ids) and doc_ids[0] > self.last_id and all(map(lt, doc_ids, doc_ids[1:]))

    def pieces(self) -> list[list[Any]]:
        """The small dictionaries of its documents and keys that no fork shares."""
        lists: list[list[Any]] = [index.unshared() for index in self.indexes.values()]
        return [one for one in (*lists, self.documents.unshared()) if one]

    def ids_after(self, after: int) -> Iterator[int]:
        """The ids of all documents above ``after``, ascending, including documents added meanwhile.

        Some ids have no document (any more).
        """
        last = self.last_id
        for doc_id in self.documents.in_order(after):
            after = doc_id
            yield doc_id
        after = max(after, last)
        while after < self.last_id:
            after += 1
            yield after

    def _leave(
        self, doc_id: int, before: bytes, has: Sequence[tuple[str, Hashable]]
    ) -> Sequence[tuple[str, Hashable]]:
        """Remove the document from the keys that it no longer has; returns those that it has now only."""
        had = self._keys_of(self.decode(before))
        for name, key in had:
            if (name, key) not in has:
                self.indexes[name].remove(key, doc_id)
        return [one for one in has if one not in had]


class State:
    """All tables of one file."""

    def __init__(self, specs: Mapping[str, TableSpec]) -> None:
        self.specs = specs
        self.tables: dict[str, TableState] = {}

    def __del__(self) -> None:
        pieces = [one for table in self.tables.values() for one in table.pieces()] if self.is_large else []
        if pieces:
            free_later(*pieces)

    def fork(self) -> State:
        """This state as it is now; each of the two may change."""
        other = State(self.specs)
        other.tables = {name: table.fork() for name, table in self.tables.items()}
        return other

    def table(self, name: str) -> TableState:
        """The table of this name; a missing one is created, empty."""
        table = self.tables.get(name)
        if table is None:
            table = self.tables[name] = TableState(self.specs.get(name, TableSpec()))
        return table

    def check(self, ops: Iterable[Op]) -> None:
        """Raise the error of a table's decoder or indexes for a document that they refuse."""
        for op in ops:
            spec = self.specs.get(op.table)
            if spec is not None and op.doc_id is not None and op.document is not None:
                decoded = (spec.decode or json.loads)(op.document)
                hash(tuple(spec.keys_of(decoded)))

    def apply(self, ops: Iterable[Op], undo: list[Op] | LongList[Op] | None = None) -> None:
        """Carry out the steps; ``undo`` gets the steps that undo them, to be applied in reverse."""
        for op in ops:
            if op.doc_id is None:
                lost = self._apply_to_table(op.table, keep=op.document is not None)
                if undo is not None:
                    undo.extend(lost)
                continue
            table = self.tables.get(op.table)
            if table is None:
                table = self.table(op.table)
                if undo is not None:
                    undo.append(Op(op.table, None, None))
            last_id = table.last_id
            before = table.put(op.doc_id, op.document, op.decoded)
            if undo is not None:
                undo.append(Op(op.table, op.doc_id, before, last_id=last_id))
            elif op.last_id is not None:
                table.last_id = op.last_id

    def apply_many(self, ops: Iterable[Op], undo: list[Op] | LongList[Op]) -> None:
        """:meth:`apply`, all at once; faster where many decoded documents are new."""
        every = list(ops)
        if len(every) <= _FEW:
            self.apply(every, undo)
            return
        for name, some in groupby(every, attrgetter("table")):
            steps, table = list(some), self.tables.get(name)
            ids = [op.doc_id or 0 for op in steps]
            records = [op.decoded for op in steps if op.decoded is not None]
            if table is None or not _FEW < len(records) == len(steps) or not table.are_next(ids):
                self.apply(steps, undo)
                continue
            before = zip(ids, [table.last_id, *ids], strict=False)
            undo.extend(Op(name, doc_id, None, last_id=last_id) for doc_id, last_id in before)
            table.extend(ids, [op.document or b"" for op in steps], records)

    def applying(self, ops: Iterable[Op], undo: list[Op] | LongList[Op] | None = None) -> Steps[None]:
        """:meth:`apply` in steps of :data:`STEP` each."""
        for some in pieces(ops):
            self.apply(some, undo)
            yield

    def _apply_to_table(self, name: str, keep: bool) -> list[Op]:
        table = self.tables.get(name)
        if keep and table is not None:
            return []
        if table is not None:
            del self.tables[name]
            lost = [Op(name, doc_id, document) for doc_id, document in table.documents.items()]
            return [*reversed(lost), Op(name, None, b"{}")]
        if keep:
            self.table(name)
            return [Op(name, None, None)]
        return []

    def last_ids(self) -> dict[str, int]:
        """The highest id that each table has given out."""
        return {name: table.last_id for name, table in self.tables.items()}

    @property
    def is_large(self) -> bool:
        """Whether it takes more than a moment to write."""
        return sum(len(table.documents) for table in self.tables.values()) > WRITTEN_AT_ONCE

    def documents(self) -> dict[str, Documents]:
        """The documents of every table, live."""
        return {name: table.documents for name, table in self.tables.items()}


def pieces(ops: Iterable[Op]) -> Iterator[list[Op]]:
    """The steps, :data:`STEP` at a time."""
    left = iter(ops)
    while some := list(islice(left, STEP)):
        yield some


def encode_ops(ops: Sequence[Op]) -> bytes:
    """A transaction as one JSON array of ``[table, id, document]``."""
    return encode([(op.table, op.doc_id, None if op.document is None else Raw(op.document)) for op in ops])
