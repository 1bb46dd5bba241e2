"""The encoding of a file: its mark decides, then what a person named, then what most of its lines are."""

import codecs
from collections.abc import Iterator

from charset_normalizer import from_bytes

from emulator.importer.problem import SourceBroken, refused
from emulator.importer.rows import decode
from emulator.importer.sources import SAMPLE_BYTES, Source, not_text

#: The marks, the longer ones first, and the codecs that read them.
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
#: Python's codec names of what is told apart without being said. Any other can be named in the plan.
_EIGHT_BIT = ["cp1251", "koi8_r", "cp866", "cp1252"]
#: Bytes shown to the detector of encodings: its time grows with them, its answer hardly.
_DETECTOR_BYTES = 16 << 10
#: With fewer bytes than these beyond ASCII the detector guesses: then it is Windows-1251.
_TELLING_BYTES = 60
#: Lines beyond ASCII are looked for in the first so many bytes, until there are so many of them.
_SEARCHED_BYTES = 32 << 20
_ENOUGH_LINES = 20_000


def file_encoding(source: Source, named: str | None) -> str:
    """The codec for the whole file. Raises :class:`~emulator.importer.problem.ImportRefused`.

    A mark overrides what is ``named``. Without both, UTF-8 or an 8-bit encoding is what most of the lines
    beyond ASCII are; the lines that it cannot read are refused one by one.
    """
    mark = marked_encoding(source)
    said = None if named is None else _named_encoding(named)
    if mark is not None:
        return mark
    without_mark = _utf_16_without_mark(source.sample[: 4096 & ~1]) if said in (None, "utf-16") else None
    if said == "utf-16":  # Python reads it, and UTF-32, with a mark only
        return without_mark or "utf-16-le"
    if said == "utf-32":
        return "utf-32-be" if source.sample.startswith(b"\0\0") else "utf-32-le"
    return said or without_mark or _by_most_lines(source)


def marked_encoding(source: Source) -> str | None:
    """The codec that the mark at the file's beginning names."""
    return next((codec for mark, codec in _MARKS if source.sample.startswith(mark)), None)


def overruled(source: Source, named: str | None) -> bool:
    """Whether the mark says something else than a person."""
    mark = marked_encoding(source)
    return mark is not None and named is not None and not _named_encoding(named).startswith(mark[:5])


def _named_encoding(name: str) -> str:
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise refused("encoding", "no_encoding", name=name) from error
    if not codec._is_text_encoding:
        raise refused("encoding", "no_text_encoding", name=name)
    try:
        decode(b"", codec.name)  # idna and its like cannot read on after a mistake
    except (LookupError, TypeError, UnicodeError) as error:
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
                lines = (left + block).splitlines(keepends=True)
                left = b"" if lines[-1].endswith((b"\n", b"\r")) else lines.pop()
                if not block.isascii() or not left.isascii():
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
        raise not_text()
    return "utf-16-le" if zeros_second > zeros_first else "utf-16-be"
