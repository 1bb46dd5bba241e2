"""Whole workspaces as rows, and their way back into memory."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import groupby, islice

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection, Rollback

from emulator.faults.armed import FaultCounts
from emulator.postgres.log import SnapshotRow
from emulator.postgres.recorder import Recorder
from emulator.store.documents import Documents
from emulator.store.recovery import decode_ops
from emulator.store.state import Op, State, encode_ops
from emulator.store.tables import SPECS
from emulator.workspaces.workspace import JOURNALS, JournalName

#: Documents of one part of a state, and about the bytes of a part of a journal.
_DOCUMENTS, _BYTES = 500, 1 << 20
_INSERT = "INSERT INTO emulator_snapshots VALUES (%s, %s, %s, %s, %s, %s)"
_entries = msgspec.msgpack.Decoder(list[bytes]).decode


class Behind(Exception):
    """The lines that this emulator lacks are gone: the workspace must be read anew."""


class Kept(Struct):
    """What a journal has beside its entries."""

    recorded: int
    epoch: str


class Rest(Struct):
    """What a workspace has beside its state and the entries of its journals."""

    last_ids: dict[str, int]
    journals: dict[JournalName, Kept]
    counts: FaultCounts
    replays: list[tuple[tuple[str, str, str], bytes, bytes]]
    fixtures: str = ""
    documents: dict[str, bytes] = {}


class Picture:
    """A workspace as it is at this moment: what is copied is shared until it changes.

    ``is_whole``: of the whole workspace; else of the state alone.
    """

    def __init__(self, recorder: Recorder, is_whole: bool = False) -> None:
        workspace = recorder.workspace
        state = workspace.store.storage.state
        self._tables = {name: documents.copy() for name, documents in state.documents().items()}
        self._rest: Rest | None = None
        if is_whole:
            journals = {name: workspace.journal(name) for name in JOURNALS}
            self._entries = {name: one.packed() for name, one in journals.items()}
            self._rest = Rest(
                state.last_ids(),
                {name: Kept(one.recorded, one.epoch) for name, one in journals.items()},
                workspace.faults.counts,
                [(key, *replay) for key, replay in workspace.replays],
                recorder.fixtures,
                dict(recorder.documents),
            )

    def rows(self) -> Iterator[SnapshotRow]:
        """The rows, the last of them that of the rest."""
        for number, changes in enumerate(self._changes()):
            yield "state", number, changes, None
        if self._rest is not None:
            for name in JOURNALS:
                for number, entries in enumerate(_cut(self._entries[name])):
                    yield name, number, None, msgspec.msgpack.encode(entries)
            yield "rest", 0, None, msgspec.msgpack.encode(self._rest)

    def _changes(self) -> Iterator[str]:
        yield encode_ops([Op(name, None, b"{}") for name in self._tables]).decode()
        for name, documents in self._tables.items():
            yield from _written(name, documents)


def _written(name: str, documents: Documents) -> Iterator[str]:
    left = iter(documents.items())
    while steps := [Op(name, *one) for one in islice(left, _DOCUMENTS)]:
        yield encode_ops(steps).decode()


def _cut(entries: Iterable[bytes]) -> Iterator[list[bytes]]:
    piece: list[bytes] = []
    size = 0
    for entry in entries:
        piece.append(entry)
        size += len(entry)
        if size >= _BYTES:
            yield piece
            piece, size = [], 0
    if piece:
        yield piece


async def write(
    connection: AsyncConnection, workspace_id: int, number: int, rows: Iterable[SnapshotRow]
) -> int:
    """Insert the rows of a picture; returns their bytes, about."""
    size = 0
    for row in rows:
        size += len(row[2] or "") + len(row[3] or b"")
        await connection.execute(_INSERT, (workspace_id, number, *row))
    return size


async def read_parts(
    connection: AsyncConnection, workspace_id: int, number: int, section: str
) -> AsyncIterator[tuple[str, bytes]]:
    """The rows of a section: steps of the state, and bytes."""
    part = 0
    while True:
        read = (
            "SELECT changes, effects FROM emulator_snapshots"
            " WHERE workspace = %s AND number = %s AND section = %s AND part >= %s ORDER BY part LIMIT 8"
        )
        cursor = await connection.execute(read, (workspace_id, number, section, part))
        rows = await cursor.fetchall()
        for changes, effects in rows:
            yield changes, effects
        if len(rows) < 8:
            return
        part += 8


async def read_state(connection: AsyncConnection, workspace_id: int, number: int) -> State:
    """The state under a number. Raises :class:`Behind`."""
    state = State(SPECS)
    async for changes, _ in read_parts(connection, workspace_id, number, "state"):
        for name, steps in groupby(decode_ops(changes.encode()), lambda step: step.table):
            table, of_table = state.table(name), [step for step in steps if step.doc_id is not None]
            ids = [step.doc_id for step in of_table if step.doc_id is not None]
            table.fill(ids, [step.document for step in of_table if step.document is not None])
        await asyncio.sleep(0)
    if not state.tables:
        raise Behind
    return state


async def read_rest(connection: AsyncConnection, workspace_id: int, number: int) -> Rest:
    """What a workspace has beside state and entries. Raises :class:`Behind`."""
    async for _, effects in read_parts(connection, workspace_id, number, "rest"):
        return msgspec.msgpack.decode(effects, type=Rest)
    raise Behind


async def read_entries(
    connection: AsyncConnection, workspace_id: int, number: int, journal: JournalName
) -> list[bytes]:
    """The entries of a journal, packed, the oldest first."""
    found: list[bytes] = []
    async for _, effects in read_parts(connection, workspace_id, number, journal):
        found += _entries(effects)
    return found


async def write_snapshot(
    connection: AsyncConnection, workspace_id: int, number: int, rows: Iterable[SnapshotRow]
) -> None:
    """Store a whole workspace as of a line, and let the lines before go, unless a later one is there."""
    async with connection.transaction():
        size = await write(connection, workspace_id, number, rows)
        cursor = await connection.execute(
            "UPDATE emulator_workspaces SET snapshot = %s, snapshot_bytes = %s, log_bytes ="
            " (SELECT coalesce(sum(coalesce(length(changes), 0) + length(effects)), 0) FROM emulator_lines"
            " WHERE workspace = id AND emulator_lines.number > %s)"
            " WHERE id = %s AND snapshot < %s",
            (number, size, number, workspace_id, number),
        )
        if not cursor.rowcount:
            raise Rollback
        await connection.execute(
            "DELETE FROM emulator_lines WHERE workspace = %s AND number <= %s", (workspace_id, number)
        )
        await connection.execute(
            "DELETE FROM emulator_snapshots WHERE workspace = %s AND number < %s", (workspace_id, number)
        )
