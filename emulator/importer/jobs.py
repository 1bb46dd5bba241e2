"""Imports that run inside a server, step by step while it answers requests. Knows no framework and no loop.

A server supplies a :data:`Schedule`, which decides how long the steps and the breaks between them are.
"""

from __future__ import annotations

import re
import secrets
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from msgspec import Struct, field

from emulator.importer.checking import Checked, check_plan
from emulator.importer.execution import STEP_ROWS, Import
from emulator.importer.plan import ImportPlan
from emulator.importer.problem import Problem, TooManyImports
from emulator.importer.report import Report, interrupted_at, report_files
from emulator.importer.sources import Source
from emulator.store.files import replace_file
from emulator.workspaces.workspace import Workspace

#: One step of an import, of about so many seconds: whether there are more.
Advance = Callable[[float], bool]
#: Calls what it is given again and again, as long as there are more steps, and lets others work in between.
Schedule = Callable[[Advance], object]

#: Seconds of one step where nobody else asks for anything.
STEP_S = 0.004
#: Imports of one workspace that may run at a time.
MAX_RUNNING = 4
#: Imports that are remembered, with their reports.
MAX_KEPT = 50
#: Refusals that an answer shows; the report has all.
SHOWN_REFUSALS = 100
#: The problem of an import that was under way when its server died.
INTERRUPTED = "its end is not recorded: the server or its disk failed; import the file again for the rest"


_UPLOAD = re.compile(r"[0-9a-f]{16}\.upload")


class Description(Struct):
    """What stays the same of a job, and how it ended; kept as JSON beside its report."""

    id: str
    workspace: str
    file: str
    started: str
    dry_run: bool
    resource: int
    provider: str
    match: str
    token_column: str
    encoding: str
    delimiter: str
    header: list[str] | None
    lints: list[str]
    state: str = "running"
    problem: str | None = None
    up_to_line: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    refusals: list[dict[str, Any]] = field(default_factory=list)


