"""The rows of a file with their line numbers, one by one: memory does not grow with the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from emulator.importer.problem import Text, message
from emulator.importer.sources import Source


class RowReader(Protocol):
    """Python's own reader of rows; ``line_num``: the lines read so far."""

    @property
    def line_num(self) -> int: ...

    def __iter__(self) -> Iterator[list[str]]: ...

    def __next__(self) -> list[str]: ...


@dataclass(frozen=True)
class Dialect:
    """The format of the rows. ``quote`` "" means that nothing is quoted; a quote inside is doubled."""

    delimiter: str = ","
    quote: str = '"'

    def reader(self, lines: Iterable[str]) -> RowReader:
        """The rows of these lines, by Python's own reader; it raises :class:`csv.Error`."""
        if not self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, strict=True)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=True)


class BrokenRow(list[str]):
    """A row that could not be read: no cells, and the reason."""

    def __init__(self, reason: Text) -> None:
        super().__init__()
        self.reason = reason


class Rows(Iterator[tuple[int, list[str]]]):
    """``(line, cells)`` of every row that is not blank; ``line`` is the row's first line, from 1.

    A row that cannot be read becomes a :class:`BrokenRow`, and the next line begins a new row. Bytes that
    are no text in this encoding become U+FFFD. Raises :class:`~emulator.importer.problem.SourceBroken`.
    """

    def __init__(self, source: Source, encoding: str, dialect: Dialect) -> None:
        self._stream = source.open()
        buffered = io.BufferedReader(self._stream, 128 << 10)
        self._text = io.TextIOWrapper(buffered, encoding, errors="replace", newline="")
        self._rows = self._read(dialect)
        self.bytes_total = source.size

    def __next__(self) -> tuple[int, list[str]]:
        return next(self._rows)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self._rows

    @property
    def bytes_done(self) -> int:
        """The bytes read from the file on the disk, some 100 KiB ahead of the rows."""
        return self.bytes_total if self._text.closed else self._stream.position()

    def close(self) -> None:
        """Close the file."""
        self._text.close()

    def _read(self, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
        reader = dialect.reader(self._text)
        line = 1
        while True:
            try:
                for row in reader:
                    if row:
                        yield line, row
                    line = reader.line_num + 1
                return
            except csv.Error as error:
                last = reader.line_num
                yield line, BrokenRow(_reason(str(error), line, last))
                line = last + 1


def _reason(text: str, line: int, last: int) -> Text:
    """The problem of a row; ``text``: Python's text for it."""
    if text.startswith("field larger"):
        most = f"{csv.field_size_limit():,}"
        reason = message("long_cell", most=most)
    elif text == "unexpected end of data":
        reason = message("open_quote")
    elif "expected after" in text:
        reason = message("text_after_quote")
    elif text == "line contains NUL":  # Python 3.10 reads no such line; later ones do
        return message("nul")
    else:
        return text
    if last == line:
        return reason
    return message("several_lines", reason=reason, line=line, last=last)
