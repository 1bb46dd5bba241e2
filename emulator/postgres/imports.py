"""The imports of several emulators: one emulator carries an import out, all report on it."""

import asyncio
import secrets
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path

from msgspec.structs import replace

from emulator.importer.checking import Checked
from emulator.importer.execution import Import
from emulator.importer.jobs import MAX_KEPT, STEP_S, ImportJobs, Job, Schedule
from emulator.importer.uploads import id_of
from emulator.postgres.files import SharedFiles
from emulator.postgres.import_run import ImportRun, KeptImport, key_of
from emulator.postgres.recorder import Recorder
from emulator.postgres.turns import Turns
from emulator.postgres.workspaces import FollowedWorkspaces
from emulator.store.errors import Unavailable
from emulator.workspaces.workspace import Workspace

#: Seconds between two signs of life, and those without one after which an emulator with an import is gone.
_ALIVE_EVERY_S, GONE_AFTER_S = 1.0, 6.0
#: Seconds that the current steps may take when the server stops, and that the database may take after that.
_LEAVING_S = 0.5
_ALIVE = "UPDATE emulator_imports SET seen = now() WHERE owner = %s AND id = ANY(%s)"
_TAKE = (
    "UPDATE emulator_imports AS one SET owner = %s, seen = now() FROM emulator_workspaces AS its"
    " WHERE its.id = one.workspace AND one.id IN (SELECT id FROM emulator_imports"
    " WHERE owner IS NOT NULL AND seen < now() - make_interval(secs => %s) FOR UPDATE SKIP LOCKED)"
    " RETURNING one.id, its.name, one.file"
)
_MAKE = "INSERT INTO emulator_imports VALUES (%(id)s, %(workspace)s, %(file)s, %(owner)s)"
_LEAVE = "UPDATE emulator_imports SET seen = '-infinity' WHERE owner = %s"


class SharedJob(Job):
    """One import, as the log of its workspace has it."""

    def __init__(self, kept: KeptImport, recorder: Recorder, turns: Turns) -> None:
        super().__init__(kept.description, Path())
        self._kept = kept
        self._recorder = recorder
        self._turns = turns

    @property
    def has_report(self) -> bool:
        return not self.running

    async def refused(self) -> Iterable[bytes]:
        async with self._turns.connections.one_to_ask() as connection:
            read = "SELECT data FROM emulator_refusals WHERE import = %s ORDER BY line"
            cursor = await connection.execute(read, (self.description.id,))
            return b"".join([data async for (data,) in cursor]).splitlines()

    def cancel(self) -> None:
        """The emulator that carries it out stops before its next step."""
        if self.running:
            self.description = self._kept.description = replace(self.description, state="cancelled")
            self._kept.write(self._recorder)

    def _progress(self) -> tuple[float | None, float | None]:
        return (self._kept.part, self._kept.seconds_left) if self.running else super()._progress()


class SharedImports(ImportJobs):
    """The imports as one emulator knows them."""

    def __init__(self, turns: Turns, workspaces: FollowedWorkspaces, files: SharedFiles) -> None:
        super().__init__(None)
        self._files = files
        self._turns = turns
        self._workspaces = workspaces
        self._owner = secrets.token_hex(8)
        self._runs: dict[str, ImportRun] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._alive: asyncio.Task[None] | None = None

    def of(self, workspace: str) -> list[Job]:
        recorder = self._workspaces.recorder(workspace)
        if recorder is None:
            return []
        return [SharedJob(kept, recorder, self._turns) for kept in reversed(KeptImport.all(recorder))]

    def forget_all_of(self, workspace: str) -> None:
        """Nothing to do: they go with the workspace's row, which stops the emulator that carries one out."""

    async def look(self) -> None:
        """Take over the imports of emulators that are gone, and remove files that are no longer needed.

        Raises :class:`~emulator.store.errors.Unavailable`.
        """
        connections = self._turns.connections
        async with connections.one_to_ask() as connection:
            taken = await (await connection.execute(_TAKE, (self._owner, GONE_AFTER_S))).fetchall()
            await self._files.sweep(connection)
        for import_id, workspace, file_id in taken:
            self._run(workspace, import_id, file_id, self.upload_path(), takes_over=True)
        await connections.try_again()

    async def _say_alive(self) -> None:
        """Give signs of life while this emulator carries imports out."""
        while self._runs:
            with suppress(Unavailable):
                async with self._turns.connections.one_to_ask() as connection:
                    await connection.execute(_ALIVE, (self._owner, list(self._runs)))
            await asyncio.sleep(_ALIVE_EVERY_S)

    async def leave(self) -> None:
        """Stop, so that other emulators can take the imports over at once."""
        for run in self._runs.values():
            run.stopped = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LEAVING_S)
        if self._alive is not None:
            self._alive.cancel()
        await asyncio.wait([asyncio.create_task(self._say_gone())], timeout=_LEAVING_S)

    async def _say_gone(self) -> None:
        with suppress(Unavailable):  # else they find out later
            async with self._turns.connections.one_to_ask() as connection:
                await connection.execute(_LEAVE, (self._owner,))

    def _begin(self, checked: Checked, workspace: Workspace, upload: Path, schedule: Schedule) -> Job:
        with closing(Import(checked, workspace)) as importing:
            importing.look(STEP_S)  # the answer to the call has the remarks on a small file
            description = importing.description
        kept = KeptImport(description, checked.plan, self._owner)
        recorder = self._workspaces.opened(workspace.name)
        file_id = id_of(upload)
        values = {"id": description.id, "file": file_id, "owner": self._owner}
        kept.write(recorder, [(_MAKE, values)])
        known = [one.description for one in KeptImport.all(recorder)]
        ended = [one.id for one in known if one.state != "running"]
        for import_id in ended[: max(0, len(known) - MAX_KEPT)]:
            remove = "DELETE FROM emulator_imports WHERE id = %(id)s"
            recorder.write(key_of(import_id), None, [(remove, {"id": import_id})])
        self._run(workspace.name, description.id, file_id, upload, takes_over=False)
        return SharedJob(kept, recorder, self._turns)

    def _run(self, workspace: str, import_id: str, file_id: str, path: Path, takes_over: bool) -> None:
        if import_id not in self._runs:
            of_all = self._turns, self._workspaces, self._files, self._owner
            run = ImportRun(*of_all, workspace, import_id, file_id, path, takes_over)
            self._runs[import_id] = run
            task = asyncio.create_task(run.run())
            self._tasks.add(task)
            task.add_done_callback(lambda _: self._runs.pop(import_id, None))
            task.add_done_callback(self._tasks.discard)
            if self._alive is None or self._alive.done():
                self._alive = asyncio.create_task(self._say_alive())
