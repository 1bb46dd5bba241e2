"""Opening the file: plain text, gzip or a zip with one file, told apart by content, within stated limits."""

from __future__ import annotations

import gzip
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Literal

from emulator.importer.problem import SourceBroken, refused

#: The most that a file may hold, unpacked, in bytes.
MAX_UNPACKED_BYTES = 4 << 30
#: A packed file may grow to this many times its size; text of tokens grows to 2–10 times.
MAX_RATIO = 200
#: Below this many unpacked bytes the ratio says nothing yet.
_RATIO_FROM_BYTES = 16 << 20
#: The longest line, in bytes (twice as many in UTF-16 where it has no line end by chance).
MAX_LINE_BYTES = 1 << 20
#: So many bytes of a gzip are unpacked before anything else: a bomb is told by its beginning.
_PROBED_BYTES = 64 << 10
#: How much of the beginning is looked at to tell encoding, delimiter and columns.
SAMPLE_BYTES = 256 << 10

Kind = Literal["plain", "gzip", "zip"]

_DAMAGED = (EOFError, OSError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError)
_FOREIGN = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook or another office file: save the sheet as CSV",
    b"SQLite format 3": "a SQLite database",
    b"\x7fELF": "a program",
    b"PAR1": "a Parquet file",
    b"7z\xbc\xaf": "a 7z archive",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"Rar!": "a RAR archive",
}


class Source:
    """A file that can be imported. ``name`` is what the person calls it.

    ``sample``: its first bytes, unpacked; ``whole``: there are no more.

    Raises :class:`~emulator.importer.problem.ImportRefused` for what is no table at all.
    """

    def __init__(self, path: Path, name: str | None = None) -> None:
        self.path = path
        self.name = name or path.name
        try:
            self.size = path.stat().st_size
            with path.open("rb") as file:
                head = file.read(16)
            self.kind: Kind = _kind(head)
            self._refuse_foreign(head)
            if self.kind == "zip":
                self._member = _only_member(path)
            if self.kind == "gzip" and _swells_at_once(path):
                raise refused("file", _too_packed())
            with self.open() as stream:
                self.sample = stream.read_all(SAMPLE_BYTES)
        except SourceBroken as error:
            raise refused("file", str(error)) from error
        except _DAMAGED as error:
            raise refused("file", f"cannot be read: {_reason(error)}") from error
        self.whole = len(self.sample) < SAMPLE_BYTES
        if not self.sample:
            raise refused("file", "is empty")
        _refuse_binary(self.sample)

    def open(self) -> Unpacked:
        """The unpacked bytes from the beginning, within the limits. Raises :class:`OSError`."""
        raw = self.path.open("rb")
        try:
            if self.kind == "gzip":
                packed: IO[bytes] = gzip.GzipFile(fileobj=raw)  # type: ignore[assignment]
                return Unpacked(packed, raw, raw.tell, self.size)
            if self.kind == "zip":
                archive = zipfile.ZipFile(raw)
                return Unpacked(archive.open(self._member), raw, raw.tell, self.size)
            return Unpacked(raw, raw, raw.tell, None)
        except BaseException:
            raw.close()
            raise

    def _refuse_foreign(self, head: bytes) -> None:
        for magic, what in _FOREIGN.items():
            if head.startswith(magic):
                raise refused("file", f"is {what}, not a table of text")


class Unpacked:
    """A stream of unpacked bytes that stops at the limits.

    ``read`` raises :class:`SourceBroken` where the packing is damaged, the file is too large, was packed
    too well to be honest, or has no line end for :data:`MAX_LINE_BYTES`. ``position()`` is how far the
    file on the disk has been read, in bytes. ``packed_bytes``: its size, ``None`` for plain text.
    """

    def __init__(
        self, inner: IO[bytes], raw: IO[bytes], position: Callable[[], int], packed_bytes: int | None
    ) -> None:
        self._inner = inner
        self._raw = raw
        self.position = position
        self._most = MAX_UNPACKED_BYTES
        if packed_bytes is not None:
            self._most = min(self._most, max(_RATIO_FROM_BYTES, packed_bytes * MAX_RATIO))
        self._packed = packed_bytes is not None
        self._done = 0
        self._line_bytes = 0

    def __enter__(self) -> Unpacked:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._inner.close()
        self._raw.close()

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes, none only at the end."""
        try:
            data = self._inner.read(size)
        except _DAMAGED as error:
            raise SourceBroken(f"cannot be read further: {_reason(error)}") from error
        self._done += len(data)
        if self._done > self._most:
            raise SourceBroken(_too_packed() if self._packed else _too_large())
        if b"\n" in data or b"\r" in data:
            self._line_bytes = 0
        else:
            self._line_bytes += len(data)
            if self._line_bytes > MAX_LINE_BYTES:
                raise SourceBroken(f"has a line of more than {MAX_LINE_BYTES:,} bytes: it is no table")
        return data

    def read_all(self, size: int) -> bytes:
        """``size`` bytes, fewer only at the end."""
        pieces = []
        while size and (piece := self.read(size)):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def buffered(self, size: int = 128 << 10) -> io.BufferedReader:
        """The same as a buffered binary file; closing it closes this."""
        return io.BufferedReader(_Raw(self), size)


class _Raw(io.RawIOBase):
    def __init__(self, unpacked: Unpacked) -> None:
        self._unpacked = unpacked

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._unpacked.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._unpacked.close()
        super().close()


def _kind(head: bytes) -> Kind:
    if head.startswith(b"\x1f\x8b"):
        return "gzip"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    return "plain"


def _only_member(path: Path) -> str:
    """The name of the one file in a zip. Raises :class:`ImportRefused`."""
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    names = [entry.filename for entry in entries]
    if "[Content_Types].xml" in names:
        raise refused("file", "is an office document: save the sheet as CSV")
    files = [e for e in entries if not e.is_dir() and not e.filename.startswith("__MACOSX/")]
    if len(files) != 1:
        raise refused("file", f"is a zip of {len(files)} files: pack one CSV")
    only = files[0]
    if only.flag_bits & 1:
        raise refused("file", "is a zip with a password: pack it without one")
    if only.file_size > MAX_UNPACKED_BYTES:
        raise refused("file", _too_large())
    if only.file_size > max(_RATIO_FROM_BYTES, path.stat().st_size * MAX_RATIO):
        raise refused("file", _too_packed())
    return only.filename


def _swells_at_once(path: Path) -> bool:
    with path.open("rb") as file:
        head = file.read(_PROBED_BYTES)
    most = _PROBED_BYTES * MAX_RATIO
    return len(zlib.decompressobj(wbits=31).decompress(head, most + 1)) > most


def _refuse_binary(sample: bytes) -> None:
    if sample.startswith((b"\xff\xfe", b"\xfe\xff")) or sample[:400].count(0) * 3 > len(sample[:400]):
        return  # UTF-16, or something that nobody can decode: told later
    controls = len(sample) - len(sample.translate(None, _CONTROLS))
    if controls > max(8, len(sample) // 50):
        raise refused("file", "is binary, not a table of text")


_CONTROLS = bytes(set(range(32)) - {9, 10, 13})


def _too_large() -> str:
    return f"holds more than {MAX_UNPACKED_BYTES >> 30} GiB: split it"


def _too_packed() -> str:
    return (
        f"unpacks to more than {MAX_RATIO} times its size or {MAX_UNPACKED_BYTES >> 30} GiB: "
        "looks like a zip bomb"
    )


def _reason(error: BaseException) -> str:
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")
