"""The errors between a client and the emulator."""

from collections.abc import Mapping
from typing import Any


class EmulatorError(Exception):
    """A call was refused or not answered.

    ``status``: the HTTP status, 0 where there was no answer. ``error``, ``error_text``: the envelope's.
    ``document``: the whole JSON that was answered.
    """

    def __init__(
        self, status: int, error: int, error_text: str, document: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(error_text if status == 0 else f"{status}: {error_text}")
        self.status = status
        self.error = error
        self.error_text = error_text
        self.document = dict(document or {})


class VerificationFailed(EmulatorError, AssertionError):
    """Not as many requests came as expected; ``document`` has the ``count`` and the ``nearest`` misses.

    Its text has what came and, field by field, what the nearest misses have instead.
    """

    def __str__(self) -> str:
        return str(self.document.get("text", self.error_text))
