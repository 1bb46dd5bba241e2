"""What can be wrong with the state on disk."""

from __future__ import annotations

from pathlib import Path


class StateError(Exception):
    """The state cannot be opened; the text names the file and what to do. Nothing was touched."""


class DamagedState(StateError):
    """A file is not what was written: which, at which byte offset, and why."""

    def __init__(self, path: Path, offset: int, reason: str) -> None:
        super().__init__(
            f"{path}: damaged at byte {offset}: {reason}. Nothing was changed. "
            f"Look with `python run.py doctor --state {path.parent}`; `--repair` writes a repaired copy beside it"
        )
        self.path = path
        self.offset = offset
        self.reason = reason


class StorageUnavailable(Exception):
    """A transaction could not be made durable: nothing of it was applied, the state is as before."""
