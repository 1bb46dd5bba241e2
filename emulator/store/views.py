"""TinyDB's view of a state: tables as mappings that decode a document when it is looked at."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from emulator.store.state import Op, State, TableState

Document = Mapping[str, Any]


def encode_document(document: Document) -> bytes:
    """A document's JSON on one line.

    Raises :class:`ValueError` or :class:`TypeError` for what JSON cannot say.
    """
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def table_views(state: State) -> dict[str, Any]:
    """The tables by name."""
    return {name: TableView(table) for name, table in state.tables.items()}


class TableView(Mapping[str, Document]):
    """A table as TinyDB reads it: document ids are text."""

    def __init__(self, table: TableState) -> None:
        self.table = table

    def __getitem__(self, doc_id: str) -> Document:
        document: Document = json.loads(self.table.documents[int(doc_id)])
        return document

    def __iter__(self) -> Iterator[str]:
        return (str(doc_id) for doc_id in list(self.table.documents))

    def __len__(self) -> int:
        return len(self.table.documents)


class TableUpdate(MutableMapping[int, dict[str, Any]]):
    """A table as TinyDB's updaters change it. Nothing is carried out: :meth:`ops` says what was changed."""

    def __init__(self, name: str, table: TableState) -> None:
        self._name = name
        self._before = table.documents
        self._touched: dict[int, dict[str, Any] | None] = {}

    def __getitem__(self, doc_id: int) -> dict[str, Any]:
        if doc_id not in self._touched:
            # Kept, for the caller may change it in place.
            self._touched[doc_id] = json.loads(self._before[doc_id])
        document = self._touched[doc_id]
        if document is None:
            raise KeyError(doc_id)
        return document

    def __setitem__(self, doc_id: int, document: Mapping[str, Any]) -> None:
        self._touched[doc_id] = dict(document)

    def __delitem__(self, doc_id: int) -> None:
        if doc_id not in self:
            raise KeyError(doc_id)
        self._touched[doc_id] = None

    def __contains__(self, doc_id: object) -> bool:
        if doc_id in self._touched:
            return self._touched[doc_id] is not None
        return doc_id in self._before

    def __iter__(self) -> Iterator[int]:
        yield from (doc_id for doc_id in list(self._before) if doc_id in self)
        added = [doc_id for doc_id in self._touched if doc_id not in self._before]
        yield from (doc_id for doc_id in added if doc_id in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        for doc_id in list(self):
            self._touched[doc_id] = None

    def ops(self) -> list[Op]:
        """The steps that make the changes. Raises as :func:`encode_document` does."""
        steps = [Op(self._name, None, b"{}")]
        for doc_id, document in self._touched.items():
            after = None if document is None else encode_document(document)
            if after != self._before.get(doc_id):
                steps.append(Op(self._name, doc_id, after))
        return steps
