"""Files of collected tokens in the database, in parts."""

import asyncio
from contextlib import suppress
from functools import partial
from pathlib import Path

from psycopg import AsyncConnection

from emulator.importer.uploads import MOST_WAITING, Upload, Uploads, id_of
from emulator.postgres.connections import Connections
from emulator.postgres.workspaces import FollowedWorkspaces

#: Bytes of a part of a file, parts that are read at a time, and connections for files.
_PART_BYTES, _AT_ONCE, _MOST_CONNECTIONS = 1 << 20, 8, 2
_FIND = (
    "UPDATE emulator_files AS one SET seen = now() FROM emulator_uploads AS its"
    " JOIN emulator_workspaces ON emulator_workspaces.id = its.workspace"
    " WHERE one.id = %s AND its.file = one.id AND emulator_workspaces.name = %s"
    " RETURNING its.name, its.resource, its.provider"
)
_KEEP = "INSERT INTO emulator_uploads VALUES (%(file)s, %(workspace)s, %(name)s, %(resource)s, %(provider)s)"
#: As many uploads wait as at an emulator alone, for a day at most. The files go that neither an upload nor an
#: import has; one that is on its way gets one within minutes.
_SWEEP_UPLOADS = (
    "DELETE FROM emulator_uploads WHERE made < now() - interval '1 day'"
    " OR file IN (SELECT file FROM emulator_uploads ORDER BY made DESC OFFSET %s)"
)
_SWEEP_FILES = (
    "DELETE FROM emulator_files AS one WHERE seen < now() - interval '5 minutes'"
    " AND NOT EXISTS (SELECT FROM emulator_uploads WHERE file = one.id)"
    " AND NOT EXISTS (SELECT FROM emulator_imports WHERE file = one.id)"
)


class SharedFiles(Uploads):
    """The files of all emulators; those that wait are here, too, as far as somebody has asked for them."""

    def __init__(self, connections: Connections, workspaces: FollowedWorkspaces) -> None:
        super().__init__()
        self._connections = connections
        self._workspaces = workspaces
        self._room = asyncio.Semaphore(_MOST_CONNECTIONS)

    def keep(self, path: Path, name: str, workspace: str, resource_id: int, provider: str) -> Upload:
        upload = super().keep(path, name, workspace, resource_id, provider)
        values = {"file": upload.id, "name": name, "resource": resource_id, "provider": provider}
        self._workspaces.opened(workspace).carry_out([(_KEEP, values)])
        return upload

    async def find(self, upload_id: str, workspace: str, at: Path, fetches: bool) -> bool:
        """Look up whether a file waits; write it to the path ``at``, if given, unless it is here.

        Raises :class:`~emulator.store.errors.Unavailable` and :class:`OSError`.
        """
        async with self._connections.one_to_ask() as connection:
            found = await (await connection.execute(_FIND, (upload_id, workspace))).fetchone()
        known = self._waiting.get(upload_id)
        if found is None:
            if known is not None and known.workspace == workspace:
                self._forget(upload_id)
            return False
        if known is None:
            known = self._have(Upload(upload_id, found[0], at, workspace, *found[1:]))
        if fetches and not known.path.exists():
            await self.fetch(upload_id, known.path)
        return True

    async def store(self, path: Path) -> None:
        """Store a file before the turn that needs it.

        Raises :class:`~emulator.store.errors.Unavailable` and :class:`OSError`.
        """
        file_id = id_of(path)
        async with self._room, self._connections.one_to_ask() as connection:
            await connection.execute("INSERT INTO emulator_files VALUES (%s)", (file_id,))
            with path.open("rb") as file:
                for number, data in enumerate(iter(partial(file.read, _PART_BYTES), b"")):
                    insert = "INSERT INTO emulator_file_parts VALUES (%s, %s, %s)"
                    await connection.execute(insert, (file_id, number, data))
            await connection.execute("UPDATE emulator_files SET seen = now() WHERE id = %s", (file_id,))

    async def fetch(self, file_id: str, path: Path) -> None:
        """Write a file down at ``path``, or leave nothing there.

        Raises :class:`~emulator.store.errors.Unavailable` and :class:`OSError`.
        """
        read = "SELECT data FROM emulator_file_parts WHERE file = %s AND part >= %s ORDER BY part LIMIT %s"
        try:
            with path.open("wb") as file:
                async with self._room, self._connections.one_to_ask() as connection:
                    part, more = 0, True
                    while more:
                        cursor = await connection.execute(read, (file_id, part, _AT_ONCE))
                        rows = await cursor.fetchall()
                        file.writelines(data for (data,) in rows)
                        part += _AT_ONCE
                        more = len(rows) == _AT_ONCE
        except BaseException:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise

    async def sweep(self, connection: AsyncConnection) -> None:
        """Remove the files that are no longer needed. Raises :class:`psycopg.Error`."""
        await connection.execute(_SWEEP_UPLOADS, (MOST_WAITING,))
        await connection.execute(_SWEEP_FILES)
