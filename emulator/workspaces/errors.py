"""What an error of a workspace is to the client: its kind, its HTTP status, its headers."""

from collections.abc import Iterator
from contextlib import contextmanager
from errno import EMFILE, ENFILE
from pathlib import Path

from emulator.rules import errors
from emulator.rules.errors import Failed, OutOfFiles, Refused
from emulator.rules.texts import Problem, Text, as_message, message
from emulator.store.errors import DatabaseUnavailable, ForeignFile, StateError, Unavailable, reason

_STATUS: dict[type[Refused], int] = {
    errors.Invalid: 400,
    errors.ProcessingError: 400,
    errors.Unauthorized: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.NotAllowed: 405,
    errors.Conflict: 409,
    errors.TooLarge: 413,
    errors.Unsupported: 415,
    errors.TooMany: 429,
    errors.Overloaded: 503,
    errors.Failed: 500,
    errors.OutOfFiles: 503,
    errors.Unreachable: 503,
    errors.NotKept: 507,
}
#: Seconds after which a refused client may well find room: a guess, for files are of any size.
RETRY_AFTER_S = 5


def status_of(error: Refused) -> int:
    """The HTTP status of an error."""
    return next(_STATUS[kind] for kind in type(error).__mro__ if kind in _STATUS)


def headers_of(error: Refused) -> list[tuple[str, str]]:
    """The headers that an error's answer has beside those of every answer."""
    if isinstance(error, errors.Unreachable):
        return [("Retry-After", "1")]
    if isinstance(error, (errors.Busy, errors.Overloaded)):
        return [("Retry-After", str(RETRY_AFTER_S))]
    return [("Accept-Encoding", "identity")] if isinstance(error, errors.Unsupported) else []


def is_out_of_files(error: Exception | None) -> bool:
    """Whether the system lets the process open no more files."""
    return isinstance(error, OSError) and error.errno in (EMFILE, ENFILE)


def failed(text: Text, cause: Exception | None) -> Failed:
    """The error for an action that failed because of ``cause``."""
    return (OutOfFiles if is_out_of_files(cause) else Failed)(text)


def refusal(error: Refused | Unavailable) -> Refused:
    """The error that answers the request: itself, or that of a change that the disk refused."""
    if isinstance(error, Refused):
        return error
    if isinstance(error, DatabaseUnavailable):
        return errors.Unreachable(error.text)
    return failed(message("nothing was changed: %(reason)s", reason=as_message(error.text)), error.cause)


@contextmanager
def opening(name: str) -> Iterator[None]:
    """Say as :class:`Refused` why a workspace cannot be opened."""
    try:
        yield
    except Unavailable as error:
        raise _not_opened(name, error.text, error.cause) from error
    except ForeignFile as error:
        raise errors.Invalid(Problem("workspace", str(error))) from error
    except OSError as error:
        raise _not_opened(name, reason(error, Path(name)), error) from error
    except StateError as error:
        said = message("workspace %(name)s: %(reason)s", name=name, reason=str(error))
        raise failed(said, error) from error


def _not_opened(name: str, why: Text, cause: Exception | None) -> Failed:
    unchanged = message("nothing was changed: %(reason)s", reason=as_message(why))
    return failed(message("workspace %(name)s: %(reason)s", name=name, reason=unchanged), cause)
