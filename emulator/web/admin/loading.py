"""The reading of admin calls: marshmallow checks them; an error names the nearest key. Fields for numbers."""

from typing import Any

from flask import request
from marshmallow import Schema, ValidationError, fields
from werkzeug.routing import IntegerConverter

from emulator.rules.errors import Invalid
from emulator.rules.lints import did_you_mean
from emulator.rules.model import INT64_MAX
from emulator.rules.texts import MOST_PROBLEMS, Problem, Text, first_problems, message
from emulator.schemas.errors import (
    INT64,
    UNKNOWN_KEY,
    Between,
    StrictSchema,
    first_complaints,
    known_names,
    messages,
)
from emulator.schemas.strict_json import JSONProblem, read_unique_json

#: The most known names that a text lists where none is near.
_FEW_NAMES = 3


class QuerySchema(StrictSchema):
    """A query string: any text is allowed, NUL too."""


def read_query() -> dict[str, str]:
    """The request's query parameters. Raises :class:`Invalid` for a name that is there twice."""
    twice = [Problem(name, "is a duplicate") for name, texts in request.args.lists() if len(texts) > 1]
    if twice:
        raise Invalid(first_problems(twice, MOST_PROBLEMS))
    return request.args.to_dict()


def read_body() -> Any:
    """The request's JSON body, an empty one as ``{}``. Raises :class:`Invalid`."""
    sent = request.get_data()
    return read_part(sent) if sent.strip() else {}


def read_part(sent: bytes, name: str = "") -> Any:
    """The JSON in a body, or in the form's field of this name. Raises :class:`Invalid`."""
    try:
        return read_unique_json(sent)
    except JSONProblem as problem:
        raise Invalid(problem.at(name)) from problem


def load(schema: Schema, document: Any) -> Any:
    """A document as the schema loads it.

    Raises :class:`Invalid` with the first complaints by their paths: an unknown key with the nearest known
    name, or with all where they are few.
    """

    def advised(path: str, text: Text) -> Text:
        if text != UNKNOWN_KEY:
            return text
        above, _, name = path.rpartition(".")
        known = known_names(schema, above)
        near = did_you_mean(text, name, known)
        if near != text or not 1 < len(known) <= _FEW_NAMES:
            return near
        return message("unknown key; there are %(known)s", known=", ".join(known))

    try:
        return schema.load(document)
    except ValidationError as error:
        raise Invalid(first_complaints(error.messages, MOST_PROBLEMS, advised)) from error


_DIGITS = 19
#: A number that counts something.
COUNT = Between(0, INT64_MAX)
#: The same, from 1.
ONE_OR_MORE = Between(1, INT64_MAX)


def number_in_query(**options: Any) -> fields.Integer:
    """A field for a 64-bit integer written in digits."""
    given = {"validate": INT64, "error_messages": messages("must be an integer")}
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


def number(text: str, **options: Any) -> fields.Float:
    """A field for a number, which refuses ``"1"`` and ``true``; ``text``: what it must be."""
    return JSONNumber(error_messages=messages(text), **options)


class JSONNumber(fields.Float):
    """marshmallow's own also reads "0.5"."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise self.make_error("invalid")
        return super()._deserialize(value, attr, data, **kwargs)
