"""What the errors of a store are to whoever sent a request."""

from __future__ import annotations

from errno import EMFILE, ENFILE

from emulator.rules.model import RequestError
from emulator.store.errors import Unavailable


def error_code(error: Exception | None) -> int:
    """The error of an answer that this kept from being given: 503 for want of open files, else 500."""
    return 503 if isinstance(error, OSError) and error.errno in (EMFILE, ENFILE) else 500


def refusal(error: Unavailable) -> RequestError:
    """What whoever asked for the change is answered."""
    return RequestError(error_code(error.cause), f"nothing was changed: {error}", "A3")
