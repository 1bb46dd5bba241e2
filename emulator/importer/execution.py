"""The execution of an import in small steps, each one transaction."""

import secrets
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from itertools import islice
from time import perf_counter
from typing import IO, Any

from msgspec.structs import replace

from emulator.importer.batch import Batch
from emulator.importer.checking import Checked
from emulator.importer.problem import SourceBroken
from emulator.importer.report import SHOWN_REFUSALS, Description, State, refusal_lines
from emulator.importer.rows import Rows
from emulator.importer.survey import Survey
from emulator.loop.gc_pause import collections_paused
from emulator.rules.errors import Refused
from emulator.rules.interfaces import TakesLong
from emulator.rules.texts import Text, message
from emulator.store.errors import Unavailable
from emulator.workspaces.workspace import Workspace

#: Rows of one step while no request waits.
STEP_ROWS = 1000


class Import:
    """Carries out a checked plan.

    Call :meth:`step` until it answers false; between two steps anything may happen to the state. The first
    steps only look at the file, as :meth:`look` does; the ``lints`` of the ``description`` are complete
    before the first row is imported. A batch counts when it is safe (``fsync`` mode waits for the disk):
    whatever goes wrong, the description says up to which line rows are in. ``refused`` gets every refusal
    (:func:`~emulator.importer.report.refusal_lines`); ``continued``: the description of an import that goes
    on where it was.

    Raises :class:`OSError` if the file can no longer be opened.
    """

    def __init__(
        self,
        checked: Checked,
        workspace: Workspace,
        refused: IO[bytes] | None = None,
        continued: Description | None = None,
    ) -> None:
        self.description = continued or _described(checked, workspace)
        self.refused = refused
        self.checked = checked
        self._workspace = workspace
        self._target = workspace.fork() if checked.plan.dry_run else workspace
        self._after = self.description.up_to_line
        self._cancelled = False
        self._broken: Text | None = None
        layout = checked.layout
        self._rows = Rows(checked.source, layout.encoding, layout.dialect)
        self._survey = None if self._after else Survey(checked)
        self._line = 0
        self._put_off: tuple[int, list[str]] | None = None
        if layout.names is not None:
            self._line = next(self._rows)[0]

    @property
    def takes_long(self) -> bool:
        """Whether the next row reads or changes very many records: it is a step for :meth:`beside`."""
        return self._put_off is not None

    @property
    def syncs(self) -> bool:
        """Whether a batch counts when it has reached the disk."""
        return self._workspace.store.storage.syncs

    @property
    def progress(self) -> tuple[float, float | None]:
        """The part of the file that is done, and the seconds that are left, if known."""
        done, size = self._rows.bytes_done, self._rows.bytes_total
        part, seconds = round(done / size, 4) if size else 1.0, self.description.seconds
        return part, round(seconds / part - seconds, 1) if part else None

    def look(self, seconds: float | None = None) -> bool:
        """Look at some more rows before the import, for about so long. False when all of them are seen."""
        if self._survey is None or self._cancelled:
            return False
        since = perf_counter()
        with collections_paused():
            more = self._survey.look(seconds)
        self._tell(since, lints=[*self.checked.lints, *self._survey.lints()])
        if not more:
            self._survey = None
        return more

    async def beside(self, step: Callable[[], bool]) -> bool:
        """Do a step in a thread, beside the requests of other workspaces. Raises :class:`Unavailable`."""
        async with self._workspace.store.alone():
            return await self._target.store.beside(step)

    def step(self, rows: int = STEP_ROWS, seconds: float | None = None, whole: bool = True) -> bool:
        """Import the next rows as one transaction: at most ``rows`` of them, for about ``seconds``.

        False when the import is over; the description's ``state`` then says how it ended. Unless ``whole``,
        it ends before a row that :attr:`takes_long`.
        """
        if self.description.state != "running":
            return False
        if self._cancelled:
            return self.end("cancelled")
        if self._workspace.store.held is not None and not self.takes_long:  # the whole state is changed
            return True
        if self._survey is not None:
            self.look(seconds)
            return True
        since = perf_counter()
        if self._line < self._after:
            self._skip(None if seconds is None else since + seconds)
            return True
        try:
            batch = Batch(self.checked, self._target)
            store = self._target.store
            at_once = store.at_once() if whole else nullcontext()
            with collections_paused(), at_once, store.batch():
                line, ended = self._take(batch, rows, None if seconds is None else since + seconds)
                batch.store()
            self._workspace.touch()
            self._workspace.store.sync()
        except Refused as error:
            return self.end("failed", error.text)
        except Unavailable as error:
            problem = message("not_stored", rows=rows, error=str(error))
            return self.end("failed", problem)
        self._line = line
        rules = self._target.metrics.rules
        for rule in batch.rules:
            rules[rule] += 1
        counts, shown = Counter(self.description.counts), self.description.refusals
        counts.update(batch.counts)
        shown = shown + batch.refusals[: SHOWN_REFUSALS - len(shown)]
        self._tell(since, counts=counts, refusals=shown, up_to_line=line)
        try:
            if self.refused is not None:
                self.refused.writelines(refusal_lines(batch.refusals))
        except OSError as error:
            self.refused = None  # not whole
            return self.end("failed", message("no_report", reason=error.strerror or str(error)))
        if self._broken is not None:
            return self.end("failed", message("broken_after", line=line, problem=self._broken))
        return self.end("finished") if ended else True

    def cancel(self) -> None:
        """Stop before the next step; stored rows stay."""
        self._cancelled = True

    def end(self, state: State, problem: Text | None = None) -> bool:
        """Close the file, and record in the description how it ended; no step is left."""
        self.close()
        self.description = replace(self.description, state=state, problem=problem)
        return False

    def close(self) -> None:
        """Close the file without an end: for a process that stops."""
        if self._survey is not None:
            self._survey.close()
        self._rows.close()

    def _tell(self, since: float, **changes: Any) -> None:
        """Add what was done since then to the description."""
        seconds = self.description.seconds + perf_counter() - since
        self.description = replace(self.description, seconds=seconds, **changes)

    def _skip(self, deadline: float | None) -> None:
        for line, _ in self._rows:
            self._line = line
            if line >= self._after or (deadline is not None and perf_counter() >= deadline):
                return

    def _take(self, batch: Batch, rows: int, deadline: float | None) -> tuple[int, bool]:
        count = 0
        if self._put_off is not None:
            batch.take(*self._put_off)
            line, self._put_off = self._put_off[0], None
            return line, False
        line = self._line
        try:
            for at, row in islice(self._rows, rows):
                batch.take(at, row)
                line = at
                count += 1
                if deadline is not None and perf_counter() >= deadline:
                    return line, False
        except TakesLong:
            self._put_off = at, row
            return line, False
        except SourceBroken as error:
            self._broken = error.text
        return line, count < rows


def _described(checked: Checked, workspace: Workspace) -> Description:
    """The description of an import that begins."""
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
