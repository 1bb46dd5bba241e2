"""The errors of a state."""

from pathlib import Path

from emulator.rules.texts import Text


class StateError(Exception):
    """The state cannot be opened; the text names the file and what to do. Nothing was touched."""


class DamagedState(StateError):
    """A file differs from what was written: which file, at which byte offset, and why."""

    def __init__(self, path: Path, offset: int, reason: str) -> None:
        super().__init__(
            f"{path}: damaged at byte {offset}: {reason}. Nothing was changed. "
            f"`python run.py doctor --state {path.parent}` says what is lost and how to go on"
        )
        self.path = path
        self.offset = offset
        self.reason = reason


class ForeignFile(StateError):
    """A foreign file is in the place of one of ours."""

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path}: is not a file of the emulator and was left alone: "
            "move it away, or choose another name or --state directory"
        )


class StateInUse(StateError):
    """Another process has the state."""


class Unavailable(Exception):
    """A transaction could not be made durable: nothing of it was applied, the state is as before.

    ``cause``: the error of the system, if any.
    """

    def __init__(self, text: Text, cause: Exception | None = None) -> None:
        super().__init__(str(text))
        self.text = text
        self.cause = cause


class DatabaseUnavailable(Unavailable):
    """The database cannot be used just now."""


class EmulatorEnds(DatabaseUnavailable):
    """The database is not used any more: the server stops."""


def reason(error: Exception, path: Path) -> str:
    """The reason of an error with the state file ``path``, for a person."""
    if isinstance(error, OSError):
        return f"{error.strerror or error} ({error.filename or path})"
    return f"{type(error).__name__}: {error} ({path})"
