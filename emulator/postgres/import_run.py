"""An import that this emulator carries out, each step in a turn of its workspace."""

from __future__ import annotations

import asyncio
import dataclasses
import random
import traceback
from collections.abc import Iterable
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from time import perf_counter

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from emulator.importer.checking import check_plan
from emulator.importer.execution import STEP_ROWS, Import
from emulator.importer.jobs import STEP_S
from emulator.importer.plan import ImportPlan
from emulator.importer.problem import ImportRefused
from emulator.importer.report import COUNTED, Description
from emulator.importer.sources import Source
from emulator.loop.pacing import Pacing
from emulator.postgres.files import SharedFiles
from emulator.postgres.log import Statement
from emulator.postgres.recorder import Recorder
from emulator.postgres.turns import Turns
from emulator.postgres.workspaces import FollowedWorkspaces
from emulator.rules.errors import Refused
from emulator.rules.texts import Text, message
from emulator.store.errors import Unavailable

#: The most seconds of work of one turn.
_MOST_S = 0.05
_END = (
    "WITH over AS (UPDATE emulator_imports AS one SET owner = NULL, file = NULL FROM emulator_imports AS old"
    " WHERE one.id = %(id)s AND old.id = one.id RETURNING old.file)"
    " UPDATE emulator_files SET seen = '-infinity' FROM over WHERE id = over.file"
    " AND NOT EXISTS (SELECT FROM emulator_uploads WHERE file = id)"
)


class KeptImport(Struct):
    """What the log says of an import. ``owner``: the emulator whose steps count; ``part``: done so far."""

    description: Description
    plan: ImportPlan
    owner: str
    part: float | None = 0.0
    seconds_left: float | None = None

    @staticmethod
    def of(recorder: Recorder, import_id: str) -> KeptImport | None:
        """What the workspace's log says of it."""
        found = recorder.documents.get(key_of(import_id))
        return None if found is None else msgspec.json.decode(found, type=KeptImport)

    @staticmethod
    def all(recorder: Recorder) -> list[KeptImport]:
        """All imports of a workspace, the oldest first."""
        documents = recorder.documents.items()
        return [
            msgspec.json.decode(one, type=KeptImport) for key, one in documents if key.startswith(key_of(""))
        ]

    def write(self, recorder: Recorder, *besides: Iterable[Statement]) -> None:
        """Write it into the log; with its end nobody carries it out, and its file goes."""
        one = self.description
        if one.state != "running":
            besides += ([(_END, {"id": one.id})],)
        recorder.write(key_of(one.id), msgspec.json.encode(self), *besides)


def key_of(import_id: str) -> str:
    """The key of its document."""
    return f"import/{import_id}"


