"""A repaired copy of a damaged state: everything of it that can still be read and fits together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from emulator.store import journal
from emulator.store.errors import StateError
from emulator.store.invariants import breaches
from emulator.store.recovery import decode_ops, find_journals
from emulator.store.snapshot import CHECKSUM_TABLE, HEADER_TABLE, Header
from emulator.store.state import Op, State
from emulator.store.storage import JournaledStorage
from emulator.store.tables import DATABASES, PROFILES, RESOURCES, SPECS, SUBSCRIPTIONS
from emulator.store.tolerant import LooseDocument, read_loosely

_encode = msgspec.json.Encoder().encode
#: Where a document without its table belongs: the first whose decoder takes it.
_GUESSES = (SUBSCRIPTIONS, PROFILES, RESOURCES, DATABASES)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, ValueError)


class NothingLeft(StateError):
    """What can still be read is not enough for a state."""


@dataclass
class Repaired:
    """The copy's files, the snapshot first; the originals' files; what was lost or changed, in words."""

    files: list[Path]
    originals: list[Path]
    counts: dict[str, int]
    notes: list[str] = field(default_factory=list)


def repaired_path(path: Path) -> Path:
    """What the repaired copy of a state file is called."""
    return path.with_name(f"{path.stem}.repaired.json")


def repair(path: Path) -> Repaired:
    """Write a repaired copy of a state beside it; the original's files are only read.

    Nobody may write to the state meanwhile. Raises :class:`NothingLeft` and :class:`OSError`.
    """
    state, notes = salvage(path)
    target = repaired_path(path)
    for earlier in (target, *find_journals(target).values()):
        earlier.unlink(missing_ok=True)
    storage = JournaledStorage(target, SPECS)
    storage.replace(state)
    storage.discard()
    originals = [one for one in (path, *find_journals(path).values()) if one.exists()]
    counts = {name: len(table.documents) for name, table in state.tables.items()}
    return Repaired([target, *find_journals(target).values()], originals, counts, notes)


def salvage(path: Path) -> tuple[State, list[str]]:
    """All that can still be read of a state, made to fit together, and what was lost or changed for it.

    Raises :class:`NothingLeft` and :class:`OSError`.
    """
    state, notes = State(SPECS), []
    for name in SPECS:
        state.table(name)
    header = None
    if path.exists():
        documents, losses = read_loosely(path.read_bytes())
        notes += [f"{path.name}: {loss}" for loss in losses]
        header = _read_header(documents)
        notes += [f"{path.name}: {note}" for note in _take_documents(state, documents)]
    else:
        notes.append(f"{path.name} is missing: only what the journals say is left")
    for name, last_id in (header.last_ids if header else {}).items():
        if name in SPECS:
            state.table(name).last_id = max(last_id, state.table(name).last_id)
    for generation, journal_file in find_journals(path).items():
        if header is None or generation >= header.generation:
            notes += [f"{journal_file.name}: {note}" for note in _replay(state, journal_file, header)]
    notes += _mend(state)
    if not state.table(DATABASES).documents or not state.table(RESOURCES).documents:
        raise NothingLeft(
            f"{path}: cannot be repaired: no database or no resource can be read any more, so no request "
            "could be answered. Start with fixtures, in another --state directory"
        )
    return state, notes


def _read_header(documents: list[LooseDocument]) -> Header | None:
    for one in documents:
        if one.table == HEADER_TABLE:
            try:
                return msgspec.json.decode(one.document, type=Header)
            except _UNREADABLE:
                return None
    return None


def _take_documents(state: State, documents: list[LooseDocument]) -> Iterator[str]:
    for one in documents:
        if one.table in (HEADER_TABLE, CHECKSUM_TABLE):
            continue
        table = one.table if one.table in SPECS else _guess_table(one.document)
        where = f"byte {one.offset}: " if one.offset is not None else ""
        if table is None:
            yield f"{where}a document of no known table is dropped"
            continue
        try:
            document = _canonical(table, one.document)
        except _UNREADABLE as error:
            yield f"{where}document {one.doc_id} of {table} is dropped: {error}"
            continue
        doc_id = one.doc_id
        if doc_id is None or doc_id < 1 or doc_id in state.table(table).documents:
            doc_id = state.table(table).last_id + 1
        if table != one.table:
            yield f"{where}a document without its table is taken for one of {table}"
        state.table(table).put(doc_id, document)


def _guess_table(document: bytes) -> str | None:
    for table in _GUESSES:
        try:
            _canonical(table, document)
        except _UNREADABLE:
            continue
        return table
    return None


def _canonical(table: str, document: bytes) -> bytes:
    """The document as the emulator itself would write it. Raises one of ``_UNREADABLE``."""
    decoded: Any = SPECS[table].decode(document)
    return _encode(decoded)


def _replay(state: State, path: Path, header: Header | None) -> Iterator[str]:
    """Every transaction of a journal that is whole, whose documents can be read and whose number follows."""
    last, offset, first = header.number if header else 0, 0, True
    lines = path.read_bytes().splitlines(keepends=True)
    for line in lines:
        parsed = journal.parse_line(line.rstrip(b"\n"))
        if parsed is None:
            kind = "damaged" if line.endswith(b"\n") else "torn"
            yield f"byte {offset}: a {kind} transaction of {len(line)} bytes is dropped"
        elif first or parsed[1].startswith(b"{"):
            if _is_foreign(parsed[1], header):
                yield "is the journal of another state: dropped whole"
                return
        elif parsed[0] <= last:
            yield f"byte {offset}: transaction {parsed[0]} comes after {last}: dropped"
        else:
            if parsed[0] > last + 1 and header is not None:
                yield f"byte {offset}: {parsed[0] - last - 1} transaction(s) before this one are missing"
            last = parsed[0]
            try:
                state.apply(list(_readable_steps(parsed[1])))
            except _UNREADABLE as error:
                yield f"byte {offset}: transaction {last} is dropped: {error}"
        first = False
        offset += len(line)
    if header is not None:
        header.number = last


def _is_foreign(payload: bytes, header: Header | None) -> bool:
    try:
        return header is not None and msgspec.json.decode(payload, type=journal.Header).state != header.state
    except _UNREADABLE:
        return False


def _readable_steps(payload: bytes) -> Iterator[Op]:
    for op in decode_ops(payload):
        if op.table in SPECS:
            if op.doc_id is None and op.document is None:
                raise ValueError(f"it drops the table {op.table}")
            known = op.doc_id is not None and op.document is not None
            yield Op(op.table, op.doc_id, _canonical(op.table, op.document or b"")) if known else op


def _mend(state: State) -> list[str]:
    """Apply every breach's remedy until none is left."""
    notes: list[str] = []
    while found := list(breaches(state)):
        touched: set[tuple[str, int | None]] = set()
        for breach in found:
            places = {(op.table, op.doc_id) for op in breach.steps}
            if touched.isdisjoint(places):  # else it looks different by now: wait for the next round
                state.apply(breach.steps)
                notes.append(f"{breach.text}: {breach.remedy}")
                touched |= places
    return notes
