"""Whole workspaces as rows, and their way back into memory."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import groupby

import msgspec
from msgspec import Struct
from psycopg import AsyncConnection

from emulator.faults.armed import FaultCounts
from emulator.postgres.connections import ANSWER_S
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


class Part(Struct):
    """A row of a snapshot."""

    section: str
    part: int
    changes: str | None = None
    effects: bytes | None = None

    @property
    def size(self) -> int:
        """Its bytes, about."""
        return len(self.changes or "") + len(self.effects or b"")


class Picture:
    """A workspace as it is at this moment: what is copied is shared until it changes.

    ``is_whole``: it is of all that the workspace is; else of the state alone.
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

    def parts(self) -> Iterator[Part]:
        """The rows, the last of them that of the rest."""
        for number, changes in enumerate(self._changes()):
            yield Part("state", number, changes)
        if self._rest is not None:
            for name in JOURNALS:
                for number, entries in enumerate(_cut(self._entries[name])):
                    yield Part(name, number, None, msgspec.msgpack.encode(entries))
            yield Part("rest", 0, None, msgspec.msgpack.encode(self._rest))

    def _changes(self) -> Iterator[str]:
        yield encode_ops([Op(name, None, b"{}") for name in self._tables]).decode()
        for name, documents in self._tables.items():
            yield from _written(name, documents)


def _written(name: str, documents: Documents) -> Iterator[str]:
    steps: list[Op] = []
    for doc_id, document in documents.items():
        steps.append(Op(name, doc_id, document))
        if len(steps) == _DOCUMENTS:
            yield encode_ops(steps).decode()
            steps = []
    if steps:
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


async def write(connection: AsyncConnection, workspace_id: int, number: int, parts: Iterable[Part]) -> int:
    """Insert the rows of a picture; returns their bytes."""
    size = 0
    for part in parts:
        size += part.size
        values = (workspace_id, number, part.section, part.part, part.changes, part.effects)
        await asyncio.wait_for(connection.execute(_INSERT, values), ANSWER_S)
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
        reading = connection.execute(read, (workspace_id, number, section, part))
        cursor = await asyncio.wait_for(reading, ANSWER_S)
        rows = await cursor.fetchall()
        for changes, effects in rows:
            yield changes, effects
        if len(rows) < 8:
            return
        part += 8


async def read_state(connection: AsyncConnection, workspace_id: int, number: int) -> State | None:
    """The state under a number; ``None`` if it is no longer there."""
    state = State(SPECS)
    async for changes, _ in read_parts(connection, workspace_id, number, "state"):
        for name, steps in groupby(decode_ops(changes.encode()), lambda step: step.table):
            table, of_table = state.table(name), [step for step in steps if step.doc_id is not None]
            ids = [step.doc_id for step in of_table if step.doc_id is not None]
            table.fill(ids, [step.document for step in of_table if step.document is not None])
        await asyncio.sleep(0)
    return state if state.tables else None


async def read_rest(connection: AsyncConnection, workspace_id: int, number: int) -> Rest | None:
    """What a workspace has beside state and entries."""
    async for _, effects in read_parts(connection, workspace_id, number, "rest"):
        return msgspec.msgpack.decode(effects, type=Rest)
    return None


async def read_entries(
    connection: AsyncConnection, workspace_id: int, number: int, journal: JournalName
) -> list[bytes]:
    """The entries of a journal, packed, the oldest first."""
    found: list[bytes] = []
    async for _, effects in read_parts(connection, workspace_id, number, journal):
        found += _entries(effects)
    return found


class Overtaken(Exception):
    """Another emulator has written a later snapshot."""


async def write_snapshot(
    connection: AsyncConnection, workspace_id: int, number: int, parts: Iterable[Part]
) -> None:
    """Store a whole workspace as of a line, and let the lines before go, unless a later one is there."""
    async with connection.transaction():
        size = await write(connection, workspace_id, number, parts)
        cursor = await connection.execute(
            "UPDATE emulator_workspaces SET snapshot = %s, snapshot_bytes = %s, log_bytes ="
            " (SELECT coalesce(sum(coalesce(length(changes), 0) + length(effects)), 0) FROM emulator_lines"
            " WHERE workspace = id AND emulator_lines.number > %s)"
            " WHERE id = %s AND snapshot < %s",
            (number, size, number, workspace_id, number),
        )
        if not cursor.rowcount:
            raise Overtaken
        await connection.execute(
            "DELETE FROM emulator_lines WHERE workspace = %s AND number <= %s", (workspace_id, number)
        )
        await connection.execute(
            "DELETE FROM emulator_snapshots WHERE workspace = %s AND number < %s", (workspace_id, number)
        )