class Job:
    """One import: ``description`` is brought up to date by :meth:`as_dict`.

    It ends whatever happens. Then its upload is removed and ``description.problem`` says what went wrong,
    the disk's refusals to take the report or the record included.
    """

    def __init__(self, description: Description, folder: Path) -> None:
        self.description = description
        self.report_path = folder / f"{description.id}.csv"
        self._record = folder / f"{description.id}.json"
        self._import: Import | None = None
        self._upload: Path | None = None

    @property
    def running(self) -> bool:
        return self.description.state == "running"

    def begin(self, importing: Import, upload: Path) -> None:
        """Take charge of an import and of the file that it reads. Raises :class:`OSError`."""
        self._import, self._upload = importing, upload
        try:
            self.save()
        except BaseException:
            importing.close()
            raise

    def advance(self, seconds: float = STEP_S) -> bool:
        """One step of about so many seconds: whether there are more. Never raises."""
        if self._import is None:
            return False
        try:
            if self._import.step(STEP_ROWS, seconds):
                return True
        except OSError as error:
            self._fail(self._import.report, f"the report cannot be written: {error.strerror or error}")
        except Exception as error:
            with suppress(OSError, ValueError):  # a full disk may be behind standard error too
                traceback.print_exc()
            self._fail(self._import.report, f"internal error: {type(error).__name__}")
        self.end()
        return False

    def cancel(self) -> None:
        """Stop before the next step."""
        if self._import is not None:
            self._import.cancel()

    def end(self) -> None:
        """Let go of the file and the upload, and write down how it ended. Never raises."""
        importing, self._import = self._import, None
        if importing is None:
            return
        importing.close()
        self._bring_up_to_date(importing)
        # The upload first: without it there may be room for the record.
        for act, what in (
            (self._remove_upload, "the upload cannot be removed"),
            (self.save, "this cannot be written down"),
        ):
            try:
                act()
            except OSError as error:
                problem = f"{what}: {error.strerror or error}"
                self.description.problem = _both(self.description.problem, problem)

    def as_dict(self) -> dict[str, Any]:
        """Everything about the job, as JSON has it. ``progress`` is the part of the file that is read."""
        shown: dict[str, Any] = {}
        if self._import is not None:
            self._bring_up_to_date(self._import)
            done = self._import.progress
            part = done.bytes_done / done.bytes_total if done.bytes_total else 1.0
            left = done.seconds / part - done.seconds if part else None
            shown = {"progress": round(part, 4), "seconds_left": None if left is None else round(left, 1)}
        else:
            shown = {"progress": None if self.description.state != "finished" else 1.0, "seconds_left": 0.0}
        described: dict[str, Any] = msgspec.to_builtins(self.description)
        seconds = self.description.seconds
        described["rows_per_s"] = round(described["counts"].get("rows", 0) / seconds) if seconds else None
        return described | shown

    def save(self) -> None:
        """Write the description beside the report. Raises :class:`OSError`."""
        replace_file(self._record, [msgspec.json.encode(self.description)])

    def forget(self) -> None:
        """Remove its files, as far as the disk lets go of them."""
        for path in (self._record, *report_files(self.report_path)):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _fail(self, report: Report, problem: str) -> None:
        with suppress(Exception):  # by then the state is set
            report.finish("failed", _both(report.problem, problem))

    def _remove_upload(self) -> None:
        if self._upload is not None:
            self._upload.unlink(missing_ok=True)

    def _bring_up_to_date(self, importing: Import) -> None:
        one, report = self.description, importing.report
        one.state, one.problem, one.up_to_line = report.state, report.problem, report.up_to_line
        one.counts = report.counts.as_dict()
        one.seconds = round(importing.progress.seconds, 3)
        one.refusals = [refusal._asdict() for refusal in report.refusals[:SHOWN_REFUSALS]]


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

    def check(self, upload: Path, name: str, plan: ImportPlan, workspace: Workspace) -> Checked:
        """The checked plan. Raises :class:`~emulator.importer.problem.ImportRefused`."""
        return check_plan(plan, Source(upload, name), workspace.store)

    def start(
        self, upload: Path, name: str, plan: ImportPlan, workspace: Workspace, schedule: Schedule
    ) -> Job:
        """Check and start the import of an uploaded file; ``name`` is what the client calls it.

        Raises :class:`~emulator.importer.problem.ImportRefused` and :class:`OSError`; then the upload is
        gone.
        """
        try:
            if sum(job.running for job in self.of(workspace.name)) >= MAX_RUNNING:
                text = f"{MAX_RUNNING} imports are running in this workspace: wait for one, or cancel it"
                raise TooManyImports([Problem("workspace", text)])
            checked = self.check(upload, name, plan, workspace)
            job = Job(_describe(checked, workspace), self._made_folder())
            try:
                report = Report(job.report_path)
                job.begin(Import(checked, workspace, report, lambda: _settle(workspace)), upload)
            except BaseException:
                job.forget()
                raise
        except BaseException:
            with suppress(OSError):
                upload.unlink(missing_ok=True)
            raise
        self._jobs[job.description.id] = job
        self._forget_oldest()
        schedule(job.advance)
        return job

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
            if job.running:
                job.cancel()
                job.advance()
            del self._jobs[job.description.id]
            job.forget()

    def close(self) -> None:
        """Stop all imports where they are: the server ends. What they have done stays."""
        for job in self._jobs.values():
            if job.running:
                job.cancel()
                job.advance()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _forget_oldest(self) -> None:
        over = [job for job in self._jobs.values() if not job.running][: max(0, len(self._jobs) - MAX_KEPT)]
        for job in over:
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
        for left in folder.glob("*.upload"):
            if _UPLOAD.fullmatch(left.name):
                with suppress(OSError):
                    left.unlink(missing_ok=True)
        found = []
        for record in folder.glob("*.json"):
            with suppress(OSError, ValueError, RecursionError):  # of another version, or not ours
                description = msgspec.json.decode(record.read_bytes(), type=Description)
                if description.id == record.stem:
                    found.append(description)
        for description in sorted(found, key=lambda one: one.started):
            job = self._jobs[description.id] = Job(description, folder)
            if job.running:
                description.state = "interrupted"
                description.up_to_line = interrupted_at(job.report_path)
                description.problem = INTERRUPTED


def at_once(advance: Advance) -> None:
    """A :data:`Schedule` where there is no loop: all of it, now."""
    while advance(STEP_S):
        pass


def _both(problem: str | None, another: str) -> str:
    return f"{problem}; {another}" if problem else another


def _settle(workspace: Workspace) -> None:
    workspace.touch()
    workspace.store.sync()


def _describe(checked: Checked, workspace: Workspace) -> Description:
    plan, layout = checked.plan, checked.layout
    return Description(
        secrets.token_hex(6),
        workspace.name,
        checked.source.name,
        workspace.clock.timestamp(),
        plan.dry_run,
        checked.resource.id,
        plan.provider,
        str(plan.match),
        plan.token_column,
        layout.encoding,
        layout.dialect.delimiter,
        layout.names,
        checked.lints,
    )
