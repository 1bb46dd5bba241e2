"""One import that runs step by step, and what is said of it."""

import secrets
import traceback
from collections.abc import Coroutine, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import asdict, replace

from emulator.importer.checking import Checked
from emulator.importer.execution import STEP_ROWS, Import
from emulator.importer.problem import Text, message
from emulator.importer.report import COUNTED, Description
from emulator.store.files import replace_file
from emulator.workspaces.workspace import Workspace

#: Seconds of one step where nobody else asks for anything.
STEP_S = 0.004
#: Refusals that an answer shows; the report has all.
SHOWN_REFUSALS = 100


class Job:
    """One import: ``description`` is brought up to date by :meth:`as_dict`.

    It ends whatever happens. Then its upload is removed and ``description.problem`` says what went wrong,
    the disk's refusals to take the report or the record included.
    """

    def __init__(self, description: Description, folder: Path) -> None:
        self.description = description
        self.report_path = folder / f"{description.id}.jsonl"
        self._record = folder / f"{description.id}.json"
        self._import: Import | None = None
        self._upload: Path | None = None

    @property
    def running(self) -> bool:
        return self.description.state == "running"

    @property
    def has_report(self) -> bool:
        """Whether it is over and has left a report."""
        return not self.running and self.report_path.exists()

    def refused(self) -> Iterable[bytes] | Coroutine[Any, Any, Iterable[bytes]]:
        """What :func:`~emulator.importer.report.read_refusals` reads. Raises :class:`OSError`."""
        return self.report_path.read_bytes().splitlines()

    def begin(self, importing: Import, upload: Path) -> None:
        """Take charge of an import and of the file that it reads. Raises :class:`OSError`."""
        self._import, self._upload = importing, upload
        importing.look(STEP_S)  # the answer to the call has the remarks on a small file
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
            self._fail(message("no_report", reason=error.strerror or str(error)))
        except Exception as error:
            with suppress(OSError, ValueError):  # a full disk may be behind standard error too
                traceback.print_exc()
            self._fail(message("internal_error", name=type(error).__name__))
        self._end(self._import)
        return False

    def cancel(self) -> None:
        """Stop before the next step."""
        if self._import is not None:
            self._import.cancel()

    def stop(self) -> None:
        """Stop where it is, if it runs. What it has done stays."""
        self.cancel()
        self.advance()

    def _end(self, importing: Import) -> None:
        """Let go of the file and the upload, and write down how it ended."""
        self._import = None
        importing.close()
        self.description = described(self.description, importing)
        # The upload first: without it there may be room for the record.
        for act, code in ((self._remove_upload, "upload_stays"), (self.save, "no_record")):
            try:
                act()
            except OSError as error:
                problem = message(code, reason=error.strerror or str(error))
                self.description = replace(self.description, problem=_both(self.description.problem, problem))

    def as_dict(self) -> dict[str, Any]:
        """Everything about the job, as JSON has it. ``progress`` is the part of the file that is read."""
        progress, left = self._progress()
        one = self.description
        return asdict(one) | {
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
        self.description = described(self.description, self._import)
        return self._import.progress

    def save(self) -> None:
        """Write the description beside the report. Raises :class:`OSError`."""
        replace_file(self._record, [msgspec.json.encode(self.description)])

    def forget(self) -> None:
        """Remove its files, as far as the disk lets go of them."""
        for path in (self._record, self.report_path):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _fail(self, problem: Text) -> None:
        if self._import is not None:
            report = self._import.report
            with suppress(Exception):  # by then the state is set
                report.finish("failed", _both(report.problem, problem))

    def _remove_upload(self) -> None:
        if self._upload is not None:
            self._upload.unlink(missing_ok=True)


def described(before: Description, importing: Import) -> Description:
    """The description of an import as it is now."""
    report = importing.report
    return replace(
        before,
        state=report.state,
        problem=report.problem,
        up_to_line=report.up_to_line,
        lints=importing.lints,
        counts=dict.fromkeys(COUNTED, 0) | report.counts,
        seconds=round(importing.seconds, 3),
        refusals=report.refusals[:SHOWN_REFUSALS],
    )


def _both(problem: Text | None, another: Text) -> Text:
    return another if problem is None else message("both", problem=problem, another=another)


def describe(checked: Checked, workspace: Workspace) -> Description:
    """The description of a job that begins."""
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
        status_column=plan.status_column,
    )
