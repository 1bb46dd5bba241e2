"""Criteria on requests and on events, and the values that these can have."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, get_args

from marshmallow import ValidationError, fields, validate

from emulator.journal.entry import EFFECTS, OUTCOMES
from emulator.journal.events import EVENT_KEYS, EVENT_PARTS, EventMatch
from emulator.journal.matching import Criteria, RequestCriteria
from emulator.journal.query import JSON_TYPES, KEYS, BadCriteria
from emulator.rules.catalogue import DECIDING
from emulator.rules.errors import Invalid
from emulator.rules.lints import did_you_mean
from emulator.rules.texts import MOST_PROBLEMS, Message, Text, message
from emulator.schemas.errors import INT64 as IN_64_BITS
from emulator.schemas.errors import (
    UNKNOWN_KEY,
    Integers,
    JSONScalar,
    boolean,
    flatten,
    integer,
    messages,
    string,
)
from emulator.schemas.json_schema import FIELD_VALUE, INT64, TEXT, JSONSchema
from emulator.timestamps import iso
from emulator.web.admin.loading import number_in_query
from emulator.web.admin.settings import TimeField
from emulator.workspaces.settings import LINT_IDS
from push_emulator.journal_answers import EventKind

_SCHEMAS: dict[type | None, JSONSchema] = {
    str: TEXT,
    int: INT64,
    bool: {"type": "boolean"},
    list: {"type": "array", "items": INT64},
    None: {"anyOf": [*FIELD_VALUE["anyOf"], {"type": "null"}]},
}


class SinceField(TimeField):
    """A time, in the form in which the journal writes times."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        return iso(super()._deserialize(value, attr, data, **kwargs))


_SINCE = SinceField(error_messages=messages("must be a string"))
#: The readers of a criterion's value, by its type, in JSON and in a query string.
_IN_JSON: dict[type | None, fields.Field[Any]] = {
    str: string(),
    int: integer(validate=IN_64_BITS),
    bool: boolean(),
    list: Integers(),
    None: JSONScalar(),
}
_IN_QUERY: dict[type | None, fields.Field[Any]] = {
    int: number_in_query(error_messages=messages("must be an integer of 64 bits")),
    bool: string(validate=validate.OneOf(("true", "false"), error="must be true or false")),
}
#: Criteria of which every request, or every event, has a value.
NEVER_NULL = (
    *("rule", "lint", "outcome", "effect", "since", "q", "method", "path", "status", "error", "error_text"),
    "kind",
)
#: Values that a criterion can have in every workspace.
VALUES: dict[str, tuple[str | int, ...]] = {
    "outcome": OUTCOMES,
    "rule": DECIDING,
    "lint": LINT_IDS,
    "effect": EFFECTS,
    "item_status": ("ok", "error"),
    "matching": ("custom", "profile_id", ""),
    "method": ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"),
    "kind": get_args(EventKind),
}


def _described(name: str) -> JSONSchema:
    schema = _SCHEMAS[_type_of(name)]
    if name in ("rule", "lint", "outcome", "effect", "item_status", "kind"):
        schema = {"type": "string", "enum": list(VALUES[name])}
    elif name == "since":
        schema = TimeField.json_schema
    if name in NEVER_NULL or "anyOf" in schema:
        return schema
    nullable = {**schema, "type": [schema["type"], "null"]}
    return {**nullable, "enum": [*schema["enum"], None]} if "enum" in schema else nullable


def _type_of(name: str) -> type | None:
    """The type of a criterion's value, ``None`` for any: of a custom field, or a part of an event."""
    if name in JSON_TYPES or name == "field_value":
        return JSON_TYPES.get(name)
    return str if name in EVENT_KEYS else None


@dataclass(frozen=True)
class Vocabulary:
    """The criteria for one kind of entry; null means "has none".

    ``prefixes``: of names that continue with the name of a part.
    """

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    make: type[Criteria[Any]]

    @cached_property
    def schemas(self) -> dict[str, JSONSchema]:
        """The schemas of the criteria's values, by name."""
        return {name: _described(name) for name in self.keys}

    def is_key(self, key: str) -> bool:
        """Whether a criterion can have this name."""
        whole, _, part = key.partition(".")
        return key in self.keys or (whole in self.prefixes and part != "")

    def advised(self, said: str, unknown: str, others: Iterable[str] = ()) -> Text:
        """The text about an unknown name, with the nearest known one, or how a part is named."""
        if unknown in self.prefixes:
            return message(
                '%(said)s, name one of its parts: "%(name)s.NAME"', said=Message(said), name=unknown
            )
        return did_you_mean(said, unknown, (*self.keys, *others))


REQUESTS = Vocabulary(KEYS, ("field",), RequestCriteria)
EVENTS = Vocabulary(EVENT_KEYS, EVENT_PARTS, EventMatch)


class CriteriaField(fields.Field[Criteria[Any]]):
    """Criteria by name: at least one, all known, each with a value of its type."""

    def __init__(self, vocabulary: Vocabulary, **options: Any) -> None:
        super().__init__(**options)
        self._vocabulary = vocabulary
        self.json_schema: JSONSchema = {
            "type": "object",
            "minProperties": 1,
            "properties": vocabulary.schemas,
            "patternProperties": {f"^{one}\\.[ -~]+$": _SCHEMAS[None] for one in vocabulary.prefixes},
            "additionalProperties": False,
        }

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Criteria[Any]:
        if not isinstance(value, dict) or not value:
            raise ValidationError("must be an object with one criterion or more")
        try:
            return self._vocabulary.make(_loaded(value, self._read))
        except BadCriteria as error:
            raise ValidationError({"q": [str(one) for one in error.problems]}) from error

    def _read(self, name: str, value: Any) -> Any:
        if not self._vocabulary.is_key(name):
            raise ValidationError([self._vocabulary.advised(UNKNOWN_KEY, name)])
        if value is None and name not in NEVER_NULL:  # it stands for a missing value
            return None
        field = _SINCE if name == "since" else _IN_JSON[_type_of(name)]
        return field.deserialize(value)


def read_criteria(arguments: Mapping[str, str]) -> dict[str, Any]:
    """Known criteria of a query string or a search, whose values are all text, in the form of a loose match.

    Raises :class:`Invalid` for a value that is not of its criterion's type.
    """
    try:
        return _loaded(arguments, _read_text)
    except ValidationError as error:
        raise Invalid(flatten(error.messages)) from error


def _read_text(name: str, text: str) -> Any:
    field = _SINCE if name == "since" else _IN_QUERY.get(JSON_TYPES.get(name))
    return text if field is None else field.deserialize(text)


def _loaded(given: Mapping[str, Any], read: Callable[[str, Any], Any]) -> dict[str, Any]:
    """The criteria, each as ``read`` reads it. Raises :class:`ValidationError` with the first complaints."""
    loaded, complaints = {}, {}
    for name, value in given.items():
        try:
            loaded[name] = read(name, value)
        except ValidationError as error:
            complaints[name] = error.messages
            if len(complaints) == MOST_PROBLEMS:
                break
    if complaints:
        raise ValidationError(complaints)
    return loaded
