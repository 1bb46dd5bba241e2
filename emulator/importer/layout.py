"""The format of a file: encoding, delimiter, quotes and header, detected or given by the plan."""

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from charset_normalizer import from_bytes

from emulator.importer.problem import ImportRefused, SourceBroken, refused
from emulator.importer.rows import SEP_LINE, BrokenRow, Dialect, Rows, decode
from emulator.importer.sources import SAMPLE_BYTES, Source
from emulator.rules.texts import Problem, message

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
#: Names of delimiters.
_DELIMITER_NAMES = {name: delimiter for delimiter, name in DELIMITERS.items()} | {"\\t": "\t"}
#: Data rows that are read before an import starts, and the number that decides the delimiter.
SAMPLED_ROWS = 500
_DIALECT_ROWS = 200
_DIALECT_BYTES = 64 << 10
_LONGEST_NAME = 60
_VALUE = re.compile(r"[+-]?[0-9][0-9.,:+\-TZ /]*|[0-9A-Fa-f]{24}|[0-9A-Fa-f-]{32,}|\S{40,}|\S+@\S+\.\S+")
#: The marks, the longer ones first, and the codecs that read them.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Python's names of the codecs that are detected. Any other can be named in the plan.
_EIGHT_BIT = ["cp1251", "koi8_r", "cp866", "cp1252"]
#: Bytes shown to the detector of encodings: its time grows with them, its answer hardly.
_DETECTOR_BYTES = 16 << 10
#: With fewer bytes than these beyond ASCII the detector guesses: then it is Windows-1251.
_TELLING_BYTES = 60
#: Lines beyond ASCII are searched in this many bytes at the beginning, until this many are found.
_SEARCHED_BYTES = 32 << 20
_ENOUGH_LINES = 20_000


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
    codec = _file_encoding(source, encoding)
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
        raise ImportRefused(Problem("file", error.text)) from error
    finally:
        rows.close()
    if not found:
        raise refused("file", "no_rows")
    if isinstance(found[0], BrokenRow):
        raise refused("file", "first_line", reason=found[0].reason)
    return found[0], found[1:]


# Encoding: its mark decides, then what a person named, then what most of its lines are


def _file_encoding(source: Source, named: str | None) -> str:
    """The codec for the whole file. Raises :class:`~emulator.importer.problem.ImportRefused`.

    A mark overrides what is ``named``. Without both, UTF-8 or an 8-bit encoding is what most of the lines
    beyond ASCII are; the lines that it cannot read are refused one by one.
    """
    mark = _marked_encoding(source)
    said = None if named is None else _named_encoding(named)
    if mark is not None:
        return mark
    without_mark = _utf_16_without_mark(source.sample[: 4096 & ~1]) if said in (None, "utf-16") else None
    if said == "utf-16":  # Python reads it, and UTF-32, with a mark only
        return without_mark or "utf-16-le"
    if said == "utf-32":
        return "utf-32-be" if source.sample.startswith(b"\0\0") else "utf-32-le"
    return said or without_mark or _by_most_lines(source)


def _marked_encoding(source: Source) -> str | None:
    """The codec that the mark at the file's beginning names."""
    return next((codec for mark, codec in _MARKS if source.sample.startswith(mark)), None)


def overruled(source: Source, named: str | None) -> bool:
    """Whether the mark says something else than a person."""
    mark = _marked_encoding(source)
    return mark is not None and named is not None and not _named_encoding(named).startswith(mark[:5])


def _named_encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise refused("encoding", "no_encoding", name=name) from error
    try:
        decode(b"", codec.name)  # hex makes no text, idna and its like cannot read on after a mistake
    except (AssertionError, LookupError, TypeError, UnicodeError) as error:
        raise refused("encoding", "no_text_encoding", name=name) from error
    return "utf-8" if codec.name == "utf-8-sig" else codec.name


def _by_most_lines(source: Source) -> str:
    in_utf_8, others = 0, []
    for line in _lines_beyond_ascii(source):
        try:
            line.decode("utf-8")
            in_utf_8 += 1
        except UnicodeDecodeError:
            others.append(line)
        if in_utf_8 + len(others) >= _ENOUGH_LINES:
            break
    if in_utf_8 >= len(others):  # that a line of another encoding is UTF-8 hardly ever happens by chance
        return "utf-8"
    telling = b"\n".join(others[:_DETECTOR_BYTES])[:_DETECTOR_BYTES]
    if len(telling) - len(telling.translate(None, bytes(range(128, 256)))) < _TELLING_BYTES:
        return "cp1251"
    best = from_bytes(telling, cp_isolation=_EIGHT_BIT).best()
    found = best.encoding if best is not None and best.encoding in _EIGHT_BIT else "cp1251"
    return codecs.lookup(found).name


def _lines_beyond_ascii(source: Source) -> Iterator[bytes]:
    """The lines with bytes beyond ASCII at the beginning of the file; plain ASCII costs hardly any time."""
    left, done = b"", 0
    try:
        with source.open() as stream:
            while done < _SEARCHED_BYTES and (block := stream.read(SAMPLE_BYTES)):
                done += len(block)
                if block.isascii() and left.isascii():
                    end = max(block.rfind(b"\n"), block.rfind(b"\r")) + 1
                    left = block[end:] if end else left + block
                    continue
                lines = (left + block).splitlines(keepends=True)
                left = b"" if lines[-1].endswith((b"\n", b"\r")) else lines.pop()
                yield from (line for line in lines if not line.isascii())
    except SourceBroken:  # told where the rows are read
        pass
    if not left.isascii():
        yield left


def _utf_16_without_mark(head: bytes) -> str | None:
    zeros_first, zeros_second = head[::2].count(0), head[1::2].count(0)
    if max(zeros_first, zeros_second) * 3 < len(head) // 2:  # tables are full of ASCII delimiters and digits
        return None
    if min(zeros_first, zeros_second) * 3 >= len(head) // 2:
        raise refused("file", "not_text")
    return "utf-16-le" if zeros_second > zeros_first else "utf-16-be"


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

    In a cell that only looks like that the quotes are doubled, or it ends there.
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
