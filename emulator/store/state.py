"""A state in memory: tables of documents, each kept as the JSON bytes that the files hold, with indexes.

Bytes cost less than dictionaries, are written as they are, and are nothing to the garbage collector.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from emulator.store.indexes import Index, KeysOf


class Op(NamedTuple):
    """One step of a transaction: a document's new bytes, or ``None`` to remove it.

    With ``doc_id`` None it is about the table: ``b"{}"`` makes it (empty), ``None`` drops it.
    """

    table: str
    doc_id: int | None
    document: bytes | None


@dataclass(frozen=True)
class TableSpec:
    """What a table's indexes are, and how a document is decoded for them."""

    indexes: Mapping[str, KeysOf] = field(default_factory=dict)
    decode: Callable[[bytes], Any] = json.loads


class TableState:
    """One table: documents by id, its indexes, and the highest id given out."""

    __slots__ = ("_keyed", "decode", "documents", "free_ids", "indexes", "last_id")

    def __init__(self, spec: TableSpec) -> None:
        self.documents: dict[int, bytes] = {}
        self.decode = spec.decode
        self.indexes = {name: Index(keys_of) for name, keys_of in spec.indexes.items()}
        self._keyed = tuple(self.indexes.values())
        self.last_id = 0
        self.free_ids = False  # some id below 1: nothing may count on a range

    def put(self, doc_id: int, document: bytes | None) -> bytes | None:
        """Set or remove one document; the bytes that were there before."""
        before = self.documents.get(doc_id)
        if before is not None and self._keyed:
            decoded = self.decode(before)
            for index in self._keyed:
                index.remove(decoded, doc_id)
        if document is None:
            self.documents.pop(doc_id, None)
            return before
        if self._keyed:
            decoded = self.decode(document)
            for index in self._keyed:
                index.add(decoded, doc_id)
        self.documents[doc_id] = document
        if doc_id > self.last_id:
            self.last_id = doc_id
        elif doc_id < 1:
            self.free_ids = True
        return before

    def fill(self, doc_ids: Sequence[int], documents: Sequence[bytes]) -> None:
        """:meth:`put` many documents, quicker where all of them are new."""
        if len(set(doc_ids)) < len(doc_ids) or not self.documents.keys().isdisjoint(doc_ids):
            for doc_id, document in zip(doc_ids, documents, strict=True):
                self.put(doc_id, document)
            return
        if self._keyed:
            decoded = list(map(self.decode, documents))
            for index in self._keyed:
                index.fill(decoded, doc_ids)
        self.documents.update(zip(doc_ids, documents, strict=True))
        self.last_id = max(self.last_id, max(doc_ids, default=0))
        self.free_ids = self.free_ids or min(doc_ids, default=1) < 1


class State:
    """All tables of one file."""

    def __init__(self, specs: Mapping[str, TableSpec]) -> None:
        self._specs = specs
        self.tables: dict[str, TableState] = {}

    def table(self, name: str) -> TableState:
        """The table of this name; one that does not exist yet is made, empty."""
        table = self.tables.get(name)
        if table is None:
            table = self.tables[name] = TableState(self._specs.get(name, TableSpec()))
        return table

    def check(self, ops: Iterable[Op]) -> None:
        """Raise what a table's decoder or indexes raise for a document that they cannot take."""
        for name, doc_id, document in ops:
            spec = self._specs.get(name)
            if spec is not None and doc_id is not None and document is not None:
                decoded = spec.decode(document)
                for keys_of in spec.indexes.values():
                    hash(tuple(keys_of(decoded)))

    def apply(self, ops: Iterable[Op]) -> list[Op]:
        """Carry out the steps; the steps that undo them, in order."""
        undo: list[Op] = []
        for name, doc_id, document in ops:
            if doc_id is None:
                undo += self._apply_to_table(name, keep=document is not None)
                continue
            table = self.tables.get(name)
            if table is None:
                table = self.table(name)
                undo.append(Op(name, None, None))
            undo.append(Op(name, doc_id, table.put(doc_id, document)))
        undo.reverse()
        return undo

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
        """The highest id that each table has given out, 0 where ids were chosen freely."""
        return {name: 0 if table.free_ids else table.last_id for name, table in self.tables.items()}

    def documents(self) -> dict[str, dict[int, bytes]]:
        """The documents of every table, live."""
        return {name: table.documents for name, table in self.tables.items()}


@lru_cache(maxsize=64)  # a state has few tables, and this is asked for with every step
def _encoded_name(table: str) -> bytes:
    return json.dumps(table).encode()


def encode_ops(ops: Sequence[Op]) -> bytes:
    """A transaction as one JSON array of ``[table, id, document]``."""
    parts = [
        b"[%s,%s,%s]"
        % (
            _encoded_name(name),
            b"null" if doc_id is None else b"%d" % doc_id,
            b"null" if document is None else document,
        )
        for name, doc_id, document in ops
    ]
    return b"[" + b",".join(parts) + b"]"
