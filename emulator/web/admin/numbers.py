"""Numbers in admin calls: JSON numbers only, within what JSON's readers can hold."""

from __future__ import annotations

from typing import Any

from marshmallow import fields, validate

from emulator.rules.model import INT64_MAX, INT64_MIN
from emulator.schema_errors import messages

INT64 = validate.Range(INT64_MIN, INT64_MAX, error="must be an integer of 64 bits")


def number(kind: str, **options: Any) -> fields.Float:
    """A field for a number that ``kind`` describes; ``"1"`` and ``true`` are none."""
    return JSONNumber(error_messages=messages(kind), **options)


class JSONNumber(fields.Float):
    """marshmallow's own also reads "0.5"."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid")
        try:
            return float(value)
        except OverflowError as error:
            raise self.make_error("invalid") from error
