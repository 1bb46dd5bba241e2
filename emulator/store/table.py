"""A TinyDB table whose get, insert, update and remove by id cost the same however much is stored."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Mapping
from typing import Any

from tinydb.table import Document, Table

from emulator.store.snapshot import CHECKSUM_TABLE, HEADER_TABLE
from emulator.store.state import Op, TableState
from emulator.store.storage import JournaledStorage
from emulator.store.views import TableUpdate, TableView


class IndexedTable(Table):
    """A table on a :class:`~emulator.store.storage.JournaledStorage`.

    All of TinyDB's methods work as documented; beside them, :meth:`find` asks a declared index. Two things
    differ from a table on TinyDB's own storages: an id is never given out twice (but after ``truncate``),
    and documents come in the order of their ids after a restart.
    """

    def __init__(
        self, storage: JournaledStorage, name: str, cache_size: int = 10, persist_empty: bool = False
    ) -> None:
        if name in (HEADER_TABLE, CHECKSUM_TABLE):
            raise ValueError(f'"{name}" is the name of a table of the file format')
        self._journaled = storage
        self._next_id: int | None  # type: ignore[assignment]  # TinyDB only ever says None
        self._seen_commits = 0
        super().__init__(storage, name, cache_size, persist_empty)

    @property
    def state(self) -> TableState:
        """The documents and indexes beneath."""
        table = self._journaled.state.tables.get(self.name)
        return TableState(self._journaled.spec(self.name)) if table is None else table

    def find(self, index: str, key: Hashable) -> list[Document]:
        """The documents with this key in a declared index, oldest first.

        Raises :class:`KeyError` if there is no such index.
        """
        state = self.state
        return [self._document(state.documents[i], i) for i in state.indexes[index].find(key)]

    # TinyDB asks the whole table for each of these; one document is enough.

    def get(self, cond: Any = None, doc_id: int | None = None, doc_ids: Any = None) -> Any:
        documents = self._peek()
        if doc_id is not None:
            found = documents.get(doc_id)
            return None if found is None else self._document(found, doc_id)
        if doc_ids is not None:
            return [self._document(documents[i], i) for i in sorted(set(doc_ids)) if i in documents]
        return super().get(cond)

    def search(self, cond: Any) -> list[Document]:
        if self._seen_commits != self._journaled.commits:  # others may have written past this table
            self.clear_cache()
            self._seen_commits = self._journaled.commits
        return super().search(cond)

    def truncate(self) -> None:
        self._journaled.commit([Op(self.name, None, None), Op(self.name, None, b"{}")])
        self._next_id = None

    # TinyDB's inner doors

    def _read_table(self) -> Any:
        table = self._journaled.state.tables.get(self.name)
        return {} if table is None else TableView(table)

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        table = self._journaled.state.tables.get(self.name)
        update = TableUpdate(self.name, table or TableState(self._journaled.spec(self.name)))
        updater(update)
        ops = update.ops()
        if table is None or len(ops) > 1:
            self._journaled.commit(ops)

    def _get_next_id(self) -> int:
        table = self._journaled.state.tables.get(self.name)
        next_id = max(self._next_id or 0, table.last_id + 1 if table else 1)
        self._next_id = next_id + 1
        return next_id

    def _peek(self) -> Mapping[int, bytes]:
        table = self._journaled.state.tables.get(self.name)
        return {} if table is None else table.documents

    def _document(self, document: bytes, doc_id: int) -> Document:
        return self.document_class(json.loads(document), doc_id)
