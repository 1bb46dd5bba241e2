"""The answers to the SDKs' calls (R1–R6)."""

from collections.abc import Iterable

import orjson

from emulator.messages import JSON, Answer, Summary
from emulator.rules.mobile.calls import Document as Document
from emulator.rules.model import bounded_text


def success(profile: Document | None) -> Document:
    """A call that was carried out (R1): with an empty ``error_text``."""
    return {"error": 0, "error_text": "", "profile": profile}


def refused(
    text: str, code: int, status: int | None = None, headers: Iterable[tuple[str, str]] = ()
) -> Answer:
    """An error (R3–R6): never 200 unless a fault says so; its HTTP ``status`` is ``code`` unless given."""
    body = orjson.dumps({"error": code, "error_text": bounded_text(text), "profile": None})
    return Answer(status or code, [JSON, *headers], body, Summary(error=code))
