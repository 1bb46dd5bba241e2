"""The read-only check of a state directory: contents, problems, and how to continue."""

import os
import re
import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count
from pathlib import Path

from emulator.store.errors import DamagedState, StateError
from emulator.store.files import is_readable
from emulator.store.invariants import breaches, unreadable
from emulator.store.lock import was_held
from emulator.store.log_format import LogReport, is_log, read_log
from emulator.store.recovery import STEM, Recovered, find_logs, nothing_stored, recover, stored_states
from emulator.store.snapshot import read_header
from emulator.store.state import State
from emulator.store.tables import REMEMBERED, SPECS, WORKSPACE

#: The workspace whose state every start needs.
DEFAULT = "default"
#: Raises :class:`ValueError` for a remembered document of this name that a server cannot use.
Judge = Callable[[str, bytes], object]
_JOURNAL = re.compile(r"(.+)\.([0-9]+)\.journal")
#: The most findings that are listed for one file; more are counted.
MAX_FINDINGS = 100


@dataclass(frozen=True)
class Finding:
    """A problem; ``offset``: the byte at which a file is damaged."""

    path: Path
    text: str
    offset: int | None = None

    def __str__(self) -> str:
        where = "" if self.offset is None else f" at byte {self.offset}"
        return f"{self.path.name}{where}: {self.text}"


@dataclass(frozen=True)
class LogFacts:
    """One log: its transactions, its bytes, its torn bytes."""

    path: Path
    transactions: int
    size: int
    torn_bytes: int
    superseded: bool = False


