"""The state's log: an append-only file of transactions, of the form that ``log_format`` describes."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from errno import EEXIST, ENOENT
from pathlib import Path
from time import monotonic

import msgspec

from emulator.store.files import OPEN_FLAGS, fsync_folder, replace_file
from emulator.store.log_format import CLOSED, FORMAT, LogHeader, format_line, is_log
from emulator.store.open_files import closed, opened
from emulator.store.recovery import log_path
from emulator.store.snapshot import SnapshotHeader

#: Seconds for which a check of the log's name is valid: a check at each write costs more than the write.
SEEN_S = 0.005


class Log:
    """A log to append to. An append opens its file; :meth:`rest` closes it.

    ``size`` is its length in bytes, ``number`` that of its last transaction. One thread appends, any may
    sync. ``syncs``: an appended line counts when it is synced, so the file stays open until then.
    ``overhangs``: the file has more than counts, which the next append removes. ``seen_at``: when
    :meth:`check` found it in its place (:func:`time.monotonic`).
    """

    def __init__(self, path: Path, size: int, number: int, syncs: bool = False) -> None:
        self.path = path
        self.size = size
        self.number = number
        self._start = size, number
        self._syncs = syncs
        self._synced = number
        self._fd: int | None = None
        self._file = threading.Lock()  # another thread may close the open file
        found = os.lstat(path)
        self._number_of_file = (found.st_dev, found.st_ino)
        self._size_of_file = found.st_size
        self.overhangs = found.st_size > size
        self.seen_at = -SEEN_S
        self._sync_lock = threading.Lock()
        self._sync_error: OSError | None = None

    @classmethod
    def create(
        cls, state_file: Path, header: SnapshotHeader, syncs: bool = False, begins: bool = False
    ) -> Log:
        """Make the log that follows the snapshot with this header; it appears whole or not at all.

        ``syncs``: it is on the disk then, too; ``begins``: see :class:`LogHeader`.
        Raises :class:`OSError`, also for somebody else's file in its place.
        """
        path, number = log_path(state_file, header.generation), header.number
        if os.path.lexists(path) and not is_log(path):
            raise FileExistsError(EEXIST, "another file is in the place of the next log", str(path))
        first = LogHeader(FORMAT, header.generation, header.state, begins)
        line = format_line(number, msgspec.json.encode(first))
        replace_file(path, [line], syncs)
        try:
            if syncs:
                fsync_folder(path.parent)
            return cls(path, len(line), number, syncs)
        except OSError:
            # A log left behind would contradict later lines of its predecessor.
            with contextlib.suppress(OSError):
                path.unlink()
            raise

    def append(self, payload: bytes) -> None:
        """Append one transaction. Raises :class:`OSError`, with the file as it was before."""
        line = format_line(self.number + 1, payload)
        self._write(line)
        self.size += len(line)
        self.number += 1

    def probe(self) -> None:
        """Try to append a page, and remove it again. Raises :class:`OSError`."""
        self._write(bytes(4096))
        self.cut_back(self.size, self.number)

    def _write(self, data: bytes) -> None:
        if self.overhangs:
            self.cut_back(self.size, self.number)
        written = 0
        try:
            with self._file:
                fd = self._fd if self._fd is not None else self._opened()
                while written < len(data):  # a full disk writes a part before it fails
                    written += os.write(fd, data[written:] if written else data)
        except OSError:
            with contextlib.suppress(OSError):
                self.cut_back(self.size, self.number)
            raise

    # The open file

    def _opened(self) -> int:
        if self._fd is None:
            self._fd = self._open()
            opened(self.rest)
        return self._fd

    def _open(self) -> int:
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | OPEN_FLAGS)
        found = os.fstat(fd)
        # The system reuses a file's number after its close: the size is compared, too.
        if (found.st_dev, found.st_ino, found.st_size) != (*self._number_of_file, self._size_of_file):
            os.close(fd)
            raise self._gone()
        return fd

    def _duplicate(self) -> int:
        with self._file:
            return self._open() if self._fd is None else os.dup(self._fd)

    def rest(self) -> None:
        """Close the file, unless it is in use or has lines that still must reach the disk."""
        if self._file.acquire(blocking=False):
            try:
                if not (self._syncs and self._synced < self.number):
                    self._close()
            finally:
                self._file.release()

    def close(self) -> None:
        """Close the file, in use or not."""
        with self._file:
            self._close()

    def _close(self) -> None:
        if self._fd is not None:
            fd, self._fd = self._fd, None
            closed(self.rest)
            with contextlib.suppress(OSError):
                self._size_of_file = os.fstat(fd).st_size
            with contextlib.suppress(OSError):  # the lines are written already
                os.close(fd)

    def check(self) -> None:
        """Raise :class:`OSError` unless the file is in its place.

        A deleted or replaced file would swallow writes without an error.
        """
        try:
            found = os.lstat(self.path)
        except FileNotFoundError as error:
            raise self._gone() from error
        if (found.st_dev, found.st_ino) != self._number_of_file:
            raise self._gone()
        self.seen_at = monotonic()

    def check_open(self) -> None:
        """Raise :class:`OSError` unless the file can be opened."""
        os.close(self._duplicate())

    def _gone(self) -> OSError:
        return FileNotFoundError(ENOENT, "the log was removed or replaced while in use", str(self.path))

    def cut_back(self, size: int, number: int) -> None:
        """Remove the lines after this size and number.

        Raises :class:`OSError`; then the next append does it first.
        """
        self.size, self.number = size, number
        self._synced = min(self._synced, number)
        self.overhangs = True
        with self._file:
            os.ftruncate(self._opened(), size)
        self.overhangs = False

    def clear(self) -> None:
        """Remove all lines that were appended. Raises :class:`OSError`; then they are there still."""
        size, number = self._start
        with self._file:
            os.ftruncate(self._opened(), size)
        self.size, self.number, self.overhangs = size, number, False

    # The disk

    def sync(self) -> None:
        """Wait until all appended lines have reached the disk. Raises :class:`OSError`."""
        self.sync_later()()

    def sync_later(self) -> Callable[[], None]:
        """A :meth:`sync` of the lines so far, for another thread; it may outlive this log.

        Raises :class:`OSError` if the file cannot be opened.
        """
        fd, number = self._duplicate(), self.number

        def sync() -> None:
            try:
                self._sync(fd)
                self._synced = max(self._synced, min(number, self.number))
            finally:
                os.close(fd)

        return sync

    def _sync(self, fd: int) -> None:
        # The system reports a failed write only once, to one caller: the others get the error here.
        with self._sync_lock:
            if self._sync_error is not None:
                raise self._sync_error
            try:
                flush(fd)
            except OSError as error:
                self._sync_error = error
                raise

    def forget_sync_error(self) -> None:
        """Forget the error of a sync: the unsynced lines were removed."""
        with self._sync_lock:
            self._sync_error = None

    def end(self) -> None:
        """Close the file: another log follows it already."""
        with contextlib.suppress(OSError):  # the next log proves the end of this one until that log is lost
            self._write(format_line(self.number, CLOSED))
        self.close()


#: macOS has no fdatasync.
flush: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
