"""How the project's own marshmallow fields read in JSON Schema."""

from __future__ import annotations

from typing import Any

from marshmallow import Schema, fields, validate

from emulator.endpoint.schema import FieldValue
from emulator.faults.model import ITEM_ERRORS, SPOILS
from emulator.faults.tokens import MAX_DELAY_MS
from emulator.fixtures.schema import FieldTypeField, FieldValueField
from emulator.journal.matching import KEYS
from emulator.rules.fields import FIELD_KINDS
from emulator.schemas.json_schema import (
    FIELD_VALUE,
    INT64,
    TEXT_PATTERN,
    JSONSchema,
    one_value,
)
from emulator.web.admin.clock import TimeField
from emulator.web.admin.criteria import NEVER_NULL, VALUES, MatchField
from emulator.web.admin.faults import DelayField, ThenField
from emulator.web.admin.imports import MatchField as ImportMatchField
from emulator.web.admin.imports import ResourceField
from emulator.web.admin.loading import QuerySchema
from emulator.web.openapi.answers import AnswerSchema

_MILLISECONDS: JSONSchema = {"type": "integer", "minimum": 0, "maximum": MAX_DELAY_MS}
_STATUS: JSONSchema = {"type": "integer", "minimum": 400, "maximum": 599}


_ANSWERS: list[JSONSchema] = [
    {"type": "string", "enum": list(SPOILS)},
    {
        "type": "object",
        "properties": {
            "status": _STATUS,
            "error": INT64,
            "error_text": {"type": "string", "pattern": TEXT_PATTERN},
        },
        "required": ["status"],
        "additionalProperties": False,
    },
    one_value(rate_limit=one_value(per_second={"type": "number", "exclusiveMinimum": 0, "maximum": 1e6})),
]
_ITEM_ERROR = one_value(item_error={"type": "string", "enum": list(ITEM_ERRORS)})
_THEN: JSONSchema = {"anyOf": [*_ANSWERS, _ITEM_ERROR]}
_UNIFORM = one_value(uniform={"type": "array", "items": _MILLISECONDS, "minItems": 2, "maxItems": 2})
_DELAY: JSONSchema = {"anyOf": [_MILLISECONDS, _UNIFORM]}
#: What the keys of a fault must be together, so that it does something.
FAULTS: list[JSONSchema] = [
    {
        "title": "another answer, or none",
        "properties": {"then": {"anyOf": _ANSWERS}},
        "required": ["then"],
    },
    {
        "title": "an error in an item, which changes nothing",
        "properties": {"then": _ITEM_ERROR, "apply": {"const": "before"}},
        "required": ["then"],
    },
    {
        "title": "a delay alone",
        "properties": {
            "then": {"type": "null"},
            "delay_ms": {"anyOf": [{**_MILLISECONDS, "minimum": 1}, _UNIFORM]},
        },
        "required": ["delay_ms"],
    },
]
_NUMBERS = ("status", "error", "resource_id", "db_id")
_VALUE: JSONSchema = {"anyOf": [*FIELD_VALUE["anyOf"], {"type": "null"}]}
_KINDS: dict[str, JSONSchema] = {
    "unsubscribe": {"type": "boolean"},
    "db_ids": {"type": "array", "items": INT64},
    "field_value": _VALUE,
    "since": TimeField.json_schema,
    **dict.fromkeys(_NUMBERS, INT64),
}
_LISTED = ("rule", "lint", "outcome", "item_status")


def _criterion(name: str) -> JSONSchema:
    schema = _KINDS.get(name, {"type": "string", "pattern": TEXT_PATTERN})
    if name in _LISTED:
        schema = {"type": "string", "enum": list(VALUES[name])}
    if name in NEVER_NULL or name == "field_value":
        return schema
    nullable = {**schema, "type": [schema["type"], "null"]}
    return {**nullable, "enum": [*schema["enum"], None]} if "enum" in schema else nullable


