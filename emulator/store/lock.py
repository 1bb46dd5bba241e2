"""One process per state directory."""

from __future__ import annotations

import json
import os
from pathlib import Path

from filelock import FileLock, Timeout

from emulator.store.errors import StateError


class StateLock:
    """Holds a state directory until :meth:`release`, or until the process dies.

    Raises :class:`StateError`, naming the holder, if another process has it, and :class:`OSError` if the
    directory cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._holder = folder / "holder.json"
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
        try:
            pid = json.loads(self._holder.read_text())["pid"]
        except (OSError, ValueError, KeyError, TypeError):
            return "another process"
        return f"another emulator (process {pid})"
