"""The execution of an import in small steps, each one transaction."""

from collections.abc import Iterator
from itertools import islice
from time import perf_counter

from emulator.importer.batch import Batch
from emulator.importer.checking import Checked
from emulator.importer.dry_run import DryWorld, World
from emulator.importer.problem import SourceBroken, Text, message
from emulator.importer.report import Report, State
from emulator.importer.rows import Rows
from emulator.importer.survey import Survey
from emulator.loop.gc_pause import collections_paused
from emulator.rules.errors import Refused
from emulator.store.errors import Unavailable
from emulator.workspaces.workspace import Workspace

#: Rows of one step while no request waits.
STEP_ROWS = 1000


class Import:
    """Carries out a checked plan.

    Work through :meth:`steps`, or call :meth:`step` until it answers false; between two steps anything
    may happen to the state. The first steps only look at the file, as :meth:`look` does; ``lints`` has what
    a person should know of it, all of it before the first row is imported. A batch counts when it is safe
    (``fsync`` mode waits for the disk): whatever goes wrong, ``report`` says up to which line rows are in.
    A report that has rows already lets the import continue after them; it has taken ``seconds`` so far.

    Raises :class:`OSError` if the file can no longer be opened.
    """

    def __init__(self, checked: Checked, workspace: Workspace, report: Report, seconds: float = 0.0) -> None:
        self.report = report
        self.lints = checked.lints
        self._checked = checked
        self._workspace = workspace
        self._world: World = DryWorld(workspace) if checked.plan.dry_run else workspace
        self.seconds = seconds
        self._after = report.up_to_line
        self._cancelled = False
        self._broken: Text | None = None
        layout = checked.layout
        self._rows = Rows(checked.source, layout.encoding, layout.dialect)
        self._survey = None if self._after else Survey(checked)
        self._line = 0
        if layout.names is not None:
            self._line = next(self._rows)[0]

    @property
    def progress(self) -> tuple[float, float | None]:
        """The part of the file that is done, and the seconds that are left, if anybody can know."""
        done, size = self._rows.bytes_done, self._rows.bytes_total
        part = round(done / size, 4) if size else 1.0
        return part, round(self.seconds / part - self.seconds, 1) if part else None

    def steps(self, rows: int = STEP_ROWS) -> Iterator[int]:
        """All steps, each of this many rows; yields after each how many rows are done."""
        more = True
        while more:
            more = self.step(rows)
            yield self.report.counts["rows"]

    def look(self, seconds: float | None = None) -> bool:
        """Look at some more rows before the import, for about so long. False when all of them are seen."""
        if self._survey is None or self._cancelled:
            return False
        since = perf_counter()
        more = self._survey.look(seconds)
        self.lints = [*self._checked.lints, *self._survey.lints()]
        if not more:
            self._survey = None
        self.seconds += perf_counter() - since
        return more

    def step(self, rows: int = STEP_ROWS, seconds: float | None = None) -> bool:
        """Import the next rows as one transaction: at most ``rows`` of them, for about ``seconds``.

        False when the import is over; the report's ``state`` then says how it ended.
        Raises :class:`OSError` if the report cannot be written.
        """
        if self.report.state != "running":
            return False
        if self._cancelled:
            return self._end("cancelled")
        if self._workspace.store.held is not None:  # the whole state is changed just now
            return True
        if self._survey is not None:
            self.look(seconds)
            return True
        since = perf_counter()
        if self._line < self._after:
            self._skip(None if seconds is None else since + seconds)
            return True
        try:
            batch = Batch(self._checked, self._world)
            with collections_paused(), self._world.store.batch():
                line, ended = self._take(batch, rows, None if seconds is None else since + seconds)
            self._workspace.touch()
            self._workspace.store.sync()
        except Refused as error:
            return self._end("failed", error.text)
        except Unavailable as error:
            problem = message("not_stored", rows=rows, error=str(error))
            return self._end("failed", problem)
        self._line = line
        self._world.metrics.rules.update(batch.rules)
        self.report.take(batch.counts, batch.refusals, line)
        self.seconds += perf_counter() - since
        if self._broken is not None:
            return self._end("failed", message("broken_after", line=line, problem=self._broken))
        return self._end("finished") if ended else True

    def cancel(self) -> None:
        """Stop before the next step; stored rows stay."""
        self._cancelled = True

    def close(self) -> None:
        """Let go of the file, without an end: for a process that stops."""
        self._close_survey()
        self._rows.close()
        self.report.close()

    def _skip(self, deadline: float | None) -> None:
        for line, _ in self._rows:
            self._line = line
            if line >= self._after or (deadline is not None and perf_counter() >= deadline):
                return

    def _take(self, batch: Batch, rows: int, deadline: float | None) -> tuple[int, bool]:
        line, count = self._line, 0
        try:
            for line, row in islice(self._rows, rows):
                batch.take(line, row)
                count += 1
                if deadline is not None and perf_counter() >= deadline:
                    return line, False
        except SourceBroken as error:
            self._broken = error.text
        return line, count < rows

    def _end(self, state: State, problem: Text | None = None) -> bool:
        self._close_survey()
        self._rows.close()
        self.report.finish(state, problem)
        return False

    def _close_survey(self) -> None:
        if self._survey is not None:
            self._survey.close()
