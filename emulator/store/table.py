"""A TinyDB table with indexes: to find, add or change a document costs the same for any size of the table."""

import json
from collections.abc import AsyncIterator, Callable, Hashable, Iterable, Iterator, Sequence
from typing import Any

from tinydb.table import Table

from emulator.loop.pacing import Pacing
from emulator.store.dictionaries import changes, decoded
from emulator.store.indexes import Index
from emulator.store.snapshot import CHECKSUM_TABLE, HEADER_TABLE
from emulator.store.state import Op, TableState, encode
from emulator.store.storage import LoggedStorage


class IndexedTable(Table):
    """A table on a :class:`~emulator.store.storage.LoggedStorage`.

    All of TinyDB's methods work as documented; searches by a query and TinyDB's changes go through the whole
    table, as with any storage of TinyDB. Beside them:

    - :meth:`record`, :meth:`find` and :attr:`index` read by id and by a declared index;
    - :meth:`walk` iterates in short steps;
    - :meth:`step` makes one of many changes for one transaction of ``storage.commit``.

    Where the table's specification has a decoder, ``get`` by id, iteration and ``find`` return decoded
    documents. Two more things differ from a table on TinyDB's own storages: an id is never given out twice
    (except after ``truncate``), and documents come in the order of their ids.
    """

    def __init__(
        self, storage: LoggedStorage, name: str, cache_size: int = 10, persist_empty: bool = False
    ) -> None:
        if name in (HEADER_TABLE, CHECKSUM_TABLE):
            raise ValueError(f'"{name}" is the name of a table of the file format')
        self._logged = storage
        self._key = name
        self._decode = storage.spec(name).decode
        self._next_id: int | None  # type: ignore[assignment]  # TinyDB only ever says None
        super().__init__(storage, name, 0, persist_empty)  # others write without this table: no cache

    @property
    def state(self) -> TableState:
        """The documents and indexes of the table."""
        try:
            return self._logged.state.tables[self._key]
        except KeyError:
            return TableState(self._logged.spec(self._key))

    # By id and by index

    def record(self, doc_id: int) -> Any:
        """The document with this id, decoded; ``None`` if there is none."""
        document = self.state.documents.get(doc_id)
        return None if document is None else self._decoded(document, doc_id)

    def index(self, name: str) -> Index:
        """A declared index. Raises :class:`KeyError` if there is no such index."""
        return self.state.indexes[name]

    def find(self, index: str, key: Hashable, limit: int | None = None) -> list[Any]:
        """The documents with this key in a declared index, oldest first, at most ``limit``.

        Raises :class:`KeyError` if there is no such index.
        """
        state = self.state
        documents, decode = state.documents, self._decode
        ids = state.indexes[index].find(key, limit)
        if decode is None:
            return [self._decoded(documents[doc_id], doc_id) for doc_id in ids]
        return [decode(documents[doc_id]) for doc_id in ids]

    async def walk(
        self, ids: Iterable[int] | None = None, after: int = 0
    ) -> AsyncIterator[tuple[int, bytes]]:
        """Ids and JSON of all documents, or of those among ``ids``, that exist when the walk reaches them.

        Other tasks work in between; documents added meanwhile come, too.
        """
        state, pacing = self.state, Pacing()
        for doc_id in state.ids_after(after) if ids is None else ids:
            if pacing.long:
                await pacing.pause()
            document = state.documents.get(doc_id)
            if document is not None and doc_id > after:
                yield doc_id, document

    def step(self, doc_id: int, record: Any) -> Op:
        """The step of a transaction that puts a record under an id; ``None`` removes what is there."""
        return Op(self._key, doc_id, None if record is None else encode(record), record)

    def fill(self, records: Sequence[Any]) -> None:
        """Add records to a table that no file keeps, with the ids that follow."""
        state = self.state
        ids = range(state.last_id + 1, state.last_id + 1 + len(records))
        state.fill(ids, [encode(one) for one in records], records)

    # TinyDB's methods, where one document or none is enough

    def get(self, cond: Any = None, doc_id: int | None = None, doc_ids: Any = None) -> Any:
        if doc_id is not None:
            return self.record(doc_id)
        if doc_ids is not None:
            found = map(self.record, sorted(set(doc_ids)))
            return [one for one in found if one is not None]
        return super().get(cond)

    def truncate(self) -> None:
        self._logged.commit([Op(self.name, None, None), Op(self.name, None, b"{}")])
        self._next_id = None

    def __len__(self) -> int:
        return len(self.state.documents)

    def __iter__(self) -> Iterator[Any]:
        return (self._decoded(document, i) for i, document in sorted(self.state.documents.items()))

    # TinyDB's internal hooks

    def _read_table(self) -> Any:
        return {str(doc_id): document for doc_id, document in decoded(self.state).items()}

    def _update_table(self, updater: Callable[[Any], None]) -> None:
        documents = decoded(self.state)
        updater(documents)
        steps = changes(self.name, self._logged.state.tables.get(self.name), documents)
        if steps:
            self._logged.state.check(steps)
            self._logged.commit(steps)

    def _get_next_id(self) -> int:
        next_id = max(self._next_id or 0, self.state.last_id + 1)
        self._next_id = next_id + 1
        return next_id

    def _decoded(self, document: bytes, doc_id: int) -> Any:
        if self._decode is not None:
            return self._decode(document)
        return self.document_class(json.loads(document), doc_id)
