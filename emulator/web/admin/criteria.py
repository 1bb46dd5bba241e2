"""Criteria on requests and on events, and the values that these can have."""

import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, get_args

from marshmallow import ValidationError, fields

from emulator.journal.entry import EFFECTS, OUTCOMES
from emulator.journal.events import EVENT_KEYS, EVENT_PARTS, EventMatch, is_event_key
from emulator.journal.matching import Criteria, Match
from emulator.journal.query import JSON_TYPES, KEYS, BadCriteria
from emulator.rules.catalogue import DECIDING
from emulator.rules.errors import Invalid
from emulator.rules.lints import did_you_mean
from emulator.rules.model import INT64_MAX, INT64_MIN
from emulator.schemas.errors import flatten
from emulator.schemas.json_schema import FIELD_VALUE, INT64, TEXT, JSONSchema
from emulator.timestamps import iso
from emulator.web.admin.loading import MOST_COMPLAINTS
from emulator.web.admin.settings import TimeField
from emulator.workspaces.settings import LINT_IDS
from push_emulator.answers import EventKind

_NAMES = {str: "a string", int: "an integer", bool: "true or false", list: "an array of integers"}
_SCHEMAS: dict[type | None, JSONSchema] = {
    str: TEXT,
    int: INT64,
    bool: {"type": "boolean"},
    list: {"type": "array", "items": INT64},
    None: {"anyOf": [*FIELD_VALUE["anyOf"], {"type": "null"}]},
}
#: Criteria of which every request, or every event, has a value.
NEVER_NULL = (
    *("rule", "lint", "outcome", "effect", "since", "q", "method", "path", "status", "error", "error_text"),
    "kind",
)
_INTEGER = re.compile(r"-?[0-9]{1,19}")
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


def is_key(key: str) -> bool:
    """Whether a criterion for requests can have this name."""
    return key in KEYS or (key.startswith("field.") and key != "field.")


@dataclass(frozen=True)
class Vocabulary:
    """The criteria for one kind of entry: ``schemas`` their values by name; null means "has none".

    ``prefixes``: of names that continue with the name of a part.
    """

    keys: tuple[str, ...]
    prefixes: tuple[str, ...]
    is_key: Callable[[str], bool]
    make: type[Criteria[Any]]
    schemas: dict[str, JSONSchema] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "schemas", {name: _described(name) for name in self.keys})

    def hint(self, unknown: str, others: Iterable[str] = ()) -> str:
        """The nearest known name, or how a part is named."""
        if unknown in self.prefixes:
            return f', name one of its parts: "{unknown}.NAME"'
        return did_you_mean(unknown, (*self.keys, *others))


REQUESTS = Vocabulary(KEYS, ("field",), is_key, Match)
EVENTS = Vocabulary(EVENT_KEYS, EVENT_PARTS, is_event_key, EventMatch)


class MatchField(fields.Field[Criteria[Any]]):
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
        complaints = (
            (key, text)
            for key, wanted in value.items()
            if (text := _complaint(key, wanted, self._vocabulary))
        )
        first = {key: [text] for key, text in islice(complaints, MOST_COMPLAINTS)}
        if first:
            raise ValidationError(first)
        try:
            return self._vocabulary.make(_with_canonical_since(value))
        except BadCriteria as error:
            raise ValidationError({"q": [error.text]}) from error


def _complaint(key: str, wanted: Any, vocabulary: Vocabulary) -> str | None:
    """The problem of a criterion, ``None`` if it is valid. Null stands for a missing value."""
    if not vocabulary.is_key(key):
        return f"unknown key{vocabulary.hint(key)}"
    if wanted is None and key not in NEVER_NULL:
        return None
    kind = _type_of(key)
    if kind is not None and type(wanted) is not kind:
        return f"must be {_NAMES[kind]}"
    if kind is list and not all(type(one) is int and INT64_MIN <= one <= INT64_MAX for one in wanted):
        return "must be an array of integers of 64 bits"
    if kind is None and not isinstance(wanted, (str, int, float)):
        return "must be a string, a number, true or false"
    if isinstance(wanted, float) and not math.isfinite(wanted):
        return "must be a finite number"
    if isinstance(wanted, int) and not INT64_MIN <= wanted <= INT64_MAX:
        return "must be an integer of 64 bits"
    return None


def read_criteria(arguments: Mapping[str, str]) -> dict[str, Any]:
    """Known criteria of a query string or a search, whose values are all text, in the form of a loose match.

    Raises :class:`Invalid` for a value that is not of its criterion's type.
    """
    criteria: dict[str, Any] = dict(arguments)
    complaints = {}
    for key, text in arguments.items():
        if JSON_TYPES.get(key) is int:
            if not _INTEGER.fullmatch(text) or not INT64_MIN <= int(text) <= INT64_MAX:
                complaints[key] = ["must be an integer of 64 bits"]
            else:
                criteria[key] = int(text)
        elif JSON_TYPES.get(key) is bool and text not in ("true", "false"):
            complaints[key] = ["must be true or false"]
    try:
        if complaints:
            raise ValidationError(complaints)
        return _with_canonical_since(criteria)
    except ValidationError as error:
        raise Invalid("; ".join(f"{path}: {text}" for path, text in flatten(error.messages)), "A3") from error


def _with_canonical_since(criteria: dict[str, Any]) -> dict[str, Any]:
    """The criteria with ``since`` as the journal writes times. Raises :class:`ValidationError`."""
    if criteria.get("since") is None:
        return criteria
    try:
        return {**criteria, "since": iso(TimeField().deserialize(criteria["since"]))}
    except ValidationError as error:
        raise ValidationError({"since": error.messages}) from error
