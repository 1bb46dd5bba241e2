"""One import that runs step by step, and what is said of it."""

import traceback
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec.structs import asdict, replace

from emulator.importer.execution import STEP_ROWS, Import
from emulator.importer.problem import message
from emulator.importer.report import Description
from emulator.store.files import replace_file

#: Seconds of one step where nobody else asks for anything.
STEP_S = 0.004
_BLOCK_BYTES = 1 << 20


class Job:
    """One import, and its ``description`` as of the last step.

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

    async def refused(self) -> Iterable[bytes]:
        """What :func:`~emulator.importer.report.report_csv` reads. Raises :class:`OSError`."""
        return self.report_path.read_bytes().splitlines()

    def begin(self, importing: Import, upload: Path) -> None:
        """Take charge of an import and of the file that it reads. Raises :class:`OSError`."""
        self._import, self._upload = importing, upload
        importing.look(STEP_S)  # the answer to the call has the remarks on a small file
        self.description = importing.description
        try:
            self.save()
        except BaseException:
            importing.close()
            raise

    def advance(self, seconds: float = STEP_S) -> bool:
        """One step of about so many seconds: whether there are more. Never raises."""
        importing, more = self._import, False
        if importing is None:
            return False
        try:
            more = importing.step(STEP_ROWS, seconds)
        except Exception as error:
            with suppress(OSError, ValueError):  # a full disk may be behind standard error too
                traceback.print_exc()
            importing.end("failed", message("internal_error", name=type(error).__name__))
        self.description = importing.description
        if not more:
            self._end(importing)
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
        """Let go of the file and the upload, and write down how it ended."""
        self._import = None
        # The upload before the record: without it there may be room.
        for act, code in (
            (partial(self._save_report, importing.refused), "no_report"),
            (self._remove_upload, "upload_stays"),
            (self.save, "no_record"),
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

    def save(self) -> None:
        """Write the description beside the report. Raises :class:`OSError`."""
        replace_file(self._record, [msgspec.json.encode(self.description)])

    def forget(self) -> None:
        """Remove its files, as far as the disk lets go of them."""
        for path in (self._record, self.report_path):
            with suppress(OSError):
                path.unlink(missing_ok=True)

    def _save_report(self, refused: IO[bytes] | None) -> None:
        if refused is not None:
            with refused:
                refused.seek(0)
                replace_file(self.report_path, iter(partial(refused.read, _BLOCK_BYTES), b""))

    def _remove_upload(self) -> None:
        if self._upload is not None:
            self._upload.unlink(missing_ok=True)
