"""Telling how the text is encoded, from its first bytes."""

from __future__ import annotations

import codecs

from charset_normalizer import from_bytes

from emulator.importer.problem import refused

#: Python's codec names of what is told apart without being said. Any other can be named in the plan.
_EIGHT_BIT = ["cp1251", "koi8_r", "cp866", "cp1252"]
#: Bytes shown to the detector: its time grows with them, its answer hardly.
_ENOUGH_BYTES = 16 << 10


def detect_encoding(sample: bytes, whole: bool) -> str:
    """The codec of a text that begins with ``sample``; ``whole`` says that there is no more of it.

    A byte order mark decides; then valid UTF-8 is UTF-8; the rest is compared with what Cyrillic and
    Western texts look like, Windows-1251 first. Raises :class:`~emulator.importer.problem.ImportRefused`.
    """
    if sample.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    if sample.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    wide = _utf_16_without_mark(sample)
    if wide is not None:
        return wide
    if _is_utf_8(sample, whole):
        return "utf-8"
    best = from_bytes(_telling(sample), cp_isolation=_EIGHT_BIT).best()
    return best.encoding if best is not None and best.encoding in _EIGHT_BIT else "cp1251"


def check_encoding(name: str) -> str:
    """The codec that a person named. Raises :class:`~emulator.importer.problem.ImportRefused`."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError) as error:
        raise refused("encoding", f'there is no "{name}": try utf-8, windows-1251, utf-16') from error
    if not codec._is_text_encoding:
        raise refused("encoding", f'"{name}" does not make text')
    # The mark is no part of the text, said or not.
    return "utf-8-sig" if codec.name == "utf-8" else codec.name


def _utf_16_without_mark(sample: bytes) -> str | None:
    head = sample[: 4096 & ~1]
    zeros_first, zeros_second = head[::2].count(0), head[1::2].count(0)
    if max(zeros_first, zeros_second) * 3 < len(head) // 2:  # tables are full of ASCII delimiters and digits
        return None
    if min(zeros_first, zeros_second) * 3 >= len(head) // 2:
        raise refused("file", "is binary, not a table of text")
    return "utf-16-le" if zeros_second > zeros_first else "utf-16-be"


def _is_utf_8(sample: bytes, whole: bool) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=whole)
    except UnicodeDecodeError:
        return False
    return True


def _telling(sample: bytes) -> bytes:
    """The lines that are not plain ASCII: tokens say nothing about the language."""
    lines = [line for line in sample.splitlines() if not line.isascii()]
    return b"\n".join(lines)[:_ENOUGH_BYTES]
