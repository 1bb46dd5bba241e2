"""The rows of a file with their line numbers, one after the other: memory does not grow with the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from emulator.importer.dialect import Dialect
from emulator.importer.sources import Source


class BrokenRow(list[str]):
    """Stands for what could not be read as a row: it has no cells, and says why."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class Rows(Iterator[tuple[int, list[str]]]):
    """``(line, cells)`` of every row that is not blank; ``line`` is the row's first line, from 1.

    A row that cannot be read comes as a :class:`BrokenRow`, and the next line begins anew. Bytes that are
    no text in this encoding come as U+FFFD. Raises :class:`~emulator.importer.problem.SourceBroken`.
    """

    def __init__(self, source: Source, encoding: str, dialect: Dialect) -> None:
        self._stream = source.open()
        buffered = self._stream.buffered()
        self._text = io.TextIOWrapper(buffered, encoding, errors="replace", newline="")
        self._rows = self._read(dialect)
        self.bytes_total = source.size

    def __next__(self) -> tuple[int, list[str]]:
        return next(self._rows)

    def __iter__(self) -> Iterator[tuple[int, list[str]]]:
        return self._rows

    @property
    def bytes_done(self) -> int:
        """How much of the file on the disk has been read, some 100 KiB ahead of the rows."""
        return self.bytes_total if self._text.closed else self._stream.position()

    def close(self) -> None:
        """Let go of the file."""
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


def _reason(text: str, line: int, last: int) -> str:
    where = f" (lines {line} to {last} are one row)" if last > line else ""
    if text.startswith("field larger"):
        return f"a cell has more than {csv.field_size_limit():,} characters: is a quote not closed?{where}"
    if text == "unexpected end of data":
        return f"a quote is not closed{where}"
    if "expected after" in text:
        return f"a closing quote is followed by more text: double the quotes inside a cell{where}"
    if text == "line contains NUL":  # Python 3.10 reads no such line; later ones do
        return "must not contain NUL"
    return f"{text}{where}"
