"""Numbers in admin calls: JSON numbers only, within what JSON's readers can hold."""

from __future__ import annotations

from typing import Any

from marshmallow import fields

from emulator.schema_errors import messages


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
