"""The transactions of turns: lock a workspace and read what others have added; append, and commit."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain
from time import monotonic

import psycopg
from msgspec import Struct
from psycopg import AsyncClientCursor, AsyncConnection, errors

from emulator.postgres.connections import Connections, is_refusal
from emulator.postgres.following import LINES, FollowedWorkspace
from emulator.postgres.log import Line
from emulator.postgres.snapshots import Behind, write
from emulator.postgres.texts import first_line
from emulator.postgres.workspaces import FollowedWorkspaces
from emulator.store.errors import Unavailable

#: Seconds for which the outcome of a commit is asked for.
SETTLE_S = 5.0
#: Seconds for which a turn is tried again because of other transactions, and why the database asks for it.
CONFLICT_S, _CONFLICTS = 15.0, (errors.SerializationFailure, errors.DeadlockDetected)
#: Bytes of a workspace that is read without the lock first: its reading may take seconds.
_LONG_BYTES = 1 << 20
#: How many times the others' changes are read anew if they change meanwhile.
_READS = 20

_ROW = (
    "SELECT id, number, snapshot, log_bytes, snapshot_bytes, extract(epoch FROM clock_timestamp())::float8"
    " FROM emulator_workspaces WHERE name = %s"
)
#: A plain FOR UPDATE would wait for each snapshot that is being written: its rows refer to this one.
_LOCK = " FOR NO KEY UPDATE"
_MAKE = "INSERT INTO emulator_workspaces (name) VALUES (%s) ON CONFLICT (name) DO NOTHING"
_APPEND, _LINE = "INSERT INTO emulator_lines VALUES ", "(%s, %s, %s, %s, %s, %s)"
_ADVANCE = (
    "UPDATE emulator_workspaces SET number = %s, log_bytes = log_bytes + %s, used = now() WHERE id = %s"
)


class WorkspaceRow(Struct):
    """The row of a workspace. ``at``: the database's time, seconds since 1970."""

    id: int
    number: int
    snapshot: int
    log_bytes: int
    snapshot_bytes: int
    at: float


class NotDone(Exception):
    """Nothing of a turn is in the database. ``seconds``: how long it is worth trying again."""

    def __init__(self, cause: psycopg.Error, seconds: float = 0.0) -> None:
        super().__init__(str(cause))
        self.cause = cause
        self.seconds = CONFLICT_S if isinstance(cause, _CONFLICTS) else seconds


