"""Files of collected tokens in the database, in parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from emulator.postgres.connections import Connections
from emulator.postgres.line import Statement

#: Bytes of a part of a file, and parts that are read at a time.
_PART_BYTES, _AT_ONCE = 1 << 20, 8
_MAKE = "INSERT INTO emulator_imports (id, workspace, owner) VALUES (%(id)s, %(workspace)s, %(owner)s)"
_ADD = "INSERT INTO emulator_import_parts VALUES (%(id)s, %(kind)s, %(part)s, %(data)s)"


class KeptFile:
    """The statements that keep a file, read anew each time. ``owner``: the emulator that imports it."""

    def __init__(self, file_id: str, path: Path, owner: str) -> None:
        self._id = file_id
        self._path = path
        self._owner = owner

    def __iter__(self) -> Iterator[Statement]:
        yield _MAKE, {"id": self._id, "owner": self._owner}
        with self._path.open("rb") as file:
            for number, data in enumerate(iter(partial(file.read, _PART_BYTES), b"")):
                yield added(self._id, "file", number, data)


def added(file_id: str, kind: str, part: int, data: bytes) -> Statement:
    """The statement that adds a part."""
    return _ADD, {"id": file_id, "kind": kind, "part": part, "data": data}


def removed(file_id: str, kind: str | None = None) -> Statement:
    """The statement that removes the parts of a kind, or all there is of a file."""
    if kind is None:
        return "DELETE FROM emulator_imports WHERE id = %(id)s", {"id": file_id}
    sql = "DELETE FROM emulator_import_parts WHERE import = %(id)s AND kind = %(kind)s"
    return sql, {"id": file_id, "kind": kind}


async def read_parts(connections: Connections, file_id: str, kind: str) -> AsyncIterator[bytes]:
    """The parts of a kind. Raises :class:`~emulator.store.errors.Unavailable` and :class:`psycopg.Error`."""
    after = -1
    async with connections.one() as connection:
        while True:
            cursor = await connection.execute(
                "SELECT part, data FROM emulator_import_parts WHERE import = %s AND kind = %s AND part > %s"
                " ORDER BY part LIMIT %s",
                (file_id, kind, after, _AT_ONCE),
            )
            rows: list[tuple[int, Any]] = await cursor.fetchall()
            for part, data in rows:
                after = part
                yield bytes(data)
            if len(rows) < _AT_ONCE:
                return


async def fetch(connections: Connections, file_id: str, path: Path) -> Path:
    """Write a file down at ``path``, or leave nothing there.

    Raises as :func:`read_parts` does, and :class:`OSError`.
    """
    try:
        with path.open("wb") as file:
            async for data in read_parts(connections, file_id, "file"):
                file.write(data)
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
    return path
