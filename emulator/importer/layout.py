"""The format of a file: encoding, delimiter, quotes and header, detected or given by the plan."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from charset_normalizer import from_bytes

from emulator.importer.problem import ImportRefused, Problem, SourceBroken, message, refused
from emulator.importer.rows import BrokenRow, Dialect, Rows
from emulator.importer.sources import Source, not_text

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
#: Names of delimiters.
_DELIMITER_NAMES = {name: delimiter for delimiter, name in DELIMITERS.items()} | {"\\t": "\t"}
#: Data rows that are read before an import starts, and the number that decides the delimiter.
SAMPLED_ROWS = 500
_DIALECT_ROWS = 200
_DIALECT_BYTES = 64 << 10
#: Python's names of the codecs that are detected. A plan can name any other.
_EIGHT_BIT = ["cp1251", "koi8_r", "cp866", "cp1252"]
#: Bytes for the detector of encodings: more bytes take more time and hardly change its answer.
_DETECTOR_BYTES = 16 << 10
_LONGEST_NAME = 60
_VALUE = re.compile(r"[+-]?[0-9][0-9.,:+\-TZ /]*|[0-9A-Fa-f]{24}|[0-9A-Fa-f-]{32,}|\S{40,}|\S+@\S+\.\S+")


@dataclass(frozen=True)
class Layout:
    """How to read a file. ``names``: the header's cells, or ``None`` without one; ``width``: cells of a row.

    ``sample``: the first data rows of this width; ``broken``: the number of rows read with another width.
    """

    encoding: str
    dialect: Dialect
    names: list[str] | None
    width: int
    sample: list[list[str]]
    broken: int

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
    codec = _detect_encoding(source.sample, source.whole) if encoding is None else _named_encoding(encoding)
    text = codecs.getincrementaldecoder(codec)("replace").decode(source.sample[:_DIALECT_BYTES])
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
    return Layout(codec, dialect, names, width, sample, min(len(data), SAMPLED_ROWS) - len(sample))


def _check_choices(delimiter: str | None, quote: str | None) -> None:
    problems = []
    if delimiter is not None and (len(delimiter) != 1 or delimiter in "\r\n\0\"' "):
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


# Encoding


def _named_encoding(name: str) -> str:
    """The codec that a person named. Raises :class:`ImportRefused`."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise refused("encoding", "no_encoding", name=name) from error
    if not codec._is_text_encoding:
        raise refused("encoding", "no_text_encoding", name=name)
    # The byte order mark is no part of the text.
    return "utf-8-sig" if codec.name == "utf-8" else codec.name


def _detect_encoding(sample: bytes, whole: bool) -> str:
    """The codec of a text that begins with ``sample``; ``whole``: the sample is the whole text.

    A byte order mark decides; then valid UTF-8 is UTF-8; other texts are compared with typical Cyrillic and
    Western texts, Windows-1251 first. Raises :class:`ImportRefused`.
    """
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    wide = _utf_16_without_mark(sample[: 4096 & ~1])
    if wide is not None:
        return wide
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
        return "utf-8"
    except UnicodeDecodeError:
        # Lines that are plain ASCII say nothing about the language.
        telling = b"\n".join(line for line in sample.splitlines() if not line.isascii())
        best = from_bytes(telling[:_DETECTOR_BYTES], cp_isolation=_EIGHT_BIT).best()
        return best.encoding if best is not None and best.encoding in _EIGHT_BIT else "cp1251"


def _utf_16_without_mark(head: bytes) -> str | None:
    zeros_first, zeros_second = head[::2].count(0), head[1::2].count(0)
    if max(zeros_first, zeros_second) * 3 < len(head) // 2:  # tables are full of ASCII delimiters and digits
        return None
    if min(zeros_first, zeros_second) * 3 >= len(head) // 2:
        raise not_text()
    return "utf-16-le" if zeros_second > zeros_first else "utf-16-be"


# Dialect and header


def _detect_dialect(text: str, delimiter: str | None, quote: str | None) -> Dialect:
    """The dialect of a table that begins with ``text``; given values are not guessed.

    The delimiter is the one that cuts most rows into the same number of cells, more than one.
    """
    if quote is None:
        quote = "'" if _single_quoted(text) else '"'
    if delimiter is not None:
        return Dialect(delimiter, quote)
    best, best_score = Dialect(",", quote), (0.0, 0)
    for candidate in DELIMITERS:
        dialect = Dialect(candidate, quote)
        widths = Counter(len(row) for row in _some_rows(dialect, text) if row)
        width, rows = widths.most_common(1)[0] if widths else (0, 0)
        if width > 1 and (rows / widths.total(), width) > best_score:
            best, best_score = dialect, (rows / widths.total(), width)
    return best


def _some_rows(dialect: Dialect, text: str) -> Iterator[list[str]]:
    reader = dialect.reader(io.StringIO(text, newline=""))
    for _ in range(_DIALECT_ROWS):
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


def _looks_like_header(first: Sequence[str]) -> bool:
    """Whether a table's first row names its columns: short words, no id, number, date or token among them."""
    names = [cell.strip() for cell in first]
    return any(names) and all(len(name) <= _LONGEST_NAME and not _VALUE.fullmatch(name) for name in names)
