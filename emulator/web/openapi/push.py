"""The documented endpoint, described."""

from copy import deepcopy
from importlib.resources import files
from typing import Any

import orjson

from emulator.endpoint.schema import PushRequestSchema
from emulator.rules.providers import DOCUMENTED
from emulator.schemas.json_schema import TEXT_PATTERN, JSONSchema
from emulator.settings import MAX_BODY_BYTES
from emulator.web.openapi.schemas import STATIC, answer_schemas, reference
from push_emulator.answers import Envelope, PushItem, Refusal

_STATIC = STATIC["push"]


def complete(schemas: dict[str, Any]) -> None:
    """Add to the request's generated schemas what marshmallow fields cannot express."""
    request, entry, words = schemas["PushRequest"], schemas["Subscription"], _STATIC["parameters"]
    for schema in (request, entry):
        schema["propertyNames"] = {"pattern": TEXT_PATTERN}
        schema["additionalProperties"] = {
            "description": "ignored and reported as lint L1 (Q5)",
            **reference("Anything"),
        }
        for name, description in schema["properties"].items():
            if name in words:
                description["description"] = words[name]
    entry["properties"]["provider"]["examples"] = list(DOCUMENTED)
    entry["properties"]["unsubscribe"]["default"] = False
    request["properties"]["matching"] = {"enum": ["custom", "profile_id", "", None]}
    request["properties"]["matching"]["description"] = words["matching"]
    request["anyOf"] = _STATIC["matchings"]


def operation(refusals: dict[str, Any]) -> dict[str, Any]:
    """The operation ``POST``; ``refusals`` are its answers by HTTP status beside 200."""
    described, refused = deepcopy(_STATIC["operation"]), deepcopy(_STATIC["refused"])
    described["description"] = described["description"].replace("<max_body>", str(MAX_BODY_BYTES))
    body, answer, refusal = (
        one["content"]["application/json"]
        for one in (described["requestBody"], described["responses"]["200"], refused)
    )
    carried_out = [one for one in page_examples() if one["response"]["error"] < 400]
    body["schema"] = PushRequestSchema
    body["examples"] = {one["name"]: {"value": one["request"]} for one in carried_out}
    answer["examples"] = {one["name"]: {"value": one["response"]} for one in carried_out}
    refusal["examples"] = {
        one["name"]: {
            "value": one["response"],
            "description": f"to `{orjson.dumps(one['request']).decode()}`",
        }
        for one in page_examples()
        if one["response"]["error"] == 400
    }
    described["responses"] |= refusals | {"400": refused}
    return described  # type: ignore[no-any-return]


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


_ABSENT = "push_subscribe leaves it out of refusals under the policy error_data: absent"


def push_schemas() -> dict[str, JSONSchema]:
    """``PushAnswer``, its items and ``Refusal``: components by name."""
    _, components = answer_schemas([Envelope, PushItem, Refusal])
    item, answer = components["PushItem"], {**components["Envelope"], "title": "PushAnswer"}
    answer["properties"]["data"]["items"] = {"anyOf": [reference(name) for name in _STATIC["items"]]}
    refusal = components["Refusal"]
    for one in (answer, refusal):  # A3
        one["required"] = [name for name in one["required"] if name != "data"]
        said = one["properties"]["data"].get("description", "empty")
        one["properties"]["data"]["description"] = f"{said}; {_ABSENT}"
    items = {
        name: {
            **item,
            "title": name,
            "description": one["is"],
            "properties": {
                **{member: item["properties"][member] for member in one["members"]},
                "status": {"type": "string", "enum": [one["status"]], "description": one["status_is"]},
                "description": {"type": "string", **one["description"]},
            },
            "required": [*one["members"], "status", "description"],
        }
        for name, one in _STATIC["items"].items()
    }
    return {**items, "PushAnswer": answer, "Refusal": refusal}
