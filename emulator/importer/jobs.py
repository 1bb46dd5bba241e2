"""Imports that run inside a server, step by step while it answers requests. Knows no framework and no loop.

A server supplies a :data:`Schedule`, which decides how long the steps and the breaks between them are.
"""

import os
import secrets
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from time import monotonic
from typing import IO, Any

import msgspec
from msgspec.structs import asdict, replace

from emulator.importer.checking import Checked, check_plan
from emulator.importer.execution import STEP_ROWS, Import
from emulator.importer.plan import ImportPlan
from emulator.importer.report import Description, refusal_file
from emulator.importer.sources import Source
from emulator.rules.errors import Busy
from emulator.rules.texts import Problem, message
from emulator.store.errors import Unavailable
from emulator.store.files import replace_file
from emulator.workspaces.workspace import Workspace

#: Seconds of one step while no request waits.
STEP_S = 0.004
#: Seconds between two records of how far an import is.
SAVED_EVERY_S = 1.0
_BLOCK_BYTES = 1 << 20
#: Advances a job as long as there are more steps, and lets others work in between.
Schedule = Callable[["Job"], object]

#: Imports of one workspace that may run at a time.
MAX_RUNNING = 4
#: Imports that are remembered, with their reports.
MAX_KEPT = 50


class Job:
    """One import, and its ``description`` as of the last step; its record is a second behind at most.

    It ends whatever happens. Then its upload is removed and ``description.problem`` says what went wrong,
    the disk's refusals to take the report or the record included.
    """

    def __init__(self, description: Description, folder: Path) -> None:
        self.description = description
        self.report_path = folder / f"{description.id}.jsonl"
        self._record = folder / f"{description.id}.json"
        self._import: Import | None = None
        self._upload: Path | None = None
        self._save_at = 0.0
        self._stepping = Lock()  # the end of the server waits for a step beside the loop

    @property
    def running(self) -> bool:
        return self.description.state == "running"

    @property
    def has_report(self) -> bool:
        """Whether it is over and has left a report."""
        return not self.running and os.path.exists(self.report_path)

    async def refused(self) -> Iterable[bytes]:
        """What :func:`~emulator.importer.report.report_csv` reads. Raises :class:`OSError`."""
        return self.report_path.read_bytes().splitlines()

    def begin(self, importing: Import, upload: Path) -> None:
        """Take charge of an import and of the file that it reads. Raises :class:`OSError`."""
        self._import, self._upload = importing, upload
        importing.look(STEP_S)  # the answer to the call has the remarks on a small file
        self.description = importing.description
        self.save(importing.syncs)

    @property
    def takes_long(self) -> bool:
        """Whether the next step is one for :meth:`advance_beside`."""
        return self._import is not None and self._import.takes_long

    async def advance_beside(self) -> bool:
        """:meth:`advance` in a thread, which rests as long work does. Never raises."""
        if self._import is not None:
            with suppress(Unavailable):  # it is tried again
                return await self._import.beside(self.advance)
        return True

    def advance(self, seconds: float = STEP_S, whole: bool = True) -> bool:
        """One step: whether there are more; its parameters: of :meth:`Import.step`. Never raises."""
        with self._stepping:
            return self._step(seconds, whole)

    def _step(self, seconds: float, whole: bool) -> bool:
        importing, more = self._import, False
        if importing is None:
            return False
        try:
            more = importing.step(STEP_ROWS, seconds, whole)
        except Exception as error:
            with suppress(OSError, ValueError):  # a full disk may be behind standard error too
                traceback.print_exc()
            importing.end("failed", message("internal_error", name=type(error).__name__))
        self.description = importing.description
        if not more:
            self._end(importing)
        elif self.description.up_to_line and monotonic() >= self._save_at:
            self._save_at = monotonic() + SAVED_EVERY_S
            with suppress(OSError):  # the rows count without it
                self.save(importing.syncs)
        return more

    def cancel(self) -> None:
        """Stop before the next step."""
        if self._import is not None:
            self._import.cancel()

    def stop(self) -> None:
        """Stop where it is, if it runs. What it has done stays."""
        self.cancel()
        self.advance()

    def _end(self, importing: Import) -> None:
        """Close the file, remove the upload, and store how it ended."""
        self._import = None
        # The upload before the record: without it there may be room.
        for act, code in (
            (partial(self._save_report, importing.refused, importing.syncs), "no_report"),
            (self._remove_upload, "upload_stays"),
            (partial(self.save, importing.syncs), "no_record"),
        ):
            try:
                act()
            except OSError as error:
                one, problem = self.description, message(code, reason=error.strerror or str(error))
                if one.problem is not None:
                    problem = message("both", problem=one.problem, another=problem)
                state = "failed" if code == "no_report" else one.state
                self.description = replace(one, problem=problem, state=state)

    def as_dict(self) -> dict[str, Any]:
        """Everything about the job, as JSON has it. ``progress`` is the part of the file that is read."""
        progress, left = self._progress()
        one = self.description
        return asdict(one) | {
            "seconds": round(one.seconds, 3),
            "lints": [str(lint) for lint in one.lints],
            "problem": None if one.problem is None else str(one.problem),
            "refusals": [asdict(refused) | {"reason": str(refused.reason)} for refused in one.refusals],
            "rows_per_s": round(one.counts.get("rows", 0) / one.seconds) if one.seconds else None,
            "progress": progress,
            "seconds_left": left,
        }

    def _progress(self) -> tuple[float | None, float | None]:
        """The part that is done, and the seconds that are left."""
        if self._import is None:
            return (1.0 if self.description.state == "finished" else None), 0.0
        return self._import.progress

    def save(self, sync: bool) -> None:
        """Write the description beside the report; ``sync``: wait for the disk. Raises :class:`OSError`."""
        replace_file(self._record, [msgspec.json.encode(self.description)], sync)

    def forget(self) -> None:
        """Remove its files, as far as the disk lets go of them."""
        for path in (self._record, self.report_path):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _save_report(self, refused: IO[bytes] | None, sync: bool) -> None:
        if refused is not None:
            with refused:
                refused.seek(0)
                replace_file(self.report_path, iter(partial(refused.read, _BLOCK_BYTES), b""), sync)

    def _remove_upload(self) -> None:
        if self._upload is not None:
            self._upload.unlink(missing_ok=True)