class Transactions:
    """The transactions of one emulator."""

    def __init__(self, connections: Connections, workspaces: FollowedWorkspaces) -> None:
        self._connections = connections
        self._workspaces = workspaces

    @contextmanager
    def whole(self, name: str) -> Iterator[None]:
        """Raise :class:`NotDone` for an error with which the database answers: the transaction is undone."""
        try:
            yield
        except psycopg.Error as error:
            if not is_refusal(error):
                raise
            self._workspaces.forget(name)
            raise NotDone(error) from error

    # Begin: lock, and follow

    async def begin(self, connection: AsyncConnection, name: str, locks: bool) -> WorkspaceRow | None:
        """Lock the workspace's row, if wanted, and bring memory up to it. ``None``: there is no row."""
        ahead = not locks
        for _ in range(_READS):
            known = self._workspaces.followed(name)
            row, lines = await self._read(connection, name, known, locks)
            if row is None and locks:
                made = await connection.execute(_MAKE, (name,))
                row, lines = await self._read(connection, name, None, locks, begins=False)
                if made.rowcount and row is not None:
                    self._workspaces.begin_new(name)
                    return row
            if row is None:
                self._workspaces.drop(name)
                return None
            known = self._workspaces.opened(name)
            if known.id not in (0, row.id):  # it was deleted and made anew elsewhere
                self._workspaces.drop(name)
                known = self._workspaces.opened(name)
            follows = known.is_current and known.id == row.id and (bool(lines) or known.number == row.number)
            is_long = row.log_bytes + row.snapshot_bytes > _LONG_BYTES
            if not ahead and is_long and (not follows or any(line.replaced for line in lines)):
                await connection.execute("ROLLBACK")
                await self.begin(connection, name, False)
                ahead = True
                continue
            try:
                if follows:
                    await known.follow(connection, lines)
                else:
                    await known.read(connection, row.id, row.snapshot, row.number)
                return row
            except Behind:
                known.forget()
                if locks:
                    await connection.execute("ROLLBACK")
        raise Unavailable(f"workspace {name} changes faster than it can be read")

    async def _read(
        self,
        connection: AsyncConnection,
        name: str,
        known: FollowedWorkspace | None,
        locks: bool,
        begins: bool = True,
    ) -> tuple[WorkspaceRow | None, list[Line]]:
        after = (known.id, known.number) if known is not None else (0, 0)
        row = _ROW + (_LOCK if locks else "")
        # One message. A pipeline would end with a Flush, after which PostgreSQL does not count the seconds
        # that a frozen emulator rests in its turn.
        async with AsyncClientCursor(connection) as cursor:
            statement = f"{'BEGIN; ' if locks and begins else ''}{row}; {LINES}"
            await cursor.execute(statement, (name, *after))
            if locks and begins:
                cursor.nextset()
            found = await cursor.fetchone()
            cursor.nextset()
            lines = [Line(*one) for one in await cursor.fetchall()]
        return None if found is None else WorkspaceRow(*found), lines

    # End: append, commit, find out

    async def end(
        self, connection: AsyncConnection, name: str, row: WorkspaceRow | None, lines: list[Line]
    ) -> bool:
        """Append and commit; returns whether the log is so long that a snapshot is due.

        Raises :class:`Unavailable` if that has not come about, and :class:`NotDone`.
        """
        is_made = self._workspaces.is_made(name)
        if row is not None and not is_made:  # deleted, or never made
            await connection.execute("DELETE FROM emulator_workspaces WHERE id = %s", (row.id,))
        if row is None or not is_made or not lines:
            await connection.execute("COMMIT")
            return False
        try:
            with self.whole(name):
                await self._append(connection, row.id, lines)
        except psycopg.Error as error:
            await self._settle(name, row, lines, error)
        self._connections.note_commit()
        self._workspaces.opened(name).come_to(row.id, lines[-1].number)
        grown = row.log_bytes + sum(line.size for line in lines)
        return grown > max(self._workspaces.min_log_bytes, row.snapshot_bytes)

    async def _append(self, connection: AsyncConnection, workspace_id: int, lines: list[Line]) -> None:
        size = sum(line.size for line in lines)
        for line in lines:
            if line.snapshot is not None:
                size += await write(connection, workspace_id, line.number, line.snapshot())
            for statement, values in chain.from_iterable(line.besides):
                of_workspace = values | {"workspace": workspace_id}
                await connection.execute(statement, of_workspace)
        rows = [(workspace_id, o.number, o.turn, o.replaced, o.changes, o.effects) for o in lines]
        statement = f"{_APPEND}{', '.join([_LINE] * len(rows))}; {_ADVANCE}; COMMIT"
        every = [*chain.from_iterable(rows), lines[-1].number, size, workspace_id]
        # One message, too: a freeze in the middle of a pipeline would keep the lock for good.
        async with AsyncClientCursor(connection) as cursor:
            await cursor.execute(statement, every)

    async def _settle(self, name: str, row: WorkspaceRow, lines: list[Line], error: Exception) -> None:
        """Return when the lines are in.

        Raises :class:`Unavailable` and :class:`NotDone`.
        """
        until = monotonic() + SETTLE_S
        while True:
            try:
                if await self._settled(name, row, lines):
                    return
                break
            except (psycopg.Error, Unavailable) as away:
                if monotonic() > until:
                    said = f"whether the change is stored is not known: {first_line(away)}"
                    raise Unavailable(said, error) from away
                await asyncio.sleep(random.uniform(0.05, 0.2))
        said = f"the change was not stored, others have written in its place ({first_line(error)})"
        raise Unavailable(said, error)

    async def _settled(self, name: str, row: WorkspaceRow, lines: list[Line]) -> bool:
        """Whether the lines are in, maybe only now; false: others have written in their place."""
        async with self._connections.one() as connection:
            found, _ = await self._read(connection, name, None, True)
            cursor = await connection.execute(
                "SELECT turn FROM emulator_lines WHERE workspace = %s AND number = %s",
                (row.id, lines[0].number),
            )
            if await cursor.fetchone() == (lines[0].turn,):
                return True
            if found is None or (found.id, found.number) != (row.id, row.number):
                return False
            with self.whole(name):
                await self._append(connection, row.id, lines)
            return True
