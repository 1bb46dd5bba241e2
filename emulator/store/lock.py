"""One process per state directory."""

import contextlib
import json
import os
import re
import sys
from collections.abc import Iterator
from errno import EACCES, EAGAIN, ENOENT
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from emulator.store.errors import ForeignFile, StateError, StateInUse
from emulator.store.files import begins_with

if sys.platform != "win32":
    import fcntl

_LOCK, _HOLDER = "lock", "lock.holder"
_HOLDER_HEAD = re.compile(rb'\{"pid": |\Z')


class StateLock:
    """Holds a state directory until :meth:`release`, or until the process dies.

    It locks two things: a lock file, and the directory itself if the system can lock one. So another process
    finds the holder even if the lock file, or everything in the directory, was removed.

    Raises :class:`StateInUse`, which names the holder if another process has the lock, :class:`StateError`,
    which names the file if one is a link or a foreign file, and :class:`OSError` if the directory cannot be
    created or written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_links(folder)
        _refuse_foreign(folder)
        self.folder = folder
        self._holder = folder / _HOLDER
        self._lock = FileLock(folder / _LOCK)
        with contextlib.ExitStack() as undo:
            self._directory = _Directory(folder)
            undo.callback(self._directory.close)
            if not self._directory.lock(exclusive=True):
                raise _in_use(folder)
            try:
                self._lock.acquire(timeout=0)
            except Timeout as error:
                raise _in_use(folder) from error
            undo.callback(self._lock.release)
            self._file = _number(folder / _LOCK)
            self._holder.write_text(json.dumps({"pid": os.getpid()}) + "\n")
            self.check()
            undo.pop_all()

    def check(self) -> None:
        """Raise :class:`OSError` if the directory is no longer the one that is held, or cannot be reached."""
        if _number(self.folder) != self._directory.number:
            text = "the state directory was moved, removed or replaced while in use"
        elif not self._directory.locked and _number(self.folder / _LOCK) != self._file:
            text = "the lock of the state directory was removed or replaced while in use"
        else:
            return
        raise FileNotFoundError(ENOENT, text, str(self.folder))

    def release(self) -> None:
        """Release the directory for other processes."""
        with contextlib.suppress(OSError):
            self.check()
            self._holder.unlink()
        self._lock.release()
        self._directory.close()


class _Directory:
    """An open directory. No other directory gets its ``number`` meanwhile; ``locked``: we hold it."""

    def __init__(self, folder: Path) -> None:
        self.locked = False
        self._fd = -1
        if sys.platform != "win32":  # Windows opens no directory, but keeps one with an open file in it
            self._fd = os.open(folder, os.O_RDONLY)
        found = os.stat(folder if self._fd < 0 else self._fd)
        self.number = (found.st_dev, found.st_ino)

    def lock(self, exclusive: bool) -> bool:
        """Lock it, alone or shared with other readers; False if another process has the lock."""
        if sys.platform == "win32":
            return True
        try:
            fcntl.flock(self._fd, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
        except OSError as error:  # another error: the file system locks files only
            return error.errno not in (EAGAIN, EACCES)
        self.locked = True
        return True

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1


@contextlib.contextmanager
def only_reading(folder: Path) -> Iterator[None]:
    """Keeps emulators off a state directory without writing into it.

    Raises :class:`StateInUse` while an emulator has it, and :class:`OSError`.
    """
    directory = _Directory(folder)
    try:
        if not directory.lock(exclusive=False) or (not directory.locked and holder(folder) is not None):
            raise _in_use(folder)
        yield
    finally:
        directory.close()


def holder(folder: Path) -> int | None:
    """The living process that holds a state directory, if any; found without a write."""
    pid = _read_pid(folder / _HOLDER)
    return pid if pid is not None and psutil.pid_exists(pid) else None


def was_held(folder: Path) -> bool:
    """Whether an emulator has held this directory: its lock file is there."""
    lock = folder / _LOCK
    return lock.is_file() and lock.stat().st_size == 0


def _in_use(folder: Path) -> StateInUse:
    pid = holder(folder)
    found = "another process" if pid is None else f"another emulator (process {pid})"
    return StateInUse(f"{folder}: in use by {found}")


def _number(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_dev, found.st_ino


def _refuse_links(folder: Path) -> None:
    """Refuse links: a write through a link would change a file that another person chose."""
    for entry in os.scandir(folder):
        if entry.is_symlink():
            text = "is a symbolic link, and a state has none: remove it, or choose another --state"
            raise StateError(f"{entry.path}: {text}")


def _refuse_foreign(folder: Path) -> None:
    lock, holder_file = folder / _LOCK, folder / _HOLDER
    for path, ours in (
        (lock, not lock.exists() or was_held(folder)),
        (holder_file, not holder_file.exists() or begins_with(holder_file, _HOLDER_HEAD)),
    ):
        if not ours:
            raise ForeignFile(path)


def _read_pid(path: Path) -> int | None:
    try:
        return int(json.loads(path.read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