class ImportJobs:
    """The imports of a server. Their files lie in ``folder`` (``None``: one that goes with the process).

    An import that was under way when its server died is found again as ``interrupted``; its batches are in.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._temporary: TemporaryDirectory[str] | None = None
        self._jobs: dict[str, Job] = {}
        if folder is not None and os.path.isdir(folder):
            self._find_again(folder)

    def upload_path(self) -> Path:
        """Where to put a file that comes in; it is removed at the end of its import.

        Raises :class:`OSError` if there can be no such place.
        """
        return self._made_folder() / f"{secrets.token_hex(8)}.upload"

    def start(
        self, upload: Path, name: str, plan: ImportPlan, workspace: Workspace, schedule: Schedule
    ) -> Job:
        """Check and start the import of an uploaded file; ``name`` is what the client calls it.

        Raises :class:`~emulator.rules.errors.Busy` and :class:`OSError`; then the upload is
        gone.
        """
        try:
            if sum(job.running for job in self.of(workspace.name)) >= MAX_RUNNING:
                raise Busy(Problem.of("workspace", "too_many", number=MAX_RUNNING))
            checked = check_plan(plan, Source(upload, name), workspace.store)
            return self._begin(checked, workspace, upload, schedule)
        except BaseException:
            with suppress(OSError):
                upload.unlink(missing_ok=True)
            raise

    def get(self, job_id: str, workspace: str) -> Job | None:
        """A workspace's job by its id."""
        return next((job for job in self.of(workspace) if job.description.id == job_id), None)

    def of(self, workspace: str) -> list[Job]:
        """A workspace's jobs, the newest first."""
        return [job for job in reversed(self._jobs.values()) if job.description.workspace == workspace]

    def forget_all_of(self, workspace: str) -> None:
        """Stop and forget the imports of a workspace that is deleted, with their files."""
        for job in self.of(workspace):
            job.stop()
            del self._jobs[job.description.id]
            job.forget()

    def close(self) -> None:
        """Stop all imports where they are: the server ends. What they have done stays."""
        for job in self._jobs.values():
            job.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _begin(self, checked: Checked, workspace: Workspace, upload: Path, schedule: Schedule) -> Job:
        folder = self._made_folder()
        importing = Import(checked, workspace, refusal_file(folder))
        job = Job(importing.description, folder)
        try:
            job.begin(importing, upload)
        except BaseException:
            importing.close()
            job.forget()
            raise
        self._jobs[job.description.id] = job
        self._forget_oldest()
        schedule(job)
        return job

    def _forget_oldest(self) -> None:
        over = max(0, len(self._jobs) - MAX_KEPT)
        for job in [job for job in self._jobs.values() if not job.running][:over]:
            del self._jobs[job.description.id]
            job.forget()

    def _made_folder(self) -> Path:
        """The folder, made when the first import needs it."""
        if self._folder is None:
            self._temporary = TemporaryDirectory(prefix="imports-")
            self._folder = Path(self._temporary.name)
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder

    def _find_again(self, folder: Path) -> None:
        some, many = "[0-9a-f]" * 12, "[0-9a-f]" * 16
        for left in chain(folder.glob(f"{many}*.upload"), folder.glob(f"{some}.json*.{many}.tmp")):
            with suppress(OSError):
                left.unlink(missing_ok=True)
        found = []
        for record in folder.glob("*.json"):
            with suppress(OSError, ValueError, RecursionError):  # of another version, or not ours
                description = msgspec.json.decode(record.read_bytes(), type=Description)
                if description.id == record.stem:
                    found.append(description)
        for description in sorted(found, key=lambda one: one.started):
            if description.state == "running":
                problem = message("interrupted")
                description = replace(description, state="interrupted", problem=problem)
            self._jobs[description.id] = Job(description, folder)


def at_once(job: Job) -> None:
    """A :data:`Schedule` without a loop: all steps now."""
    while job.advance():
        pass
