"""The format of a file: encoding, delimiter, quotes and header, detected or given by the plan."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from emulator.importer.encoding import file_encoding
from emulator.importer.problem import ImportRefused, Problem, SourceBroken, message, refused
from emulator.importer.rows import SEP_LINE, BrokenRow, Dialect, Rows, decode
from emulator.importer.sources import Source

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
#: Names of delimiters.
_DELIMITER_NAMES = {name: delimiter for delimiter, name in DELIMITERS.items()} | {"\\t": "\t"}
#: Data rows that are read before an import starts, and the number that decides the delimiter.
SAMPLED_ROWS = 500
_DIALECT_ROWS = 200
_DIALECT_BYTES = 64 << 10
_LONGEST_NAME = 60
_VALUE = re.compile(r"[+-]?[0-9][0-9.,:+\-TZ /]*|[0-9A-Fa-f]{24}|[0-9A-Fa-f-]{32,}|\S{40,}|\S+@\S+\.\S+")


@dataclass(frozen=True)
class Layout:
    """How to read a file. ``names``: the header's cells, or ``None`` without one; ``width``: cells of a row.

    ``sample``: the first rows with data that have this width.
    """

    encoding: str
    dialect: Dialect
    names: list[str] | None
    width: int
    sample: list[list[str]]

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
    """The layout of a file; given values are not guessed.

    Raises :class:`~emulator.importer.problem.ImportRefused` also for a file without a data row.
    """
    delimiter = _DELIMITER_NAMES.get(delimiter or "", delimiter)
    _check_choices(delimiter, quote)
    codec = file_encoding(source, encoding)
    text = decode(source.sample[:_DIALECT_BYTES], codec)
    if not source.whole or len(source.sample) > _DIALECT_BYTES:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text
    dialect = _detect_dialect(text, delimiter, quote)
    first, rows = _first_rows(source, codec, dialect)
    if header is None:
        header = _looks_like_header(first)
    names = [name.strip() for name in first] if header else None
    data = rows if header else [first, *rows]
    if not data:
        raise refused("file", "header_only")
    width = len(first)
    sample = [row for row in data[:SAMPLED_ROWS] if len(row) == width]
    return Layout(codec, dialect, names, width, sample)


def _check_choices(delimiter: str | None, quote: str | None) -> None:
    problems = []
    if delimiter is not None and (len(delimiter) != 1 or not _can_delimit(delimiter)):
        named = ", ".join(DELIMITERS.values())
        problems.append(Problem("delimiter", message("delimiter", named=named)))
    if quote not in (None, '"', "'", ""):
        problems.append(Problem("quote", message("quote")))
    if problems:
        raise ImportRefused(problems)


def _first_rows(source: Source, codec: str, dialect: Dialect) -> tuple[list[str], list[list[str]]]:
    """The first row, and up to :data:`SAMPLED_ROWS` after it."""
    rows = Rows(source, codec, dialect)
    try:
        found = [row for _, row in islice(rows, SAMPLED_ROWS + 1)]
    except SourceBroken as error:
        raise refused("file", error.text) from error
    finally:
        rows.close()
    if not found:
        raise refused("file", "no_rows")
    if isinstance(found[0], BrokenRow):
        raise refused("file", "first_line", reason=found[0].reason)
    return found[0], found[1:]


# Dialect and header


def _detect_dialect(text: str, delimiter: str | None, quote: str | None) -> Dialect:
    """The dialect of a table that begins with ``text``; given values are not guessed.

    The delimiter is what a line like ``sep=;`` names, or the one that cuts most rows into the same number of
    cells, more than one.
    """
    first, _, rest = text.partition("\n" if "\n" in text else "\r")
    if named := SEP_LINE.fullmatch(first):
        text = rest
        delimiter = delimiter or (named[1] if _can_delimit(named[1]) else None)
    line_end = "\r" if text.count("\r") - text.count("\r\n") > text.count("\n") else "\n"
    if quote is None:
        quote = "'" if _single_quoted(text) else '"'
    best, best_score = Dialect(delimiter or ",", quote, False, line_end), (0.0, 0)
    for candidate in DELIMITERS if delimiter is None else ():
        dialect = _spaced_or_not(Dialect(candidate, quote, False, line_end), text)
        widths = Counter(len(row) for row in _some_rows(dialect, text) if any(row))
        width, rows = widths.most_common(1)[0] if widths else (0, 0)
        if width > 1 and (rows / widths.total(), width) > best_score:
            best, best_score = dialect, (rows / widths.total(), width)
    return _spaced_or_not(best, text)


def _can_delimit(character: str) -> bool:
    return character not in "\r\n\0\"' "


def _spaced_or_not(dialect: Dialect, text: str) -> Dialect:
    """The dialect, with spaces before its quotes if the text has any.

    A cell that only looks so has its quotes doubled, or ends there.
    """
    if not dialect.quote:
        return dialect
    delimiter, quote = re.escape(dialect.delimiter), dialect.quote
    spaced = re.search(rf"{delimiter} +{quote}(?!{delimiter}|{quote}|[\r\n]|$)", text)
    return replace(dialect, spaced=spaced is not None)


def _some_rows(dialect: Dialect, text: str) -> Iterator[list[str]]:
    reader = dialect.reader(io.StringIO(text, newline=dialect.line_end))
    for _ in range(_DIALECT_ROWS):
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield []


def _single_quoted(text: str) -> bool:
    """Whether ' quotes the cells: most lines begin and end with it, as no values do by chance."""
    lines = [line for line in text[: 16 << 10].splitlines() if line]
    return sum(line[0] == "'" == line[-1] for line in lines) * 2 > len(lines)


def _looks_like_header(first: Sequence[str]) -> bool:
    """Whether a table's first row names its columns: short words, no id, number, date or token among them."""
    names = [cell.strip() for cell in first]
    return any(names) and all(len(name) <= _LONGEST_NAME and not _VALUE.fullmatch(name) for name in names)
