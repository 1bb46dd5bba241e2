"""The documented endpoint, described."""

from importlib.resources import files
from typing import Any

import orjson

from emulator.endpoint.schema import PushRequestSchema
from emulator.rules.providers import DOCUMENTED
from emulator.schemas.json_schema import NON_EMPTY_TEXT, TEXT_PATTERN, JSONSchema
from emulator.settings import MAX_BODY_BYTES
from emulator.web.openapi.schemas import answer_schemas, reference
from push_emulator.answers import Envelope, PushItem, Refusal

#: Printable characters, at most 64 (M8). The letters of every script but no control characters or spaces
#: other than the common one.
_PROFILE_ID: JSONSchema = {"type": ["string", "null"], "maxLength": 64, "pattern": "^[ -~]*$"}
_TEXT: JSONSchema = {"type": "string", "pattern": TEXT_PATTERN}

_DESCRIPTION = f"""Adds and changes push subscriptions of a profile in each of the resource's databases.

Each database is processed on its own (B1): the profile is found or made (M1–M11), then the
subscriptions are applied in order (S1–S7). A request that is refused as a whole changes nothing (A3).

Also served at `/api/v1.1/resources/push_subscribe`, and both with a trailing slash (Q2).
Any Content-Type is accepted if the body is a JSON object of at most {MAX_BODY_BYTES} bytes (Q3).
A compressed body (`Content-Encoding: gzip` and others) is refused with 415.
Parameters that are not named here are ignored; strict mode refuses them (Q5)."""

#: The values of an unknown parameter.
ANYTHING: JSONSchema = {
    "description": "Any JSON value; NUL is refused everywhere.",
    "anyOf": [
        {"type": ["null", "boolean", "number"]},
        _TEXT,
        {"type": "array", "items": reference("Anything")},
        {
            "type": "object",
            "propertyNames": {"pattern": TEXT_PATTERN},
            "additionalProperties": reference("Anything"),
        },
    ],
}

#: The combinations of parameters that M1–M3, M8 and M10 demand.
MATCHINGS: list[JSONSchema] = [
    {
        "title": "by id, or by the push subscriptions (M1)",
        "properties": {"matching": {"enum": ["", None]}, "id": _PROFILE_ID},
    },
    {
        "title": "by id (M2)",
        "properties": {
            "matching": {"const": "profile_id"},
            "id": {**_PROFILE_ID, "type": "string", "minLength": 1},
        },
        "required": ["matching", "id"],
    },
    {
        "title": "by a custom field (M3)",
        "properties": {
            "matching": {"const": "custom"},
            "field_name": NON_EMPTY_TEXT,
            "field_value": {"type": ["string", "number", "boolean"]},
        },
        "required": ["matching", "field_name", "field_value"],
    },
]

REFUSED = "The request is refused as a whole: `error_text` names the parameter by its path (A3)."

WORDS = {
    "resource_token": "the resource's secret token (B4)",
    "subscriptions": "what to add or change, in order",
    "id": "the profile; null and an empty string mean not given (Q1)",
    "db_ids": "keep only these databases of the resource (B2)",
    "matching": "how the profile is found; null and an empty string mean not given (Q1)",
    "field_name": "the field searched, with matching `custom`",
    "field_value": "its value, with matching `custom`",
    "provider": "one of the documented providers, or another that the resource lists (S6)",
    "subscription_id": "the push token",
    "unsubscribe": "true: unsubscribe it; null means false",
}


def complete(schemas: dict[str, Any]) -> None:
    """Add to the request's generated schemas what marshmallow fields cannot express."""
    request, entry = schemas["PushRequest"], schemas["Subscription"]
    for schema in (request, entry):
        schema["propertyNames"] = {"pattern": TEXT_PATTERN}
        schema["additionalProperties"] = {
            "description": "ignored and reported as lint L1 (Q5)",
            **reference("Anything"),
        }
        for name, description in schema["properties"].items():
            if name in WORDS:
                description["description"] = WORDS[name]
    entry["properties"]["provider"]["examples"] = list(DOCUMENTED)
    entry["properties"]["unsubscribe"]["default"] = False
    request["properties"]["matching"] = {"enum": ["custom", "profile_id", "", None]}
    request["properties"]["matching"]["description"] = WORDS["matching"]
    request["anyOf"] = MATCHINGS


def operation(refusals: dict[str, Any]) -> dict[str, Any]:
    """The operation ``POST``; ``refusals`` are its answers by HTTP status beside 200."""
    carried_out = [one for one in page_examples() if one["response"]["error"] < 400]
    return {
        "operationId": "push_subscribe",
        "tags": ["push_subscribe"],
        "summary": "Add and change push subscriptions",
        "description": _DESCRIPTION,
        "security": [],
        "parameters": ["Workspace"],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": PushRequestSchema,
                    "examples": {one["name"]: {"value": one["request"]} for one in carried_out},
                }
            },
        },
        "responses": {
            "200": {
                "description": "Carried out: `error` is 0 if everything was applied, 200 if not (A1, A2).",
                "headers": CORS_HEADERS,
                "content": {
                    "application/json": {
                        "schema": reference("PushAnswer"),
                        "examples": {one["name"]: {"value": one["response"]} for one in carried_out},
                    }
                },
            },
            **refusals,
            "400": {
                "description": REFUSED,
                "content": {
                    "application/json": {
                        "schema": reference("Refusal"),
                        "examples": {
                            one["name"]: {
                                "value": one["response"],
                                "description": f"to `{orjson.dumps(one['request']).decode()}`",
                            }
                            for one in page_examples()
                            if one["response"]["error"] == 400
                        },
                    }
                },
            },
        },
    }


CORS_HEADERS: dict[str, Any] = {
    "Access-Control-Allow-Origin": {
        "description": "the caller's Origin, where it sends one (Q4)",
        "schema": {"type": "string"},
    },
    "Access-Control-Allow-Credentials": {
        "description": "`true`, where the caller sends an Origin (Q4)",
        "schema": {"const": "true"},
    },
}


def page_examples() -> list[dict[str, Any]]:
    """The page's examples: name, request, response, with values in place of those that the server makes.

    The page has the same resource_token in all of them. Here each has the token of the default fixtures'
    resource with the page's ids, so that each works on a fresh start.
    """
    text = files(__package__).joinpath("examples.json").read_text(encoding="utf-8")
    examples: list[dict[str, Any]] = orjson.loads(
        text.replace("<profile>", "5fb62e815ae47a4aa04dfadd").replace("<hash>", "d58ea463")
    )
    return examples


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
