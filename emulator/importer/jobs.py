"""Imports that run inside a server, step by step while it answers requests. Knows no framework and no loop.

A server supplies a :data:`Schedule`, which decides how long the steps and the breaks between them are.
"""

import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
from msgspec.structs import replace

from emulator.importer.checking import Checked, check_plan
from emulator.importer.execution import Import
from emulator.importer.job import STEP_S, Job
from emulator.importer.plan import ImportPlan
from emulator.importer.problem import Problem, TooManyImports, message
from emulator.importer.report import Description, refusal_file
from emulator.importer.sources import Source
from emulator.workspaces.workspace import Workspace

#: One step of an import, of about so many seconds: whether there are more.
Advance = Callable[[float], bool]
#: Calls what it is given again and again, as long as there are more steps, and lets others work in between.
Schedule = Callable[[Advance], object]

#: Imports of one workspace that may run at a time.
MAX_RUNNING = 4
#: Imports that are remembered, with their reports.
MAX_KEPT = 50


class ImportJobs:
    """The imports of a server. Their files lie in ``folder`` (``None``: one that goes with the process).

    An import that was under way when its server died is found again as ``interrupted``; its batches are in.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._temporary: TemporaryDirectory[str] | None = None
        self._jobs: dict[str, Job] = {}
        if folder is not None and folder.is_dir():
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

        Raises :class:`~emulator.importer.problem.ImportRefused` and :class:`OSError`; then the upload is
        gone.
        """
        try:
            if sum(job.running for job in self.of(workspace.name)) >= MAX_RUNNING:
                raise TooManyImports([Problem("workspace", message("too_many", number=MAX_RUNNING))])
            checked = check_plan(plan, Source(upload, name), workspace.store)
            return self._begin(checked, workspace, upload, schedule)
        except BaseException:
            with suppress(OSError):
                upload.unlink(missing_ok=True)
            raise

    def get(self, job_id: str, workspace: str) -> Job | None:
        """A workspace's job by its id."""
        job = self._jobs.get(job_id)
        return job if job is not None and job.description.workspace == workspace else None

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
            job.forget()
            raise
        self._jobs[job.description.id] = job
        self._forget_oldest()
        schedule(job.advance)
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
        for left in folder.glob(f"{'[0-9a-f]' * 16}*.upload"):
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


def at_once(advance: Advance) -> None:
    """A :data:`Schedule` where there is no loop: all of it, now."""
    while advance(STEP_S):
        pass
