"""The rows of a file with their line numbers, one by one: memory does not grow with the file."""

import codecs
import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from emulator.importer.sources import Source
from emulator.rules.texts import Message, Text, message

MARK = "\ufeff"
#: A first line that tells a spreadsheet which delimiter follows; empty cells may have been added to it.
SEP_LINE = re.compile(r'"?sep=(.)"?\1*\s*', re.I)
LINE_END = re.compile(r"\r\n|\r|\n")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
#: The bytes that follow the first one of a character in UTF-8.
_CONTINUED = bytes(range(0x80, 0xC0))
#: Stands for bytes that are no text: no text that can be decoded has it, as U+FFFD may be in the file itself.
_LOST = "\udcff"
_LOST_BYTES = "emulator.lost_bytes"
codecs.register_error(_LOST_BYTES, lambda error: (_LOST, error.end))  # type: ignore[attr-defined]


def decode(head: bytes, encoding: str) -> str:
    """The text that begins with these bytes, as :class:`Rows` would read it."""
    return codecs.getincrementaldecoder(encoding)(_LOST_BYTES).decode(head).lstrip(MARK)


@dataclass(frozen=True)
class Dialect:
    """How the rows are written. ``quote`` "" means that nothing is quoted; a quote inside is doubled.

    ``spaced``: spaces after a delimiter belong to no cell, so quotes may follow them. ``line_end``: what ends
    a line where no quotes are open.
    """

    delimiter: str = ","
    quote: str = '"'
    spaced: bool = False
    line_end: str = "\n"

    def reader(self, lines: Iterable[str]) -> Iterator[list[str]]:
        """The rows of these lines, by Python's own reader; it raises :class:`csv.Error`."""
        return csv.reader(
            lines,
            delimiter=self.delimiter,
            quotechar=self.quote or None,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
            skipinitialspace=self.spaced,
            strict=True,
        )


class BrokenRow(list[str]):
    """Stands for what could not be read as a row: it has no cells, and says why.

    ``undecoded``: it has bytes that are no text in the file's encoding.
    """

    def __init__(self, reason: Text, undecoded: bool = False) -> None:
        super().__init__()
        self.reason = reason
        self.undecoded = undecoded


class Rows(Iterator[tuple[int, list[str]]]):
    """``(line, cells)`` of every row that is not blank; ``line`` is the row's first line, from 1.

    A row that cannot be read comes as a :class:`BrokenRow`, and the next line begins anew. So does a row with
    bytes that are no text in this encoding, and one of several lines that an open quote joined.
    ``blank``: how many rows of delimiters alone were left out so far; ``last_line``: the row's last line.
    Raises :class:`~emulator.importer.problem.SourceBroken`.
    """

    def __init__(self, source: Source, encoding: str, dialect: Dialect) -> None:
        self._stream = source.open()
        buffered = io.BufferedReader(self._stream, 128 << 10)
        self._text = io.TextIOWrapper(buffered, encoding, errors=_LOST_BYTES, newline=dialect.line_end)
        self._encoding = encoding
        self._continued = "" if encoding.startswith("utf") else _CONTINUED.decode(encoding, "ignore")
        self._undecoded = 0
        self._rows = self._read(dialect)
        self.blank = 0
        self.last_line = 0
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

    def _lines(self) -> Iterator[str]:
        for number, line in enumerate(self._text, 1):
            self.last_line = number
            if not line.isascii():
                line = line.lstrip(MARK)  # at the start of the file, and of each file that was joined to it
                if _LOST in line or (self._continued and self._is_utf_8(line)):
                    self._undecoded = number
            yield "\n" if number == 1 and SEP_LINE.fullmatch(line) else line

    def _read(self, dialect: Dialect) -> Iterator[tuple[int, list[str]]]:
        reader = dialect.reader(self._lines())
        line = 1
        while True:
            try:
                for row in reader:
                    last = self.last_line
                    if self._undecoded >= line:
                        yield line, self._not_decoded(line, last)
                    elif row and (row[0] or any(row)):
                        yield line, _joined(row, line, last, dialect) if last > line else row
                    elif row:
                        self.blank += 1
                    line = last + 1
                return
            except csv.Error as error:
                last = self.last_line
                broken = BrokenRow(_reason(str(error), line, last))
                yield line, self._not_decoded(line, last) if self._undecoded >= line else broken
                line = last + 1

    def _is_utf_8(self, line: str) -> bool:
        """Whether a line read in an 8-bit encoding is UTF-8, as other text hardly ever is by chance."""
        first = _BEYOND_ASCII.search(line)
        # Quick for nearly all lines.
        if first is None or line[first.end() : first.end() + 1] not in self._continued:
            return False
        try:
            line.encode(self._encoding).decode("utf-8")
        except UnicodeError:
            return False
        return True

    def _not_decoded(self, line: int, last: int) -> BrokenRow:
        reason = message("undecodable", encoding=self._encoding)
        return BrokenRow(over_lines(reason, line, last), undecoded=True)


def _joined(row: list[str], line: int, last: int, dialect: Dialect) -> list[str]:
    """The row, or a :class:`BrokenRow` if a quote that stayed open joined rows: one of its lines is a row.

    In prose a space follows the delimiter; where spaces follow every one, that says nothing.
    """
    delimiter = dialect.delimiter
    dense = re.compile(re.escape(delimiter) + ("" if dialect.spaced else r"(?![ \r\n])"))
    if len(row) > 1 and any(dense.search(cell) for cell in row if "\n" in cell or "\r" in cell):
        lines = LINE_END.split(delimiter.join(row))
        if any(one.count(delimiter) + 1 == len(row) for one in lines):
            return BrokenRow(over_lines(message("swallowed"), line, last))
    return row


def over_lines(reason: Message, line: int, last: int) -> Message:
    """The reason, with the lines of the row if it has several."""
    return reason if last == line else message("several_lines", reason=reason, line=line, last=last)


def _reason(text: str, line: int, last: int) -> Text:
    """The problem of a row; ``text``: Python's text for it."""
    if text.startswith("field larger"):
        most = f"{csv.field_size_limit():,}"
        reason = message("long_cell", most=most)
    elif text == "unexpected end of data":
        reason = message("open_quote")
    elif "expected after" in text:
        reason = message("text_after_quote")
    elif text.startswith("new-line character"):
        reason = message("lone_cr")
    elif text == "line contains NUL":  # Python 3.10 reads no such line; later ones do
        return message("nul")
    else:
        return text
    return over_lines(reason, line, last)
