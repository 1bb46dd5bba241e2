"""A file's layout: encoding, dialect, header and columns, told from its first rows or said by the plan."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from itertools import islice

from emulator.importer.dialect import (
    DELIMITER_NAMES,
    DELIMITERS,
    QUOTES,
    Dialect,
    detect_dialect,
    looks_like_header,
)
from emulator.importer.encoding import check_encoding, detect_encoding
from emulator.importer.problem import ImportRefused, Problem, SourceBroken, refused
from emulator.importer.rows import BrokenRow, Rows
from emulator.importer.sources import Source
from emulator.rules.lints import did_you_mean

#: Data rows that are looked at before an import starts.
SAMPLED_ROWS = 500
_DIALECT_BYTES = 64 << 10


@dataclass(frozen=True)
class Layout:
    """How to read a file. ``names``: the header's cells, or ``None`` without one; ``width``: cells of a row.

    ``sample``: the first rows with data that have this width; ``broken``: how many of those looked at do not.
    """

    encoding: str
    dialect: Dialect
    names: list[str] | None
    width: int
    sample: list[list[str]]
    broken: int

    def column(self, named: str) -> int:
        """The index of a column named by header or ``#N``. Raises :class:`ValueError`, saying what there is.

        Headers are compared without the spaces around them.
        """
        if named.startswith("#") and named[1:].isdecimal() and named not in (self.names or ()):
            number = int(named[1:]) if len(named) < 20 else 0  # Python converts no thousands of digits
            if 1 <= number <= self.width:
                return number - 1
            raise ValueError(f"there is no column {named}: the file has {self.width}")
        if self.names is None:
            text = f"the file has no header: name a column by its number, #1 to #{self.width}"
            raise ValueError(f'{text}, not "{named}"')
        found = [index for index, name in enumerate(self.names) if name == named.strip()]
        if len(found) > 1:
            numbers = " and ".join(f"#{index + 1}" for index in found)
            raise ValueError(f'"{named}" names several columns: say which by number, {numbers}')
        if not found:
            nearest = did_you_mean(named, self.names)
            raise ValueError(f'there is no column "{named}"{nearest or "; there are " + self._listed()}')
        return found[0]

    def _listed(self) -> str:
        names = self.names or []
        shown = ", ".join(f'"{name}"' for name in names[:20])
        return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"

    def values(self, index: int) -> list[str]:
        """A column's sampled values that are not empty."""
        return [row[index] for row in self.sample if row[index]]


def read_layout(
    source: Source,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str | None = None,
    header: bool | None = None,
) -> Layout:
    """The layout of a file; what is given is not guessed.

    Raises :class:`~emulator.importer.problem.ImportRefused` for a file without a row of data, too.
    """
    delimiter = DELIMITER_NAMES.get(delimiter or "", delimiter)
    _check_choices(delimiter, quote)
    codec = detect_encoding(source.sample, source.whole) if encoding is None else check_encoding(encoding)
    text = codecs.getincrementaldecoder(codec)("replace").decode(source.sample[:_DIALECT_BYTES])
    if not source.whole or len(source.sample) > _DIALECT_BYTES:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    dialect = detect_dialect(text, delimiter, quote)
    first, rows = _first_rows(source, codec, dialect)
    if header is None:
        header = looks_like_header(first)
    names = [name.strip() for name in first] if header else None
    data = rows if header else [first, *rows]
    if not data:
        raise refused("file", "has a header and no rows")
    width = len(first)
    sample = [row for row in data[:SAMPLED_ROWS] if len(row) == width]
    return Layout(codec, dialect, names, width, sample, min(len(data), SAMPLED_ROWS) - len(sample))


def _check_choices(delimiter: str | None, quote: str | None) -> None:
    problems = []
    if delimiter is not None and (len(delimiter) != 1 or delimiter in "\r\n\0\"' "):
        named = ", ".join(DELIMITERS.values())
        problems.append(Problem("delimiter", f"must be one character, such as {named}"))
    if quote is not None and quote not in QUOTES:
        problems.append(Problem("quote", "must be \", ' or empty"))
    if problems:
        raise ImportRefused(problems)


def _first_rows(source: Source, codec: str, dialect: Dialect) -> tuple[list[str], list[list[str]]]:
    """The first row, and up to :data:`SAMPLED_ROWS` after it."""
    rows = Rows(source, codec, dialect)
    try:
        found = [row for _, row in islice(rows, SAMPLED_ROWS + 1)]
    except SourceBroken as error:
        raise refused("file", str(error)) from error
    finally:
        rows.close()
    if not found:
        raise refused("file", "has no rows")
    if isinstance(found[0], BrokenRow):
        raise refused("file", f"line 1: {found[0].reason}")
    return found[0], found[1:]
