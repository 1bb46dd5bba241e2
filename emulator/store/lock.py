"""One process per state directory."""

from __future__ import annotations

import json
import os
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from emulator.store.errors import StateError

_HOLDER = "lock.holder"


class StateLock:
    """Holds a state directory until :meth:`release`, or until the process dies.

    Raises :class:`StateError`, naming the holder if another process has it, naming the file if one is a
    link, and :class:`OSError` if the directory cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_links(folder)
        self._holder = folder / _HOLDER
        self._lock = FileLock(folder / "lock")
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise StateError(f"{folder}: in use by {self._describe_holder()}") from error
        try:
            self._holder.write_text(json.dumps({"pid": os.getpid()}) + "\n")
        except OSError:
            self._lock.release()
            raise

    def release(self) -> None:
        """Let another process have the directory."""
        self._holder.unlink(missing_ok=True)
        self._lock.release()

    def _describe_holder(self) -> str:
        pid = _read_pid(self._holder)
        return "another process" if pid is None else f"another emulator (process {pid})"


def holder(folder: Path) -> int | None:
    """The process that holds a state directory, if one that lives does; asked without touching anything."""
    pid = _read_pid(folder / _HOLDER)
    return pid if pid is not None and psutil.pid_exists(pid) else None


def _refuse_links(folder: Path) -> None:
    """What is written through a link would land in a file that somebody else chose."""
    for entry in os.scandir(folder):
        if entry.is_symlink():
            text = "is a symbolic link, and a state has none: remove it, or choose another --state"
            raise StateError(f"{entry.path}: {text}")


def _read_pid(path: Path) -> int | None:
    try:
        return int(json.loads(path.read_text())["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
