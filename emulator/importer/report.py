"""The result of an import: counts, and every refused row with its line number and reason."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import SimpleNamespace
from typing import IO, Literal

import msgspec
from msgspec import Struct, field

from emulator.importer.problem import Text
from emulator.rules.model import STATUSES
from emulator.store.files import replace_file
from push_emulator.workspace_answers import ImportStart

State = Literal["running", "finished", "cancelled", "failed", "interrupted"]

#: The counts with their words. Profiles and subscriptions count once for each database of the resource. Rows
#: are counted without blank lines; a row is refused once for each database that refuses it.
COUNTED = {
    "rows": "rows read",
    "profiles_created": "profiles created",
    "profiles_found": "profiles found",
    "added": "subscriptions added",
    "changed": "subscriptions changed",
    "unchanged": "subscriptions unchanged",
    "refused": "refused",
}
#: The counts of the rows of each status with their words; only an import with a status column has them.
STATUS_COUNTS: dict[str, str] = {status: f"rows {status}" for status in STATUSES}
_WITH_STATUSES = {"rows": COUNTED["rows"], **STATUS_COUNTS, **COUNTED}
#: Refusals that are kept in memory; the report file has all.
KEPT_REFUSALS = 1000
#: Characters of a refused value or token that are kept and shown.
_KEPT_CHARACTERS = 300
_IN_MEMORY_BYTES, _BLOCK_LINES = 1 << 20, 1 << 11
#: What begins a formula, in the wide letters of East Asia too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
#: A spreadsheet that finds it reads the file as UTF-8.
_MARK = "\ufeff"
#: The delimiters of a report by their names; a spreadsheet in Russian parts columns at a semicolon.
REPORT_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_HEADER = ("what", "count", "line", "database", "reason", "search value", "token")


class Refusal(Struct, frozen=True):
    """A row that was refused: in one database, or whole (``db_id`` None)."""

    line: int
    db_id: int | None
    reason: Text
    value: str
    token: str


class Description(ImportStart, frozen=True):
    """The plan of a job and its result; kept as JSON beside its report."""

    lints: list[Text]
    state: str = "running"
    problem: Text | None = None
    up_to_line: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)
    refusals: list[Refusal] = field(default_factory=list)
    status_column: str | None = None


def refusal(line: int, db_id: int | None, reason: Text, value: str, token: str) -> Refusal:
    """A refusal with shortened cells: thousands of large cells must not fill the memory."""
    return Refusal(line, db_id, reason, _cut(value), _cut(token))


def count_lines(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The numbers with their names, as people read them."""
    every = COUNTED if STATUS_COUNTS.keys().isdisjoint(counts) else _WITH_STATUSES
    return [(words, counts.get(name, 0)) for name, words in every.items()]


def report_words() -> Iterator[str]:
    """The words of a report, for the catalogs of other languages."""
    yield from (*_HEADER, "up to line", "state", "refused in all", *_WITH_STATUSES.values())


def report_csv(
    ended: Report | Description,
    refusals: Iterable[Refusal],
    delimiter: str = ",",
    told: Callable[[Text], str] = str,
) -> Iterator[bytes]:
    """A report as CSV in UTF-8 with a mark; ``told`` says each text in the reader's language."""
    said = told(ended.state) if ended.problem is None else f"{told(ended.state)}: {told(ended.problem)}"
    written = csv.writer(SimpleNamespace(write=str.encode), delimiter=delimiter).writerow
    yield _MARK.encode() + written(map(told, _HEADER))
    yield written((told("state"), "", "", "", _safe(said), "", ""))
    yield written((told("up to line"), "", ended.up_to_line, "", "", "", ""))
    for words, number in count_lines(ended.counts):
        words = "refused in all" if words == "refused" else words
        yield written((told(words), number, "", "", "", "", ""))
    refused = told("refused")
    for one in refusals:
        where = (one.line, "" if one.db_id is None else one.db_id)
        yield written((refused, "", *where, *map(_safe, (told(one.reason), one.value, one.token))))


def read_refusals(lines: Iterable[bytes]) -> Iterator[Refusal]:
    """The refusals that a :class:`Report` without a delimiter has saved."""
    return (msgspec.json.decode(line, type=Refusal) for line in lines)


class Report:
    """Counts the batches of one import; with a ``path`` it is saved there as CSV at the end.

    ``delimiter``: of the CSV; ``None`` saves the refusals alone, as lines of JSON (:func:`read_refusals`).
    ``counts``: by the names of :data:`COUNTED`, and of the statuses if there is a column of them.
    ``refusals`` has the first :data:`KEPT_REFUSALS`. ``up_to_line``: every row up to the row that begins
    there is done. ``problem``: why the import stopped early.
    """

    def __init__(self, path: Path | None = None, delimiter: str | None = ",") -> None:
        self.path = path
        self._delimiter = delimiter
        self.counts: Counter[str] = Counter()
        self.refusals: list[Refusal] = []
        self.up_to_line = 0
        self.state: State = "running"
        self.problem: Text | None = None
        # The counts come first in the file and are known last.
        self._rows: IO[bytes] | None = None
        if path is not None:
            self._rows = SpooledTemporaryFile(_IN_MEMORY_BYTES, dir=str(path.parent))  # noqa: SIM115 (see close)

    def take(self, counts: Mapping[str, int], refusals: Sequence[Refusal], up_to_line: int) -> None:
        """Count a stored batch. Raises :class:`OSError` if the refusals cannot be kept."""
        self.counts.update(counts)
        self.up_to_line = up_to_line
        if refusals:
            self.refusals += refusals[: max(0, KEPT_REFUSALS - len(self.refusals))]
            if self._rows is not None:
                self._rows.writelines(msgspec.json.encode(one) + b"\n" for one in refusals)

    def finish(self, state: State, problem: Text | None = None) -> None:
        """Write the report file after the end. Raises :class:`OSError`."""
        self.state, self.problem = state, problem
        rows, self._rows = self._rows, None
        if self.path is not None and rows is not None:
            with rows:
                rows.seek(0)
                content: Iterator[bytes] = iter(rows)
                if self._delimiter is not None:
                    content = report_csv(self, read_refusals(rows), self._delimiter)
                replace_file(self.path, _in_blocks(content))

    def close(self) -> None:
        """Discard the data for the report file."""
        if self._rows is not None:
            self._rows.close()


def _in_blocks(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same in larger pieces: each is one write to the disk."""
    while block := b"".join(islice(pieces, _BLOCK_LINES)):
        yield block


def _cut(cell: str) -> str:
    return cell if len(cell) <= _KEPT_CHARACTERS else cell[:_KEPT_CHARACTERS] + "…"


def _safe(cell: str) -> str:
    """The cell, escaped so that no spreadsheet takes it for a formula."""
    shown = cell.replace("\0", "␀")
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
