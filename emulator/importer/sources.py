"""The opening of the file: plain text or gzip, recognised by content, within limits."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from pathlib import Path
from typing import IO

from emulator.importer.problem import ImportRefused, SourceBroken, refused
from emulator.rules.texts import Message, Problem, message

#: The most bytes of a file, unpacked.
MAX_UNPACKED_BYTES = 4 << 30
#: A packed file may grow to this many times its size; text of tokens grows to 2–10 times.
MAX_RATIO = 200
#: Below this many unpacked bytes the ratio is not checked.
RATIO_FROM_BYTES = 16 << 20
#: The longest line, in bytes (twice as many in UTF-16 where it has no line end by chance).
MAX_LINE_BYTES = 1 << 20
#: Bytes of a gzip that are unpacked first: they reveal a zip bomb.
_PROBED_BYTES = 64 << 10
#: Bytes at the start that decide encoding, delimiter and columns.
SAMPLE_BYTES = 256 << 10

_DAMAGED = (EOFError, OSError, zlib.error)
_CONTROLS = bytes(set(range(32)) - {9, 10, 13})
#: How other formats of text begin, which programs name .xls or .csv.
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<(?:!doctype|html|head|meta|table|\?xml)\b|\[?\s*\{\s*\")", re.I
)


class Source:
    """A file that can be imported. ``name``: the person's name for it.

    ``sample``: its first bytes, unpacked; ``whole``: the sample is the whole file.

    Raises :class:`~emulator.importer.problem.ImportRefused` for a binary file.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or path.name
        try:
            self.size = path.stat().st_size
            with path.open("rb") as file:
                head = file.read(_PROBED_BYTES)
            self.packed = head.startswith(b"\x1f\x8b")
            if self.packed and _swells_at_once(head):
                raise SourceBroken(_too_packed())
            with io.BufferedReader(self.open()) as stream:
                self.sample = stream.read(SAMPLE_BYTES)
        except SourceBroken as error:
            raise ImportRefused(Problem("file", error.text)) from error
        except _DAMAGED as error:
            raise refused("file", "unreadable", reason=_reason(error)) from error
        self.whole = len(self.sample) < SAMPLE_BYTES
        if not self.sample:
            raise refused("file", "empty")
        _refuse_other_formats(self.sample)

    def open(self) -> Unpacked:
        """The unpacked bytes from the beginning, within the limits. Raises :class:`OSError`."""
        return Unpacked(self.path.open("rb"), self.size if self.packed else None)


class Unpacked(io.RawIOBase):
    """A stream of unpacked bytes that stops at the limits. ``packed_bytes``: ``None`` for plain text.

    Reading raises :class:`SourceBroken` if the compressed data is damaged, the file is too large, its
    compression ratio is too high, or a line is longer than :data:`MAX_LINE_BYTES`.
    """

    def __init__(self, raw: IO[bytes], packed_bytes: int | None) -> None:
        self._raw = raw
        self._inner: IO[bytes] = raw if packed_bytes is None else gzip.GzipFile(fileobj=raw)  # type: ignore[assignment]
        self._most = MAX_UNPACKED_BYTES
        self._over = message("too_large", most=MAX_UNPACKED_BYTES >> 30)
        if packed_bytes is not None:
            self._most = min(self._most, max(RATIO_FROM_BYTES, packed_bytes * MAX_RATIO))
            self._over = _too_packed()
        self._done = 0
        self._line_bytes = 0

    def position(self) -> int:
        """The bytes read from the file on the disk."""
        return self._raw.tell()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            data = self._inner.read(len(buffer))
        except _DAMAGED as error:
            raise SourceBroken(message("breaks_off", reason=_reason(error))) from error
        self._done += len(data)
        if self._done > self._most:
            raise SourceBroken(self._over)
        if b"\n" in data or b"\r" in data:
            self._line_bytes = 0
        else:
            self._line_bytes += len(data)
            if self._line_bytes > MAX_LINE_BYTES:
                raise SourceBroken(message("long_line", most=f"{MAX_LINE_BYTES:,}"))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._inner.close()
        self._raw.close()
        super().close()


def _swells_at_once(head: bytes) -> bool:
    most = _PROBED_BYTES * MAX_RATIO
    return len(zlib.decompressobj(wbits=31).decompress(head, most + 1)) > most


def _refuse_other_formats(sample: bytes) -> None:
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")) or sample[:400].count(0) * 3 > len(sample[:400]):
        return  # UTF-16, or undecodable bytes: reported later
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls > max(8, len(sample) // 50):
        raise refused("file", "not_text")
    if _MARKUP.match(sample):
        raise refused("file", "markup")


def _too_packed() -> Message:
    return message("too_packed", ratio=MAX_RATIO, most=MAX_UNPACKED_BYTES >> 30)


def _reason(error: BaseException) -> Message:
    if isinstance(error, (zlib.error, gzip.BadGzipFile)):
        return message("damaged", reason=str(error))
    return Message((getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip("."))
