"""The JSON Schema of the project's own marshmallow fields, and of the structs of the answers."""

from collections.abc import Iterable
from importlib.resources import files
from typing import Any

import msgspec
import orjson
from marshmallow import Schema, fields, validate

from emulator.schemas.errors import JSONScalar
from emulator.schemas.json_schema import TEXT_PATTERN, JSONSchema, one_value
from emulator.settings import POLICY_CHOICES
from emulator.web.admin.loading import QuerySchema
from emulator.workspaces.settings import LINT_IDS

#: The parts of the contract that no code has: texts, examples of forms, components.
STATIC: dict[str, Any] = orjson.loads(files(__package__).joinpath("static.json").read_bytes())


def describe_field(converter: Any, field: fields.Field[Any], ret: JSONSchema, **_: Any) -> JSONSchema:
    """A callback of apispec: what a field accepts beside its validators."""
    own: Any = getattr(field, "json_schema", None)
    if own is not None:
        own = own(converter) if callable(own) else own
        return {"anyOf": [*own.get("anyOf", [own]), {"type": "null"}]} if field.allow_none else dict(own)
    if isinstance(field.root, QuerySchema):
        return {}  # NUL is allowed in a query string
    if isinstance(field, fields.String):
        return {} if "enum" in ret or "pattern" in ret else {"pattern": TEXT_PATTERN}
    if isinstance(field, fields.Dict):
        names: JSONSchema = {"propertyNames": {"pattern": TEXT_PATTERN, **_shortest(field.key_field)}}
        if isinstance(field.value_field, JSONScalar) and getattr(field.parent, "partial", None) is True:
            value = ret["additionalProperties"]  # null removes one
            names["additionalProperties"] = {"anyOf": [*value["anyOf"], {"type": "null"}]}
        return names
    return _bounds(field)


def _shortest(key: fields.Field[Any] | None) -> JSONSchema:
    lengths = [one.min for one in getattr(key, "validators", ()) if isinstance(one, validate.Length)]
    return {"minLength": lengths[0]} if lengths else {}


def _bounds(field: fields.Field[Any]) -> JSONSchema:
    """What apispec omits: an exclusive bound, and the value of Equal."""
    for one in field.validators:
        if isinstance(one, validate.Equal):
            return {"const": one.comparable}
        if isinstance(one, validate.Range) and not one.min_inclusive:
            return {"exclusiveMinimum": one.min, "maximum": one.max}
    return {}


def name_of(schema: Any) -> str | None:
    """A schema's name among the components: its class's, without "Schema"; ``None`` for an unnamed class.

    A schema of changes and one without the parts of the path have names that say so.
    """
    partial = schema.partial if isinstance(schema, Schema) else None
    cls = type(schema) if isinstance(schema, Schema) else schema
    name: str = cls.__name__
    if name == "GeneratedSchema":
        return None
    suffix = "" if not partial else "Change" if partial is True else "InPath"
    return name.removesuffix("Schema") + suffix


def reference(name: str) -> dict[str, str]:
    """A reference to a component's schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def answer_schemas(structs: Iterable[Any]) -> tuple[dict[Any, JSONSchema], dict[str, JSONSchema]]:
    """The schema of each struct, a reference; and the components by name.

    An answer has no other keys than its struct. A key with its default is left out instead of being null.
    """
    wanted = list(structs)
    found, components = msgspec.json.schema_components(wanted, ref_template=reference("{name}")["$ref"])
    for component in components.values():
        component["additionalProperties"] = False
        for name, schema in component["properties"].items():
            if "anyOf" in schema and "default" in schema:
                component["properties"][name] = _not_null(schema)
    if "SettingsState" in components:  # the client knows no names of policies and lints
        components["SettingsState"]["properties"] |= {
            "policies": one_value(**{name: {"enum": [*words]} for name, words in POLICY_CHOICES.items()}),
            "lints": one_value(**{rule: {"enum": ["report", "off"]} for rule in LINT_IDS}),
        }
    return dict(zip(wanted, found, strict=True)), components


def _not_null(schema: JSONSchema) -> JSONSchema:
    (kind,) = [one for one in schema["anyOf"] if one != {"type": "null"}]
    return {**kind, **{key: value for key, value in schema.items() if key not in ("default", "anyOf")}}
