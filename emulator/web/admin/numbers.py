"""Numbers in admin calls, within the range of the state and of JSON readers."""

from __future__ import annotations

import math
from typing import Any

from marshmallow import fields, validate
from werkzeug.routing import BaseConverter

from emulator.rules.model import INT64_MAX
from emulator.schemas.errors import INT64, messages

_DIGITS = 19
#: A number that counts something.
COUNT = validate.Range(0, INT64_MAX, error=f"must be 0 to {INT64_MAX}")
#: The same, from 1.
ONE_OR_MORE = validate.Range(1, INT64_MAX, error=f"must be 1 to {INT64_MAX}")


def number_in_query(**options: Any) -> fields.Integer:
    """A field for a 64-bit integer written in digits."""
    given = {"validate": INT64, "error_messages": messages("an integer")}
    return TextInteger(**{**given, **options})


class TextInteger(fields.Integer):
    """marshmallow's own also reads "1_000", " 1" and other scripts' digits."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> int:
        number = read_digits(value)
        if number is None:
            raise self.make_error("invalid")
        return number


def read_digits(text: Any) -> int | None:
    """The integer in a text, if the text has no more digits than a 64-bit integer."""
    digits = text.removeprefix("-") if isinstance(text, str) else ""
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= _DIGITS else None


class Int64Converter(BaseConverter):
    """An integer of about 64 bits in a path."""

    regex = r"-?[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        """The number. A view finds no record for a number of more than 64 bits."""
        return int(value)


def number(kind: str, **options: Any) -> fields.Float:
    """A field for a number that ``kind`` describes; it refuses ``"1"`` and ``true``."""
    return JSONNumber(error_messages=messages(kind), **options)


class JSONNumber(fields.Float):
    """marshmallow's own also reads "0.5"."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid")
        try:
            number = float(value)
        except OverflowError as error:
            raise self.make_error("invalid") from error
        if not math.isfinite(number):  # 1e999
            raise self.make_error("invalid")
        return number