@dataclasses.dataclass
class ImportRun:
    """Carries an import out, from where the log says that it is.

    ``path``: where its file, which is stored under ``file_id``, lies or is put.

    It ends before its next step when it is ``stopped``. ``takes_over``: from another emulator, which is gone;
    if it is not, it finds out before its next step.
    """

    turns: Turns
    workspaces: FollowedWorkspaces
    files: SharedFiles
    owner: str
    workspace: str
    id: str
    file_id: str
    path: Path
    takes_over: bool
    stopped: bool = False

    def __post_init__(self) -> None:
        self._is_known = True
        self._work_s = self._worked_s = STEP_S
        self._import: Import | None = None

    async def run(self) -> None:
        """All steps. One that is not in the database is done again."""
        try:
            more = True
            while more and not self.stopped:
                try:
                    if not self.path.exists():
                        await self.files.fetch(self.file_id, self.path)
                    since, self._worked_s = perf_counter(), 0.0
                    more = await self.turns.run(self.workspace, self._steps)
                    # As long as a commit takes: the slower the disk, the fewer of them.
                    self._work_s = min(_MOST_S, max(STEP_S, perf_counter() - since - self._worked_s))
                except Unavailable:
                    self._close()  # it may be ahead of the log
                    await asyncio.sleep(random.uniform(0.2, 0.6))
            if not self._is_known:  # its workspace was deleted, and there is another one now
                async with self.turns.connections.one_to_ask() as connection:
                    await connection.execute("DELETE FROM emulator_imports WHERE id = %s", (self.id,))
        except (Refused, Unavailable, OSError):
            pass  # the workspace or a place for the file is missing here: another emulator may have it
        finally:
            self.stopped = True
            self._close()
            with suppress(OSError):
                self.path.unlink(missing_ok=True)

    def _close(self) -> None:
        if self._import is not None:
            self._import.close()
            self._import = None

    async def _steps(self) -> bool:
        followed = self.workspaces.followed(self.workspace)
        kept = None if followed is None else KeptImport.of(followed, self.id)
        if followed is None or kept is None:
            self._is_known = False
            return False
        if kept.description.state != "running" or self.stopped:
            return False
        if kept.owner != self.owner:
            if not self.takes_over:
                return False
            kept.owner = self.owner
            own = "UPDATE emulator_imports SET owner = %(owner)s, seen = now() WHERE id = %(id)s"
            kept.write(followed, [(own, {"id": self.id, "owner": self.owner})])
        self.takes_over = False
        if self._import is not None and self._import.description.up_to_line != kept.description.up_to_line:
            self._close()  # its last step was not stored
        if self._import is None and not self.path.exists():
            return True  # a first attempt at the request that began this has ended, and its file went
        try:
            importing = self._import or self._opened(kept, followed)
            self._import, more, pacing = importing, True, Pacing()
            while more and not self.stopped and self._worked_s < self._work_s:
                since = perf_counter()
                if importing.takes_long:
                    with suppress(Unavailable):  # no thread: the step is done again
                        more = await importing.beside(importing.step)
                    pacing = Pacing()
                else:
                    more = importing.step(STEP_ROWS, STEP_S, whole=False)
                self._worked_s += perf_counter() - since
                await pacing.pause()
        except ImportRefused as error:  # the resource is not as it was
            first = error.problems[0]
            return self._fail(kept, followed, message("remark", path=first.path, problem=first.text))
        except Exception as error:
            with suppress(OSError, ValueError):
                traceback.print_exc()
            problem = message("internal_error", name=type(error).__name__)
            if self._import is None:
                return self._fail(kept, followed, problem)
            more = self._import.end("failed", problem)
        self._tell(kept, followed, self._import)
        return more

    def _opened(self, kept: KeptImport, recorder: Recorder) -> Import:
        one = kept.description
        if one.dry_run and one.up_to_line:  # what it would have changed was in the memory of another
            none = dict.fromkeys(COUNTED, 0)
            one = kept.description = replace(one, up_to_line=0, counts=none, refusals=[], seconds=0.0)
            kept.write(recorder, [("DELETE FROM emulator_refusals WHERE import = %(id)s", {"id": self.id})])
        checked = check_plan(kept.plan, Source(self.path, one.file), recorder.workspace.store)
        self._refused = BytesIO()
        return Import(checked, recorder.workspace, self._refused, one)

    def _tell(self, kept: KeptImport, recorder: Recorder, importing: Import) -> None:
        """Write down what the step has done, if anything."""
        one = importing.description
        if one.state == "running" and one.up_to_line == kept.description.up_to_line:
            return
        kept.description = one
        kept.part, kept.seconds_left = importing.progress
        new = self._refused.getvalue()
        self._refused.seek(0)
        self._refused.truncate()
        refused = {"id": self.id, "line": one.up_to_line, "data": new}
        add = "INSERT INTO emulator_refusals VALUES (%(id)s, %(line)s, %(data)s)"
        kept.write(recorder, [(add, refused)] if new else [])

    def _fail(self, kept: KeptImport, recorder: Recorder, problem: Text) -> bool:
        kept.description = replace(kept.description, state="failed", problem=problem)
        kept.write(recorder)
        return False
