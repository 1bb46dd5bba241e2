"""The structs of the answers as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from emulator.schemas.json_schema import JSONSchema, one_value
from emulator.settings import POLICY_CHOICES
from emulator.workspaces.settings import LINT_IDS


def reference(name: str) -> dict[str, str]:
    """A reference to a component's schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def answer_schemas(structs: Iterable[Any]) -> tuple[dict[Any, JSONSchema], dict[str, JSONSchema]]:
    """The schema of each struct, a reference; and the components by name.

    An answer has no other keys than its struct. A key whose default is null is left out instead of null.
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
