"""The result of an import: counts, and every refused row with its line number and reason."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO, Literal

from msgspec import Struct

from emulator.importer.problem import Text
from emulator.store.files import replace_file

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
#: Refusals that are kept in memory; the report file has all.
KEPT_REFUSALS = 1000
#: Characters of a refused value or token that are kept and shown.
_KEPT_CHARACTERS = 300
_IN_MEMORY_BYTES, _BLOCK_BYTES = 1 << 20, 1 << 18
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_HEADER = ("what", "count", "line", "database", "reason", "search value", "token")


class Refusal(Struct, frozen=True):
    """A row that was refused: in one database, or whole (``db_id`` None)."""

    line: int
    db_id: int | None
    reason: Text
    value: str
    token: str


def refusal(line: int, db_id: int | None, reason: Text, value: str, token: str) -> Refusal:
    """A refusal with shortened cells: thousands of large cells must not fill the memory."""
    return Refusal(line, db_id, reason, _cut(value), _cut(token))


def count_lines(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """The numbers with their names, as people read them."""
    return [(words, counts[name]) for name, words in COUNTED.items()]


class Report:
    """Counts the batches of one import; with a ``path`` it is saved there as CSV at the end.

    ``counts``: by the names of :data:`COUNTED`. ``refusals`` has the first :data:`KEPT_REFUSALS`.
    ``up_to_line``: every row up to the row that begins there is done. ``problem``: why the import stopped
    early.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
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
                self._rows.write(_csv(map(_refusal_row, refusals)))

    def finish(self, state: State, problem: Text | None = None) -> None:
        """Write the report file after the end. Raises :class:`OSError`."""
        self.state, self.problem = state, problem
        rows, self._rows = self._rows, None
        if self.path is not None and rows is not None:
            with rows:
                rows.seek(0)
                replace_file(
                    self.path, chain([_csv(self._summary())], iter(lambda: rows.read(_BLOCK_BYTES), b""))
                )

    def close(self) -> None:
        """Discard the data for the report file."""
        if self._rows is not None:
            self._rows.close()

    def _summary(self) -> Iterator[tuple[object, ...]]:
        said = self.state if self.problem is None else f"{self.state}: {self.problem}"
        yield _HEADER
        yield ("state", "", "", "", _safe(said), "", "")
        yield ("up to line", "", self.up_to_line, "", "", "", "")
        for words, number in count_lines(self.counts):
            yield ("refused in all" if words == "refused" else words, number, "", "", "", "", "")


def _csv(rows: Iterable[tuple[object, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _refusal_row(one: Refusal) -> tuple[object, ...]:
    db_id = "" if one.db_id is None else one.db_id
    return ("refused", "", one.line, db_id, _safe(str(one.reason)), _safe(one.value), _safe(one.token))


def _cut(cell: str) -> str:
    return cell if len(cell) <= _KEPT_CHARACTERS else cell[:_KEPT_CHARACTERS] + "…"


def _safe(cell: str) -> str:
    """The cell, escaped so that no spreadsheet takes it for a formula."""
    shown = cell.replace("\0", "␀")
    return f"'{shown}" if shown.startswith(_FORMULA) else shown
