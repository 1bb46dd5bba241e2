"""The documented endpoint's answers as JSON Schema: each item has some members of :class:`PushItem`."""

from __future__ import annotations

from emulator.schemas.json_schema import JSONSchema
from emulator.web.openapi.answer_schemas import answer_schemas, reference
from push_emulator.answers import Envelope, PushItem, Refusal

_DATABASE = ("db_id", "resource_id")
_PROFILE = (*_DATABASE, "profile_id")
_SUBSCRIPTION = (*_PROFILE, "subscription_id", "unsubscribe", "provider")
_EMPTY: JSONSchema = {"enum": [""], "description": "empty"}

_ABSENT = "push_subscribe leaves it out of refusals under the policy error_data: absent"

#: The items, by name: the meaning of each, its members, its status with the meaning, its description.
ITEMS: dict[str, tuple[str, tuple[str, ...], str, str, JSONSchema]] = {
    "AppliedItem": (
        "A subscription that was added or changed (S1, S2).",
        (*_SUBSCRIPTION, "subscription_hash_id"),
        "ok",
        "applied",
        _EMPTY,
    ),
    "RefusedItem": (
        "A subscription that was refused (S4–S6).",
        _SUBSCRIPTION,
        "error",
        "refused",
        {"description": "why", "examples": ["Duplicate push subscription"]},
    ),
    "UnchangedItem": (
        "A database in which nothing was added, changed or refused (S7).",
        _PROFILE,
        "ok",
        "carried out",
        _EMPTY,
    ),
    "MatchingErrorItem": (
        "A database that could not be searched (M4, M5).",
        _DATABASE,
        "error",
        "not searched",
        {"description": "why", "examples": ["matching error: unknown field"]},
    ),
}


def push_schemas() -> dict[str, JSONSchema]:
    """``PushAnswer``, its items and ``Refusal``: components by name."""
    _, components = answer_schemas([Envelope, PushItem, Refusal])
    item, answer = components["PushItem"], {**components["Envelope"], "title": "PushAnswer"}
    answer["properties"]["data"]["items"] = {"anyOf": [reference(name) for name in ITEMS]}
    refusal = components["Refusal"]
    for one in (answer, refusal):  # A3
        one["required"] = [name for name in one["required"] if name != "data"]
        said = one["properties"]["data"].get("description", "empty")
        one["properties"]["data"]["description"] = f"{said}; {_ABSENT}"
    items = {
        name: {
            **item,
            "title": name,
            "description": what,
            "properties": {
                **{member: item["properties"][member] for member in members},
                "status": {"type": "string", "enum": [status], "description": meaning},
                "description": {"type": "string", **description},
            },
            "required": [*members, "status", "description"],
        }
        for name, (what, members, status, meaning, description) in ITEMS.items()
    }
    return {**items, "PushAnswer": answer, "Refusal": refusal}