#: A criterion's value by its name; null means "has none".
CRITERIA: dict[str, JSONSchema] = {name: _criterion(name) for name in KEYS}
_MATCH: JSONSchema = {
    "type": "object",
    "minProperties": 1,
    "properties": CRITERIA,
    "patternProperties": {"^field\\.[ -~]+$": _VALUE},
    "additionalProperties": False,
}
_TYPES = [kind for kind in FIELD_KINDS if kind != "enum"]
_OPTIONS: JSONSchema = {"type": "array", "items": {"type": "string", "pattern": TEXT_PATTERN}, "minItems": 1}
#: A count is expected by ``exactly`` or by bounds.
COUNTS: list[JSONSchema] = [{"maxProperties": 1}, {"not": {"required": ["exactly"]}}]
#: What a field of each class accepts, beside what marshmallow's validators say.
_BY_CLASS: dict[type[fields.Field[Any]], JSONSchema] = {
    FieldValue: FIELD_VALUE,
    DelayField: _DELAY,
    ThenField: _THEN,
    MatchField: _MATCH,
    FieldValueField: FIELD_VALUE,
    FieldTypeField: {
        "anyOf": [
            {"type": "string", "enum": _TYPES},
            {
                "type": "object",
                "properties": {"type": {"const": "enum"}, "options": _OPTIONS},
                "required": ["type", "options"],
                "additionalProperties": False,
            },
        ]
    },
    ImportMatchField: {
        "type": "string",
        "description": "`id:COLUMN`, `field:NAME=COLUMN` or `push`",
        "pattern": "^(id:[^\\u0000]+|field:[^=\\u0000]+=[^\\u0000]+|push)$",
    },
    ResourceField: {
        "type": ["string", "integer"],
        "pattern": TEXT_PATTERN,
        "description": "a resource's token or id",
    },
}


def describe_field(converter: Any, field: fields.Field[Any], **_: Any) -> JSONSchema:
    """apispec's question about a field: what it accepts beside what its validators say."""
    own = getattr(field, "json_schema", None)
    for known, description in _BY_CLASS.items():
        if own is not None or isinstance(field, known):
            description = description if own is None else own
            if field.allow_none:
                return {"anyOf": [*_alternatives(description), {"type": "null"}]}
            return dict(description)
    if isinstance(field.root, (AnswerSchema, QuerySchema)):
        return {}  # an answer, or a query string: nobody refuses NUL there
    if isinstance(field, fields.String) and not _is_choice(field):
        return {"pattern": field.metadata.get("pattern") or _form(field) or TEXT_PATTERN}
    if isinstance(field, fields.Dict):
        return {"propertyNames": {"pattern": TEXT_PATTERN, **_shortest(field.key_field)}}
    return _bounds(field)


def _form(field: fields.Field[Any]) -> str | None:
    """The pattern of a validator, which looks for it at the beginning."""
    forms = [str(one.regex.pattern) for one in field.validators if isinstance(one, validate.Regexp)]
    return "^" + forms[0] if forms else None


def _shortest(key: fields.Field[Any] | None) -> JSONSchema:
    lengths = [one.min for one in getattr(key, "validators", ()) if isinstance(one, validate.Length)]
    return {"minLength": lengths[0]} if lengths else {}


def _bounds(field: fields.Field[Any]) -> JSONSchema:
    """What apispec does not tell: a bound that is not allowed itself, and the only value that is."""
    for one in field.validators:
        if isinstance(one, validate.Equal):
            return {"const": one.comparable}
        if isinstance(one, validate.Range) and one.min is not None and not one.min_inclusive:
            bounds = {"exclusiveMinimum": one.min}
            return bounds if one.max is None else {**bounds, "maximum": one.max}
    return {}


def _alternatives(description: JSONSchema) -> list[JSONSchema]:
    inner: list[JSONSchema] = description.get("anyOf", [description])
    return inner


def _is_choice(field: fields.Field[Any]) -> bool:
    return any(isinstance(one, validate.OneOf) for one in field.validators)


def name_of(schema: Any) -> str | None:
    """A schema's name among the components: its class's, without "Schema"; none without a name of its own.

    A schema of changes, and one without what the path says, are named for that.
    """
    partial = schema.partial if isinstance(schema, Schema) else None
    cls = type(schema) if isinstance(schema, Schema) else schema
    name: str = cls if isinstance(cls, str) else cls.__name__
    if name == "GeneratedSchema":
        return None
    suffix = "" if not partial else "Change" if partial is True else "InPath"
    return name.rpartition(".")[2].removesuffix("Schema") + suffix
