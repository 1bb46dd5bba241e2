"""marshmallow's errors in this project's words: the parameter's path, then what it must be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from marshmallow import fields, validate

from emulator.rules.model import INT64_MAX, INT64_MIN

REQUIRED = "is required"
MUST_BE_OBJECT = "must be an object"

#: What the emulator keeps of integers.
INT64 = validate.Range(INT64_MIN, INT64_MAX, error="must be an integer of 64 bits")

#: Messages for a schema's ``error_messages``.
SCHEMA_MESSAGES: dict[str, Any] = {"type": MUST_BE_OBJECT, "unknown": "unknown parameter"}


def messages(kind: str) -> dict[str, Any]:
    """A field's ``error_messages``, for a field that ``kind`` describes: "a string", "an array"…"""
    text = f"must be {kind}"
    return {
        "required": REQUIRED,
        "null": text,
        "invalid": text,
        "type": text,
        "special": text,
        "too_large": text,
        "invalid_utf8": text,
    }


def string(**options: Any) -> fields.String:
    """A string field that speaks the project's words."""
    return fields.String(error_messages=messages("a string"), **options)


def integer(**options: Any) -> fields.Integer:
    """An integer field that takes JSON integers only (``1.0``, ``"1"`` and ``true`` are none)."""
    return JSONInteger(error_messages=messages("an integer"), **options)


def boolean(**options: Any) -> fields.Field[Any]:
    """A boolean field that takes true and false only."""
    return JSONBoolean(error_messages=messages("true or false"), **options)


class JSONInteger(fields.Integer):
    """marshmallow's own also reads "1", 1.0 and true."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise self.make_error("invalid")
        return value


class JSONBoolean(fields.Boolean):
    """marshmallow's own also reads "yes", 1 and more."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


def flatten(errors: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """``(path, text)`` of every message in marshmallow's nested errors, in the document's order."""
    if isinstance(errors, Mapping):
        for key, inner in errors.items():
            if key == "_schema":
                yield from flatten(inner, path)
            elif isinstance(key, int):
                yield from flatten(inner, f"{path}[{key}]")
            else:
                yield from flatten(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(errors, (list, tuple)):
        for inner in errors:
            yield from flatten(inner, path)
    else:
        yield path, str(errors)
