"""What can be wrong with the state on disk."""

from __future__ import annotations

from errno import EMFILE, ENFILE
from pathlib import Path

from emulator.rules.model import RequestError


class StateError(Exception):
    """The state cannot be opened; the text names the file and what to do. Nothing was touched."""


class DamagedState(StateError):
    """A file is not what was written: which, at which byte offset, and why."""

    def __init__(self, path: Path, offset: int, reason: str) -> None:
        super().__init__(
            f"{path}: damaged at byte {offset}: {reason}. Nothing was changed. "
            f"`python run.py doctor --state {path.parent}` says what is lost and how to go on"
        )
        self.path = path
        self.offset = offset
        self.reason = reason


def newer_format(path: Path, what: str, found: int, known: int) -> StateError:
    """The refusal of a file that a later version wrote: what it is, its format, the latest known one."""
    return StateError(
        f"{path}: written by a newer emulator ({what} format {found}, this one reads {known}). "
        "Use that version, or another --state directory"
    )


class ForeignFile(StateError):
    """Somebody else's file is where one of ours would be."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: is not a file of the emulator and was left alone: "
            "move it away, or choose another name or --state directory"
        )


class StorageUnavailable(Exception):
    """A transaction could not be made durable: nothing of it was applied, the state is as before.

    ``code``: the error of an answer, 503 where the system had no more open files to give, else 500.
    """

    def __init__(self, text: str, code: int = 500) -> None:
        super().__init__(text)
        self.code = code


def error_code(error: Exception) -> int:
    """The error of an answer that this kept from being given: 503 for want of open files, else 500."""
    return 503 if isinstance(error, OSError) and error.errno in (EMFILE, ENFILE) else 500


def refusal(error: StorageUnavailable) -> RequestError:
    """What whoever asked for the change is answered."""
    return RequestError(error.code, f"nothing was changed: {error}", "A3")


def reason(error: Exception, path: Path) -> str:
    """What went wrong with the state file ``path``, for a person."""
    if isinstance(error, OSError):
        return f"{error.strerror or error} ({error.filename or path})"
    return f"{type(error).__name__}: {error} ({path})"
