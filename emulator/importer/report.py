"""The result of an import: counts, and every refused row with its line number and reason."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from tempfile import SpooledTemporaryFile
from types import SimpleNamespace
from typing import IO, Literal

import msgspec
from msgspec import Struct, field

from emulator.rules.model import STATUSES
from emulator.rules.texts import Text
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
#: Refusals that an answer shows; the report has all.
SHOWN_REFUSALS = 100
#: Bytes of refusals that stay in memory; lines of a report that are written at once.
_IN_MEMORY_BYTES, _BLOCK_LINES = 1 << 20, 1 << 11
#: What begins a formula, in the wide letters of East Asia too.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")
#: The delimiters of a report by their names; a spreadsheet in Russian parts columns at a semicolon.
REPORT_DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t"}
_HEADER = ("what", "count", "line", "database", "reason", "search value", "token")


class RowRefusal(Struct, frozen=True):
    """A row that was refused: in one database, or whole (``db_id`` None)."""

    line: int
    db_id: int | None
    reason: Text
    value: str
    token: str


class Description(ImportStart, frozen=True):
    """The plan of an import, how far it is and what it came to; kept as JSON beside its report.

    ``lints``: what a person should know of the file. ``problem``: why it stopped early. ``up_to_line``: every
    row up to the row that begins there is done. ``seconds``: of work. ``counts``: by the names of
    :data:`COUNTED`, and of the statuses if there is a column of them. ``refusals``: the first
    :data:`SHOWN_REFUSALS`.
    """

    lints: list[Text]
    state: State = "running"
    problem: Text | None = None
    up_to_line: int = 0
    seconds: float = 0.0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(COUNTED, 0))
    refusals: list[RowRefusal] = field(default_factory=list)
    status_column: str | None = None


def refusal_file(folder: Path) -> IO[bytes]:
    """A file for refusals; those that memory does not hold go into this folder, without a name."""
    return SpooledTemporaryFile(_IN_MEMORY_BYTES, "w+b", dir=str(folder))


def refusal_lines(refusals: Iterable[RowRefusal]) -> Iterator[bytes]:
    """The refusals as lines of JSON."""
    return (msgspec.json.encode(one) + b"\n" for one in refusals)


def count_lines(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The numbers with their names, as people read them."""
    every = COUNTED if STATUS_COUNTS.keys().isdisjoint(counts) else _WITH_STATUSES
    return [(words, counts.get(name, 0)) for name, words in every.items()]


def report_words() -> Iterator[str]:
    """The words of a report, for the catalogs of other languages."""
    yield from (*_HEADER, "up to line", "state", "refused in all", *_WITH_STATUSES.values())


def report_csv(
    ended: Description, refused: Iterable[bytes], delimiter: str, told: Callable[[Text], str] = str
) -> Iterator[bytes]:
    """A report as CSV in UTF-8 with a mark, in large pieces.

    ``refused``: the refusals that :func:`refusal_lines` has written; ``told`` says each text in the reader's
    language.
    """
    pieces = _report_lines(ended, refused, delimiter, told)
    while block := b"".join(islice(pieces, _BLOCK_LINES)):
        yield block


def _report_lines(
    ended: Description, refused: Iterable[bytes], delimiter: str, told: Callable[[Text], str]
) -> Iterator[bytes]:
    said = told(ended.state) if ended.problem is None else f"{told(ended.state)}: {told(ended.problem)}"
    written = csv.writer(SimpleNamespace(write=str.encode), delimiter=delimiter).writerow
    yield codecs.BOM_UTF8 + written(map(told, _HEADER))  # a spreadsheet that finds it reads UTF-8
    yield written((told("state"), "", "", "", _safe(said), "", ""))
    yield written((told("up to line"), "", ended.up_to_line, "", "", "", ""))
    for words, number in count_lines(ended.counts):
        words = "refused in all" if words == "refused" else words
        yield written((told(words), number, "", "", "", "", ""))
    word = told("refused")
    for line in refused:
        one = msgspec.json.decode(line, type=RowRefusal)
        where = (one.line, "" if one.db_id is None else one.db_id)
        yield written((word, "", *where, *map(_safe, (told(one.reason), one.value, one.token))))


def _safe(cell: str) -> str:
    """The cell, escaped so that no spreadsheet takes it for a formula."""
    shown = cell.replace("\0", "␀")
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
