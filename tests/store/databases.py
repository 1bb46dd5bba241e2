"""The two kinds of TinyDB that the contract tests hold against each other, and what looks into the engine."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

from tinydb import TinyDB
from tinydb.table import Document

from emulator.store.state import State, TableSpec
from emulator.store.storage import LoggedStorage
from emulator.store.table import IndexedTable

#: Opens the database of a file; stock TinyDB or ours.
Open = Callable[[Path], TinyDB]


def keys_of(document: Mapping[str, Any]) -> list[tuple[str, Hashable]]:
    """The keys of a document that may have a name and tags."""
    names = [("name", document["name"])] if "name" in document else []
    return [*names, *(("tags", one) for one in set(document.get("tags", ())))]


NAMED = TableSpec(["name", "tags"], keys_of)


class OurDatabase(TinyDB):
    """TinyDB on the emulator's engine, as its documentation says to put them together."""

    table_class = IndexedTable
    default_storage_class = LoggedStorage
    storage: LoggedStorage


def open_ours(path: Path | str, **options: Any) -> OurDatabase:
    """Ours, with indexes on the tables ``people`` and ``_default``."""
    return OurDatabase(path, specs={"people": NAMED, "_default": NAMED}, **options)


def plain(documents: Iterable[Document]) -> dict[int, dict[str, Any]]:
    """Documents by id."""
    return {document.doc_id: dict(document) for document in documents}


def contents(db: TinyDB) -> dict[str, dict[int, dict[str, Any]]]:
    """Everything in a database, by table and id."""
    return {name: plain(db.table(name)) for name in db.tables() - {"emulator", "checksum"}}


def check_indexes(state: State) -> None:
    """The indexes are those that a fresh look at the documents would make."""
    for name, table in state.tables.items():
        again = State(state.specs).table(name)
        for doc_id, document in table.documents.items():
            again.put(doc_id, document)
        for index_name, index in table.indexes.items():
            assert dict(index.entries()) == dict(again.indexes[index_name].entries()), (name, index_name)
