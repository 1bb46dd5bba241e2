"""The state's journal: an append-only file, one transaction a line, each with its number and checksum.

A line is ``CRC32 NUMBER JSON\\n``: the checksum, in 8 hex digits, covers ``NUMBER JSON``. The first line's
JSON is the header; every other line's is a transaction. Numbers are consecutive, over all journals of a
state, so that a lost line is noticed. A journal that another one follows ends in a line that says so, so
that a lost journal is noticed.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from zlib import crc32

import msgspec

from emulator.store.errors import DamagedState, newer_format
from emulator.store.files import fsync_folder, replace_file

FORMAT = 1
#: Seconds for which a look at the journal's name holds: to ask it each time costs more than to write a line.
_LOOK_S = 0.001
_LINE = re.compile(rb"([0-9a-f]{8}) (([0-9]{1,18}) (.*))", re.S)


class Header(msgspec.Struct):
    """A journal's first line. ``generation``: the snapshot that it follows; ``state``: whose it is."""

    journal: int
    generation: int
    state: str = ""


class _Version(msgspec.Struct):
    journal: int


#: The last line of a journal that another one follows.
_CLOSED = b'{"closed":true}'


def format_line(number: int, payload: bytes) -> bytes:
    """One line of the file."""
    text = b"%d %s" % (number, payload)
    return b"%08x %s\n" % (crc32(text), text)


def parse_line(line: bytes) -> tuple[int, bytes] | None:
    """The number and payload of a line (without its newline), or ``None`` if the checksum does not hold."""
    match = _LINE.fullmatch(line)
    if match is None or int(match[1], 16) != crc32(match[2]):
        return None
    return int(match[3]), match[4]


class Journal:
    """A journal open for appending.

    ``size`` is its length in bytes, ``number`` that of its last transaction. One thread appends, any may
    sync.
    """

    def __init__(self, path: Path, size: int, number: int) -> None:
        self.path = path
        self.size = size
        self.number = number
        # Windows would write two bytes for a newline.
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | getattr(os, "O_BINARY", 0))
        self._inode = os.fstat(self._fd).st_ino
        self._overhang = os.fstat(self._fd).st_size > size
        self._looked_at = -_LOOK_S
        self._sync_lock = threading.Lock()
        self._sync_error: OSError | None = None

    @classmethod
    def create(cls, path: Path, generation: int, number: int, state: str) -> Journal:
        """Make a journal that follows the snapshot ``generation``; it appears whole or not at all.

        Raises :class:`OSError`.
        """
        line = format_line(number, msgspec.json.encode(Header(FORMAT, generation, state)))
        replace_file(path, [line])
        try:
            fsync_folder(path.parent)
            return cls(path, len(line), number)
        except OSError:
            # Left behind, it would contradict what its predecessor takes in from now on.
            with contextlib.suppress(OSError):
                path.unlink()
            raise

    def append(self, payload: bytes) -> None:
        """Append one transaction. Raises :class:`OSError`, with the file as it was before."""
        # A deleted or replaced file would swallow writes without an error.
        now = monotonic()
        if now - self._looked_at >= _LOOK_S:
            if not self.in_place():
                raise FileNotFoundError(2, "the journal was removed or replaced while in use", str(self.path))
            self._looked_at = now
        line = format_line(self.number + 1, payload)
        self._write(line)
        self.size += len(line)
        self.number += 1

    def probe(self) -> None:
        """Try whether a page can be appended, and take it back. Raises :class:`OSError`."""
        self._write(bytes(4096))
        self.cut_back(self.size, self.number)

    def _write(self, data: bytes) -> None:
        if self._overhang:
            self.cut_back(self.size, self.number)
        written = 0
        try:
            while written < len(data):  # a full disk writes a part first
                written += os.write(self._fd, data[written:] if written else data)
        except OSError:
            with contextlib.suppress(OSError):
                self.cut_back(self.size, self.number)
            raise

    def in_place(self) -> bool:
        """Whether the file is still the one that its name means."""
        try:
            return os.stat(self.path).st_ino == self._inode
        except OSError:
            return False

    def cut_back(self, size: int, number: int) -> None:
        """Take back what was appended after this size and number.

        Raises :class:`OSError`; it is then done before anything else is appended.
        """
        self.size, self.number = size, number
        self._overhang = True
        os.ftruncate(self._fd, size)
        self._overhang = False

    def sync(self) -> None:
        """Wait until all that was appended has reached the disk. Raises :class:`OSError`."""
        self._sync(self._fd)

    def sync_later(self) -> Callable[[], None]:
        """A :meth:`sync` of what is appended so far, for another thread; it may outlive this journal."""
        fd = os.dup(self._fd)

        def sync() -> None:
            try:
                self._sync(fd)
            finally:
                os.close(fd)

        return sync

    def _sync(self, fd: int) -> None:
        # The system tells of a failed write only once, to one caller: every other must hear it here.
        with self._sync_lock:
            if self._sync_error is not None:
                raise self._sync_error
            try:
                _flush(fd)
            except OSError as error:
                self._sync_error = error
                raise

    def forget_sync_error(self) -> None:
        """What could not be synced has been taken back: begin anew."""
        with self._sync_lock:
            self._sync_error = None

    def close(self) -> None:
        """Let go of the file."""
        os.close(self._fd)

    def end(self) -> None:
        """Let go of the file, for another journal follows it already."""
        with contextlib.suppress(OSError):  # the other one is witness enough until it is lost
            self._write(format_line(self.number, _CLOSED))
        self.close()


#: macOS has no fdatasync.
_flush: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


@dataclass
class JournalReport:
    """What reading a journal came to: whose it is, where it ends, how much of a torn last line follows.

    ``closed``: it says that another journal follows.

    ``first_number`` is that of the transaction before its first, ``number`` that of its last.
    """

    generation: int = 0
    state: str = ""
    first_number: int = 0
    number: int = 0
    size: int = 0
    torn_bytes: int = 0
    closed: bool = False


def read_journal(path: Path, report: JournalReport) -> Iterator[bytes]:
    """The payload of every transaction, in order; ``report`` is filled on the way.

    It may end in a torn line: a beginning of one, without its newline.
    Raises :class:`DamagedState` for anything else that is not as it was written.
    """
    with path.open("rb") as file:
        for line in file:
            whole = line.endswith(b"\n")
            parsed = parse_line(line[:-1]) if whole else None
            if parsed is None:
                # A line that is whole but for another byte than the newline was not torn but changed.
                if not whole and report.size and not report.closed and parse_line(line[:-1]) is None:
                    report.torn_bytes = len(line)
                    return
                raise DamagedState(path, report.size, "a line's checksum does not hold")
            number, payload = parsed
            if report.size == 0:
                header = _read_header(path, payload)
                report.generation, report.state, report.first_number = header.generation, header.state, number
            else:
                if payload == _CLOSED and number == report.number and not report.closed:
                    report.closed = True
                    report.size += len(line)
                    continue
                if number != report.number + 1 or report.closed:
                    raise DamagedState(path, report.size, f"transaction {number} follows {report.number}")
                yield payload
            report.number = number
            report.size += len(line)
    if report.size == 0:
        raise DamagedState(path, 0, "the journal's first line is missing")


def _read_header(path: Path, payload: bytes) -> Header:
    try:
        version = msgspec.json.decode(payload, type=_Version).journal
        if version <= FORMAT:
            return msgspec.json.decode(payload, type=Header)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedState(path, 0, "not a journal of the emulator") from error
    raise newer_format(path, "journal", version, FORMAT)
