"""Looking at a state directory without touching it: what is there, and whether it is as it must be."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from emulator.store.errors import DamagedState, StateError
from emulator.store.invariants import breaches
from emulator.store.journal import JournalReport, read_journal
from emulator.store.recovery import Recovered, find_journals, nothing_stored, recover
from emulator.store.snapshot import FORMAT, read_header
from emulator.store.state import State
from emulator.store.tables import SPECS

#: What the state file of a workspace, and a repaired copy of one, are called without ``.json``.
_STEM = re.compile(r"[a-z0-9_-]{1,64}(\.repaired)?")
_JOURNAL = re.compile(r"(.+)\.[0-9]+\.journal")
#: More findings of one file than these are only counted.
MAX_FINDINGS = 100


@dataclass(frozen=True)
class Finding:
    """Something that is not as it must be; ``offset`` in bytes, where a file is damaged."""

    path: Path
    text: str
    offset: int | None = None

    def __str__(self) -> str:
        where = "" if self.offset is None else f" at byte {self.offset}"
        return f"{self.path.name}{where}: {self.text}"


@dataclass(frozen=True)
class JournalFacts:
    """One journal: how many transactions it holds, how many bytes it has, how many of them are torn."""

    path: Path
    transactions: int
    size: int
    torn_bytes: int
    superseded: bool = False


@dataclass
class Report:
    """What was found of one state file. Nothing in ``findings``: it is good.

    ``counts`` has the documents of each table. Where the state cannot be read, it and the numbers are empty.
    """

    path: Path
    size: int | None = None
    format: int | None = None
    generation: int | None = None
    counts: dict[str, int] = field(default_factory=dict)
    journals: list[JournalFacts] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    more_findings: int = 0

    @property
    def torn_bytes(self) -> int:
        """Bytes of an unfinished transaction, which the next start cuts off: no damage."""
        return sum(one.torn_bytes for one in self.journals if not one.superseded)

    def find(self, path: Path, text: str, offset: int | None = None) -> None:
        """One finding more."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(path, text, offset))
        else:
            self.more_findings += 1


def state_files(folder: Path) -> list[Path]:
    """The state files of a directory, those included of which only journals are left.

    Raises :class:`OSError` if it cannot be read.
    """
    stems = set()
    for path in folder.iterdir():
        journal = _JOURNAL.fullmatch(path.name)
        stem = journal[1] if journal else path.stem if path.suffix == ".json" else ""
        if _STEM.fullmatch(stem):
            stems.add(stem)
    return [folder / f"{stem}.json" for stem in sorted(stems)]


def examine(folder: Path) -> list[Report]:
    """A report on each state file of a directory. Raises :class:`OSError` if it cannot be read."""
    return [examine_file(path) for path in state_files(folder)]


def examine_file(path: Path) -> Report:
    """A report on one state file. Raises :class:`OSError` if it cannot be read."""
    report = Report(path)
    try:
        if nothing_stored(path):
            return report
        report.size = path.stat().st_size
        recovered = recover(path, SPECS)
    except DamagedState as damage:
        report.find(damage.path, damage.reason, damage.offset)
        _look_at_journals(report, _generation_of(path))
    except StateError as error:
        report.find(path, str(error))
    else:
        _look_at_state(report, recovered)
        _look_at_journals(report, recovered.header.generation)
    return report


def _generation_of(path: Path) -> int:
    try:
        return read_header(path).generation
    except (StateError, OSError):
        return 0


def _look_at_state(report: Report, recovered: Recovered) -> None:
    state = recovered.state
    report.format, report.generation = FORMAT, recovered.last.generation
    report.counts = {name: len(table.documents) for name, table in state.tables.items()}
    for text in wrong_indexes(state):
        report.find(report.path, text)
    for breach in breaches(state):
        report.find(report.path, breach.text)


def _look_at_journals(report: Report, generation: int) -> None:
    """Count what each journal holds; ``generation``: that of the first one that counts."""
    for number, path in find_journals(report.path).items():
        facts, transactions = JournalReport(), 0
        size = path.stat().st_size
        try:
            for _ in read_journal(path, facts):
                transactions += 1
        except DamagedState as damage:
            if number >= generation and all(one.path != path for one in report.findings):
                report.find(path, damage.reason, damage.offset)
        except StateError as error:
            report.find(path, str(error))
        report.journals.append(JournalFacts(path, transactions, size, facts.torn_bytes, number < generation))


def wrong_indexes(state: State) -> list[str]:
    """Which indexes are not what a fresh look at the documents would make."""
    wrong = []
    for name, table in state.tables.items():
        again = State(SPECS).table(name)
        for doc_id, document in table.documents.items():
            again.put(doc_id, document)
        for index, entries in table.indexes.items():
            if dict(entries.entries()) != dict(again.indexes[index].entries()):
                wrong.append(f'the index "{index}" of {name} is not what its documents make')
    return wrong
