"""The reading of admin calls: marshmallow checks them; an error names the nearest key. Fields for numbers."""

from collections.abc import Callable
from typing import Any

from flask import request
from marshmallow import Schema, ValidationError, fields, validate
from werkzeug.routing import IntegerConverter

from emulator.rules.errors import Invalid
from emulator.rules.lints import did_you_mean
from emulator.rules.model import INT64_MAX
from emulator.schemas.errors import INT64, StrictSchema, first_complaints, known_names, messages
from emulator.schemas.strict_json import JSONProblem, read_unique_json

#: The most complaints about one body.
MOST_COMPLAINTS = 20
#: So many known names are all told where none is near.
_FEW_NAMES = 3


class QuerySchema(StrictSchema):
    """A query string: any text is allowed, NUL too."""


def read_body() -> Any:
    """The request's JSON body, an empty one as ``{}``. Raises :class:`Invalid`."""
    sent = request.get_data()
    return read_part(sent) if sent.strip() else {}


def read_part(sent: bytes, name: str = "", told: Callable[[str], str] = str) -> Any:
    """The JSON in a body, or in the form's field of this name. Raises :class:`Invalid`, as :func:`load`."""
    try:
        return read_unique_json(sent)
    except JSONProblem as problem:
        path = ".".join(filter(None, (name, problem.path)))
        raise Invalid(f"{path or 'body'}: {told(problem.text)}", "A3") from problem


def load(schema: Schema, document: Any, told: Callable[[str], str] = str) -> Any:
    """A document as the schema loads it.

    Raises :class:`Invalid` with a text that names the first complaints by their paths, as ``told`` makes it:
    an unknown key with the nearest known name, or with all where they are few.
    """

    def advised(path: str, text: str) -> str:
        if text != "unknown key":
            return told(text)
        above, _, name = path.rpartition(".")
        known = known_names(schema, above)
        all_few = f"; there are {', '.join(known)}" if 1 < len(known) <= _FEW_NAMES else ""
        return told(text + (did_you_mean(name, known) or all_few))

    try:
        return schema.load(document)
    except ValidationError as error:
        complaints = first_complaints(error.messages, MOST_COMPLAINTS, advised)
        raise Invalid("; ".join(complaints), "A3") from error


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


class Int64Converter(IntegerConverter):
    """An integer of about 64 bits in a path: a view finds no record for a number of more."""

    regex = r"-?[0-9]{1,19}"


def number(kind: str, **options: Any) -> fields.Float:
    """A field for a number that ``kind`` describes; it refuses ``"1"`` and ``true``."""
    return JSONNumber(error_messages=messages(kind), **options)


class JSONNumber(fields.Float):
    """marshmallow's own also reads "0.5"."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)
