"""What an import came to: counts, and every refused row with its line number and reason."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import IO, Literal, NamedTuple

State = Literal["running", "finished", "cancelled", "failed", "interrupted"]

#: Refusals that are kept in memory; the report file has all.
KEPT_REFUSALS = 1000
#: Characters of a refused value or token that are kept and shown.
KEPT_CHARACTERS = 300
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEADER = ("what", "count", "line", "database", "reason", "search value", "token")
_UP_TO = "up to line"


class Refusal(NamedTuple):
    """A row that was refused: in one database, or whole (``db_id`` None). Make it with :func:`refusal`."""

    line: int
    db_id: int | None
    reason: str
    value: str
    token: str


def refusal(line: int, db_id: int | None, reason: str, value: str, token: str) -> Refusal:
    """A refusal with its cells cut to what is shown: thousands of large ones must not fill the memory."""
    return Refusal(line, db_id, reason, _cut(value), _cut(token))


@dataclass(slots=True)
class Counts:
    """Numbers of an import. Profiles and subscriptions count once for each database of the resource.

    ``rows``: read, blank lines left out. ``refused``: rows refused, once for each database that refused.
    """

    rows: int = 0
    profiles_created: int = 0
    profiles_found: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    refused: int = 0

    def add(self, other: Counts) -> None:
        """Count another batch in."""
        self.rows += other.rows
        self.profiles_created += other.profiles_created
        self.profiles_found += other.profiles_found
        self.added += other.added
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.refused += other.refused

    def lines(self) -> list[tuple[str, int]]:
        """The numbers with their names, as people read them."""
        return [(_WORDS[field.name], getattr(self, field.name)) for field in fields(self)]

    def as_dict(self) -> dict[str, int]:
        """The numbers by name, as JSON has them."""
        return asdict(self)


_WORDS = {
    "rows": "rows read",
    "profiles_created": "profiles created",
    "profiles_found": "profiles found",
    "added": "subscriptions added",
    "changed": "subscriptions changed",
    "unchanged": "subscriptions unchanged",
    "refused": "refused",
}


class Report:
    """Counts the batches of one import; with a ``path`` it is saved there as CSV.

    While the import runs, ``PATH.part`` grows: each batch's refusals, then how far it came. After a crash
    that is what there is. ``refusals`` has the first :data:`KEPT_REFUSALS`. ``up_to_line``: every row up to
    the one that begins there is done. ``problem``: why it stopped early.

    Raises :class:`OSError` if the file cannot be made.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.counts = Counts()
        self.refusals: list[Refusal] = []
        self.state: State = "running"
        self.problem: str | None = None
        self.up_to_line = 0
        self.path = path
        self._part: IO[str] | None = None
        if path is not None:
            self._part = _part_path(path).open("w", encoding="utf-8", newline="")
            csv.writer(self._part).writerow(_HEADER)

    def take(self, counts: Counts, refusals: Sequence[Refusal], up_to_line: int) -> None:
        """A batch is safe: count it. Raises :class:`OSError` if the file cannot be written."""
        self.counts.add(counts)
        self.up_to_line = up_to_line
        if refusals and len(self.refusals) < KEPT_REFUSALS:
            self.refusals += refusals[: KEPT_REFUSALS - len(self.refusals)]
        if self._part is not None:
            writer = csv.writer(self._part)
            writer.writerows(map(_refusal_row, refusals))
            writer.writerow((_UP_TO, "", up_to_line))
            self._part.flush()

    def finish(self, state: State, problem: str | None = None) -> None:
        """The import is over: write the file whole. Raises :class:`OSError`."""
        self.state, self.problem = state, problem
        growing, self._part = self._part, None
        if self.path is None or growing is None:
            return
        growing.close()
        part = _part_path(self.path)
        whole = self.path.with_name(self.path.name + ".whole")
        try:
            with (
                part.open(encoding="utf-8", newline="") as rows,
                whole.open("w", encoding="utf-8", newline="") as out,
            ):
                writer = csv.writer(out)
                writer.writerow(_HEADER)
                writer.writerows(self._summary())
                writer.writerows(row for row in csv.reader(rows) if row[0] == "refused")
            whole.replace(self.path)
        except OSError:
            with suppress(OSError):
                whole.unlink(missing_ok=True)  # half of it takes room and tells nothing
            raise
        part.unlink()

    def _summary(self) -> Iterator[tuple[object, ...]]:
        yield ("state", "", "", "", _safe(": ".join(filter(None, (self.state, self.problem)))), "", "")
        yield (_UP_TO, "", self.up_to_line, "", "", "", "")
        for words, number in self.counts.lines():
            yield ("refused in all" if words == "refused" else words, number, "", "", "", "", "")


def interrupted_at(path: Path) -> int:
    """Up to which line an import came whose process died; ``path`` is that of its report. 0: nobody knows."""
    line = 0
    try:
        with _part_path(path).open(encoding="utf-8", newline="", errors="replace") as rows:
            for row in csv.reader(rows):
                if row[:1] == [_UP_TO] and len(row) == 3 and row[2].isdecimal():
                    line = int(row[2])
    except (OSError, csv.Error):
        pass
    return line


def report_files(path: Path) -> Iterable[Path]:
    """The files that may stand for a report, the finished one first."""
    return path, _part_path(path), path.with_name(path.name + ".whole")


def _part_path(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _refusal_row(one: Refusal) -> tuple[object, ...]:
    db_id = "" if one.db_id is None else one.db_id
    return ("refused", "", one.line, db_id, _safe(one.reason), _safe(one.value), _safe(one.token))


def _cut(cell: str) -> str:
    return cell if len(cell) <= KEPT_CHARACTERS else cell[:KEPT_CHARACTERS] + "…"


def _safe(cell: str) -> str:
    """The cell, so that no spreadsheet takes it for a formula."""
    shown = cell.replace("\0", "␀")
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
