"""marshmallow's errors in this project's words: the parameter's path, then what it must be."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar

import msgspec
from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate

from emulator.rules.model import INT64_MAX, INT64_MIN, MAX_ERROR_TEXT
from emulator.rules.texts import Message, Problem, Text, first_problems, message
from emulator.schemas.json_schema import FIELD_VALUE, JSONSchema

REQUIRED = "is required"
UNKNOWN_KEY = "unknown key"

#: What the emulator keeps of integers.
INT64 = validate.Range(INT64_MIN, INT64_MAX, error="must be an integer of 64 bits")

#: Messages for a schema's ``error_messages``.
SCHEMA_MESSAGES: dict[str, Any] = {"type": "must be an object", "unknown": "unknown parameter"}


def messages(text: str) -> dict[str, Any]:
    """A field's ``error_messages``; ``text``: what its value must be."""
    return {
        "required": REQUIRED,
        "null": text,
        "invalid": text,
        "type": text,
        "special": text,
        "too_large": text,
        "invalid_utf8": text,
    }


class _Saying(validate.Validator):
    """A validator whose text has values; marshmallow itself would make a plain text of it."""

    text: Message

    def __call__(self, value: Any) -> Any:
        """The value. Raises :class:`ValidationError`."""
        try:
            return super().__call__(value)  # type: ignore[safe-super]  # mixed into one that has it
        except ValidationError as error:
            raise ValidationError([self.text]) from error


class Between(_Saying, validate.Range):
    """An integer from ``low`` to ``high``, both included."""

    def __init__(self, low: int, high: int) -> None:
        super().__init__(low, high)
        self.text = message("must be %(low)s to %(high)s", low=low, high=high)


class AtMost(_Saying, validate.Length):
    """At most so many characters."""

    def __init__(self, most: int) -> None:
        super().__init__(max=most)
        self.text = message("must have at most %(most)s characters", most=most)


class OneOf(_Saying, validate.OneOf):
    """One of some words."""

    def __init__(self, choices: Iterable[str]) -> None:
        super().__init__(choices)
        self.text = message("must be one of %(choices)s", choices=self.choices_text)


#: The check of the error text of a fault or of an override.
ERROR_TEXT = AtMost(MAX_ERROR_TEXT // 4)


def string(**options: Any) -> fields.String:
    """A string field that speaks the project's words."""
    return fields.String(error_messages=messages("must be a string"), **options)


def integer(**options: Any) -> fields.Integer:
    """An integer field that takes JSON integers only (``1.0``, ``"1"`` and ``true`` are none)."""
    return fields.Integer(strict=True, error_messages=messages("must be an integer"), **options)


def boolean(**options: Any) -> fields.Field[Any]:
    """A boolean field that takes true and false only."""
    return JSONBoolean(error_messages=messages("must be true or false"), **options)


def one_of(choices: Iterable[str], **options: Any) -> fields.String:
    """A string field that takes some words only."""
    return string(validate=OneOf(tuple(choices)), **options)


def nested(schema: type[Schema], **options: Any) -> fields.Nested:
    """A field for an object of this schema."""
    return fields.Nested(schema, error_messages=messages("must be an object"), **options)


def list_of(inner: fields.Field[Any], **options: Any) -> fields.List[Any]:
    """A field for an array."""
    return fields.List(inner, error_messages=messages("must be an array"), **options)


class StrictSchema(Schema):
    """A schema that refuses unknown keys: in what a tester writes they are typing errors.

    ``makes``: what is made of the members that were read.
    """

    class Meta:
        unknown = RAISE

    makes: ClassVar[Callable[..., Any]] = dict

    error_messages = {**SCHEMA_MESSAGES, "unknown": UNKNOWN_KEY}  # noqa: RUF012 (marshmallow's form)

    @post_load
    def _make(self, data: dict[str, Any], **kwargs: Any) -> Any:
        return self.makes(**data)

    def handle_error(self, error: ValidationError, data: Any, **kwargs: Any) -> None:
        if isinstance(data, Mapping) and isinstance(error.messages, dict):
            # marshmallow looks for unknown keys in a set, whose order differs from run to run
            unknown = [key for key in data if key in error.messages and key not in self.fields]
            error.messages |= {key: error.messages.pop(key) for key in unknown}


def known_names(schema: Schema, path: str) -> list[str]:
    """The keys of the object at a path of dots and positions."""
    for step in path.removeprefix(".").split(".") if path else ():
        inner: Any = schema.fields.get(step.partition("[")[0])
        inner = getattr(inner, "inner", inner)
        below = getattr(inner, "schema", None)
        if below is None:
            return []
        schema = below
    return list(schema.fields)


class Integers(fields.List[Any]):
    """JSON integers of 64 bits, judged in one go: there may be hundreds of thousands."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("error_messages", messages("must be an array of integers"))
        super().__init__(integer(validate=INT64), **options)

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> list[Any]:
        if not isinstance(value, list):
            raise self.make_error("invalid")
        if wrong := [at for at, one in enumerate(value) if type(one) is not int or not _fits(one)]:
            texts = {True: ["must be an integer of 64 bits"], False: ["must be an integer"]}
            raise ValidationError({at: texts[type(value[at]) is int] for at in wrong})
        return value


def _fits(number: int) -> bool:
    return INT64_MIN <= number <= INT64_MAX


class JSONBoolean(fields.Boolean):
    """marshmallow's own also reads "yes", 1 and more."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> bool:
        if not isinstance(value, bool):
            raise self.make_error("invalid")
        return value


class JSONScalar(fields.Field[Any]):
    """A string, a number or a boolean, as a custom field's value is."""

    json_schema: ClassVar[JSONSchema] = FIELD_VALUE

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if isinstance(value, int) and not _fits(value):
            raise ValidationError("must be an integer of 64 bits")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValidationError("must be a finite number")
        if not isinstance(value, (str, int, float)):
            raise ValidationError("must be a string, a number, true or false")
        return value


def first_complaints(errors: Any, most: int, worded: Callable[[str, Text], Text]) -> list[Problem]:
    """The first messages in marshmallow's nested errors, and how many more there are.

    ``worded`` makes the text that is shown of a path and its message.
    """
    found = first_problems([Problem(path or "body", text) for path, text in flatten(errors)], most)
    return [Problem(path, worded(path, text) if path else text) for path, text in found]


def said(error: msgspec.MsgspecError) -> tuple[str, str]:
    """msgspec's text, and the path that it names ("" for the whole), down to a member that it names."""
    text, _, path = str(error).partition(" - at `$")
    path = path[:-1].lstrip(".")
    if text.startswith("Object "):  # missing required field `…`, contains unknown field `…`
        name = text.partition("`")[2].rpartition("`")[0]
        path = f"{path}.{name}" if path else name
    return text, path


def flatten(errors: Any, path: str = "") -> Iterator[Problem]:
    """Every message in marshmallow's nested errors, in their order."""
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
        yield Problem(path, errors)