@dataclass
class DoctorReport:
    """The result for one state file. Without ``findings`` it is valid.

    ``counts``: the number of documents in each table. For an unreadable state this and the other numbers are
    empty. ``starts``: whether a server starts with it. ``advice``: what is lost and how to continue, line by
    line.
    """

    path: Path
    size: int | None = None
    format: int | None = None
    generation: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    logs: list[LogFacts] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    more_findings: int = 0
    starts: bool = True
    advice: list[str] = field(default_factory=list)

    @property
    def torn_bytes(self) -> int:
        """Bytes of an unfinished transaction, which the next start cuts off; they are no damage."""
        return sum(one.torn_bytes for one in self.logs if not one.superseded)

    def find(self, path: Path, text: str, offset: int | None = None) -> None:
        """Add a finding."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(path, text, offset))
        else:
            self.more_findings += 1


def state_files(folder: Path) -> list[Path]:
    """The state files of a directory, including those of which only logs are left.

    That of the default workspace is included if an emulator has held the directory, even if it is not
    written yet. Foreign files are omitted, except one in its place. Raises :class:`OSError` if the directory
    cannot be read.
    """
    stems = {path.stem for path in stored_states(folder)}
    if was_held(folder):
        stems.add(DEFAULT)
    for path in folder.iterdir():
        if path.name == f"{DEFAULT}.json":
            stems.add(DEFAULT)
        match = _JOURNAL.fullmatch(path.name)
        if match and STEM.fullmatch(match[1]) and is_readable(is_log, path):
            stems.add(match[1])
    return [folder / f"{stem}.json" for stem in sorted(stems)]


def examine(folder: Path, judge: Judge = lambda name, document: None) -> list[DoctorReport]:
    """A report on each state file of a directory. Raises :class:`OSError` if it cannot be read."""
    return [_examine_file(path, judge) for path in state_files(folder)]


def _examine_file(path: Path, judge: Judge) -> DoctorReport:
    """A report on one state file. Raises :class:`OSError` if it cannot be read."""
    report = DoctorReport(path)
    try:
        if nothing_stored(path):
            return report
        report.size = path.stat().st_size
        recovered = recover(path, SPECS)
    except DamagedState as damage:
        report.starts = False
        report.find(damage.path, damage.reason, damage.offset)
        _look_at_logs(report, _generation_of(path))
        report.advice += _advise(report, damage)
    except StateError as error:
        report.starts = False
        report.find(path, str(error))
    except PermissionError as error:
        if not os.access(path.parent, os.X_OK):  # no file of this directory can be read
            raise
        report.size = path.stat().st_size if path.exists() else None
        report.starts = False
        report.find(Path(error.filename), f"cannot be read: {error.strerror}")
    else:
        _look_at_state(report, recovered, judge)
        _look_at_logs(report, recovered.header.generation)
        if report.findings:
            report.advice += _start_anew(report) if not report.starts else [_SET_RIGHT]
    return report


_SET_RIGHT = (
    "nothing is lost: a server starts with it as it is. Set it right through the admin API, or `reset`"
)


def _advise(report: DoctorReport, damage: DamagedState) -> Iterator[str]:
    """The loss in a damaged state, and the commands after which a server starts again."""
    paths = [one.path for one in report.logs]
    if damage.offset == 0 or damage.path not in paths:
        yield from _start_anew(report)
        return
    later = report.logs[paths.index(damage.path) :]
    lines = damage.path.read_bytes()[damage.offset :].count(b"\n")
    lost = max(1, lines) + sum(one.transactions for one in later[1:])
    yield f"{lost:,} transaction(s), from there on, are lost; all before are whole. To go on with those:"
    yield from _set_aside(report, [one.path for one in later])
    kept = _aside(report) / damage.path.name
    yield f"  head -c {damage.offset} {shlex.quote(str(kept))} > {shlex.quote(str(damage.path))}"


def _start_anew(report: DoctorReport) -> Iterator[str]:
    yield "what is in it is lost, unless you have a copy of the directory or an export. To go on without it:"
    there = [one.path for one in report.logs]
    yield from _set_aside(report, [report.path, *there] if report.path.exists() else there)
    yield "then the workspace begins with the fixtures; PUT /__admin/snapshot reads an export back"


def _aside(report: DoctorReport) -> Path:
    """A folder that does not exist yet."""
    names = chain(["damaged"], (f"damaged-{number}" for number in count(2)))
    paths = (report.path.with_suffix(f".{name}") for name in names)
    return next(path for path in paths if not path.exists())


def _set_aside(report: DoctorReport, paths: list[Path]) -> Iterator[str]:
    yield f"  {shlex.join(['mkdir', str(_aside(report))])}"
    yield f"  {shlex.join(['mv', *map(str, paths), str(_aside(report))])}"


def _generation_of(path: Path) -> int:
    try:
        return read_header(path).generation
    except (StateError, OSError):
        return 0


def _look_at_state(report: DoctorReport, recovered: Recovered, judge: Judge) -> None:
    state = recovered.state
    report.format, report.generation = recovered.header.format, recovered.last.generation
    report.counts = {name: len(table.documents) for name, table in state.tables.items()}
    fatal = [*unreadable(state), *_misremembered(state, judge)]
    report.starts = not fatal
    for text in fatal:
        report.find(report.path, text)
    for text in wrong_indexes(state):
        report.find(report.path, text)
    if report.starts:
        for text in breaches(state):
            report.find(report.path, text)


def _misremembered(state: State, judge: Judge) -> Iterator[str]:
    documents = state.table(WORKSPACE).documents
    for doc_id, name in enumerate(REMEMBERED, 1):
        document = documents.get(doc_id)
        if document is not None:
            try:
                judge(name, document)
            except ValueError as error:
                yield str(error)


def _look_at_logs(report: DoctorReport, generation: int) -> None:
    """Count the contents of each log; ``generation``: the generation of the first valid log."""
    for number, path in find_logs(report.path).items():
        facts, transactions = LogReport(), 0
        size = path.stat().st_size
        try:
            for _ in read_log(path, facts):
                transactions += 1
        except DamagedState as damage:
            if number >= generation and all(one.path != path for one in report.findings):
                report.find(path, damage.reason, damage.offset)
        except StateError as error:
            report.find(path, str(error))
        superseded = number < generation
        report.logs.append(LogFacts(path, transactions, size, facts.torn_bytes, superseded))


def wrong_indexes(state: State) -> list[str]:
    """The indexes that differ from indexes built anew from the documents."""
    wrong = []
    for name, table in state.tables.items():
        again = State(SPECS).table(name)
        for doc_id, document in table.documents.items():
            again.put(doc_id, document)
        for index, entries in table.indexes.items():
            if dict(entries.entries()) != dict(again.indexes[index].entries()):
                wrong.append(f'the index "{index}" of {name} is not what its documents make')
    return wrong
