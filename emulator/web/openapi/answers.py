"""The structs of the answers as JSON Schema."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from emulator.schemas.json_schema import JSONSchema, one_value
from push_emulator.answers import Envelope, PushItem, Refusal

_SUBSCRIPTION = ("profile_id", "subscription_id", "unsubscribe", "provider")


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
            if "default" in schema:
                component["properties"][name] = _not_null(schema)
    return dict(zip(wanted, found, strict=True)), components


def _not_null(schema: JSONSchema) -> JSONSchema:
    (kind,) = [one for one in schema["anyOf"] if one != {"type": "null"}]
    return {**kind, **{key: value for key, value in schema.items() if key not in ("default", "anyOf")}}


def push_answers() -> dict[str, JSONSchema]:
    """The components of the documented endpoint's answers: each kind of item, both envelopes."""
    items = _items()
    _, components = answer_schemas((Envelope, Refusal))
    envelope = components["Envelope"]
    envelope["properties"]["data"]["items"] = {"anyOf": [reference(name) for name in items]}
    return {**items, "PushAnswer": {**envelope, "title": "PushAnswer"}, "Refusal": components["Refusal"]}


def _items() -> dict[str, JSONSchema]:
    known = answer_schemas((PushItem,))[1]["PushItem"]["properties"]

    def item(description: str, status: str, text: JSONSchema, *names: str) -> JSONSchema:
        properties = {name: known[name] for name in ("db_id", "resource_id", *names)}
        kind = one_value(**properties, status={"enum": [status]}, description={"type": "string", **text})
        return {"description": description, **kind}

    empty, why = {"enum": [""]}, {"description": "why"}
    duplicate, unknown = (
        {**why, "examples": [text]}
        for text in ("Duplicate push subscription", "matching error: unknown field")
    )
    return {
        "AppliedItem": item(
            "A subscription that was added or changed (S1, S2).",
            *("ok", empty, *_SUBSCRIPTION, "subscription_hash_id"),
        ),
        "RefusedItem": item("A subscription that was refused (S4–S6).", "error", duplicate, *_SUBSCRIPTION),
        "UnchangedItem": item(
            "A database in which nothing was added, changed or refused (S7).", "ok", empty, "profile_id"
        ),
        "MatchingErrorItem": item("A database that could not be searched (M4, M5).", "error", unknown),
    }
