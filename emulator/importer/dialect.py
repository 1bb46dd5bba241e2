"""Telling how a table is written: delimiter, quotes, and whether its first row is a header."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
#: What a delimiter may be called instead.
DELIMITER_NAMES = {name: delimiter for delimiter, name in DELIMITERS.items()} | {"\\t": "\t"}
QUOTES = ('"', "'", "")
#: Rows that are looked at.
_ENOUGH_ROWS = 200
_LONGEST_NAME = 60
_VALUE = re.compile(r"[+-]?[0-9][0-9.,:+\-TZ /]*|[0-9A-Fa-f]{24}|[0-9A-Fa-f-]{32,}|\S{40,}|\S+@\S+\.\S+")


class RowReader(Protocol):
    """Python's own reader of rows; ``line_num``: the lines read so far."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


@dataclass(frozen=True)
class Dialect:
    """How the rows are written. ``quote`` "" means that nothing is quoted; a quote inside is doubled."""

    delimiter: str = ","
    quote: str = '"'

    def reader(self, lines: Iterable[str]) -> RowReader:
        """The rows of these lines, by Python's own reader; it raises :class:`csv.Error`."""
        if not self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=True)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=True)


def detect_dialect(text: str, delimiter: str | None, quote: str | None) -> Dialect:
    """The dialect of a table that begins with ``text``; what is given is not guessed.

    The delimiter is the one that cuts most rows into the same number of cells, more than one.
    """
    if quote is None:
        quote = "'" if _single_quoted(text) else '"'
    if delimiter is not None:
        return Dialect(delimiter, quote)
    best, best_score = Dialect(",", quote), (0.0, 0)
    for candidate in DELIMITERS:
        dialect = Dialect(candidate, quote)
        score = _score(dialect, text)
        if score > best_score:
            best, best_score = dialect, score
    return best


def looks_like_header(first: Sequence[str]) -> bool:
    """Whether a table's first row names its columns: short words, no id, number, date or token among them."""
    names = [cell.strip() for cell in first]
    return any(names) and all(len(name) <= _LONGEST_NAME and not _VALUE.fullmatch(name) for name in names)


def _score(dialect: Dialect, text: str) -> tuple[float, int]:
    widths = Counter(len(row) for row in _some_rows(dialect, text) if row)
    if not widths:
        return 0.0, 0
    width, rows = widths.most_common(1)[0]
    return (rows / widths.total(), width) if width > 1 else (0.0, 0)


def _some_rows(dialect: Dialect, text: str) -> Iterator[list[str]]:
    reader = dialect.reader(io.StringIO(text, newline=""))
    for _ in range(_ENOUGH_ROWS):
        try:
            yield next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield []


def _single_quoted(text: str) -> bool:
    """Whether the text's cells open and close with ' rather than "."""
    between = r"(^|[,;\t|\r\n])\s?{0}[^{0}]*{0}(?=$|[,;\t|\r\n])"
    head = text[: 16 << 10]
    singles, doubles = (len(re.findall(between.format(q), head)) for q in ("'", '"'))
    return singles > doubles and singles * 2 >= head.count("\n")
