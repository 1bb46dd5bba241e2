"""The mobile SDKs' calls as OpenAPI: paths and parameters are those served, bodies what checks them."""

import inspect
from typing import Any

import msgspec
from msgspec import Struct

from emulator.mobile.call import Operation
from emulator.mobile.events import PARTS, PostEvents, PushEvent
from emulator.mobile.paths import SERVED
from emulator.rules.mobile.caller import MODES
from emulator.rules.mobile.requests import SDK_PROVIDERS, Subscribe, Unsuspend, Update, UpdateProfile
from emulator.schemas.json_schema import TEXT, TEXT_PATTERN, JSONSchema, one_value
from emulator.web.openapi.schemas import reference

#: What is served without a body, by GET, is not here.
_BODIES: dict[str, type[Struct]] = {
    "/subscription/push/subscribe": Subscribe,
    "/subscription/push/update": Update,
    "/subscription/push/unsuspend": Unsuspend,
    "/profile/update": UpdateProfile,
    "/event/push/delivery": PushEvent,
    "/event/push/open": PushEvent,
    "/api/v1.1/pushes/post_events": PostEvents,
}
_REFUSALS = {
    "400": "The call is not right (R6), or the platform does not process it (R4, R5).",
    "401": "The `Authorization` names nobody (T5).",
    "413": "The body is too large.",
    "415": "The body is compressed.",
    "429": "Too many workspaces, or a fault.",
    "500": "The state could not be written, or a mistake of the emulator.",
    "503": "Too many large bodies are on their way in, or a fault.",
}
#: Seconds, or milliseconds from 10^12 on (K4).
_TIME: JSONSchema = {
    "anyOf": [
        {"type": "number", "minimum": 0, "maximum": 253_402_300_799},
        {"type": "number", "minimum": 10**12, "maximum": 253_402_300_799_999},
    ]
}
_QUERY: dict[str, JSONSchema] = {
    "sync": {"enum": ["true", "false", "1", "0"]},
    "provider": {"enum": [*SDK_PROVIDERS]},
    "matching_mode": {"type": "string", "description": "The claim counts (T3).", "examples": [*MODES]},
}


def sdk_schemas() -> dict[str, JSONSchema]:
    """The components of the calls' bodies and answers, by name."""
    _, found = msgspec.json.schema_components(
        dict.fromkeys(_BODIES.values()), ref_template=reference("{name}")["$ref"]
    )
    for component in found.values():
        component["additionalProperties"] = {"description": "ignored (K6)", **reference("Anything")}
    events = found["PostEvents"]["properties"]
    found["PushEvent"]["properties"]["time"] = _TIME
    events["time"] = {"anyOf": [*_TIME["anyOf"], {"type": "null"}]}
    events["events"] = {"enum": [1, 2, 3]}
    named = ["launch_id", "provider", "subscription_id"]
    found["PostEvents"]["anyOf"] = [  # E4
        {"properties": {"uid": {"pattern": r"^e\|.*\|.*\|[^|]+$"}}},
        {"properties": {name: {"not": {"enum": [None, ""]}} for name in named}, "required": named},
    ]
    found["Update"]["properties"]["new_provider"] = _QUERY["provider"]
    for name in ("Pair", "SentSubscription"):
        found[name]["properties"]["provider"] = _QUERY["provider"]
    exact: dict[str, JSONSchema] = _exact(found)
    return exact | _ANSWERS


def sdk_paths() -> dict[str, dict[str, Any]]:
    """Each path with its operations."""
    return {path: {served.method.lower(): _operation(path, served)} for path, served in SERVED.items()}


def _operation(path: str, served: Operation) -> dict[str, Any]:
    summary, _, _ = (inspect.getdoc(served.carry_out) or "").partition(". ")
    answer = reference("SDKAnswer" if served.authorized else "SDKDone")
    described: dict[str, Any] = {
        "operationId": path.strip("/").replace("/", "_").replace(".", "_"),
        "tags": ["sdk"],
        "summary": summary.rstrip("."),
        "security": [{"SDK": []}] if served.authorized else [],
        "parameters": [
            "Workspace",
            *(
                {"name": name, "in": "query", "schema": _QUERY.get(name, {"type": "string"})}
                for name in sorted(served.parameters)
            ),
        ],
        "responses": {
            "200": {"description": "Carried out (R1).", "content": {"application/json": {"schema": answer}}},
            **{
                code: {
                    "description": text,
                    "content": {"application/json": {"schema": reference("SDKRefusal")}},
                }
                for code, text in _REFUSALS.items()
                if served.authorized or code != "401"
            },
        },
    }
    if served.method == "POST":
        kind, schema = ("application/json", reference(_BODIES[path].__name__)) if path in _BODIES else _FORM
        described["requestBody"] = {"required": True, "content": {kind: {"schema": schema}}}
    return described


def _exact(schema: Any) -> Any:
    """The schema with what is true of all JSON that comes in: no text has a NUL."""
    if isinstance(schema, list):
        return [_exact(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    exact: JSONSchema = {name: _exact(one) for name, one in schema.items()} or {**reference("Anything")}
    if exact.get("type") == "string":
        exact.setdefault("pattern", TEXT_PATTERN)
    if exact.get("type") == "object":
        exact.setdefault("propertyNames", {"pattern": TEXT_PATTERN})
    return exact


_PART: JSONSchema = {"type": "string"}
_FORM = (
    "multipart/form-data",
    {
        "type": "object",
        "required": ["tz", "t", "aci", "wn"],
        "properties": {**dict.fromkeys(PARTS, _PART), "wn": {"type": "string", "minLength": 1}},
    },
)
_CATEGORY = one_value(name=TEXT, title=TEXT, steady={"type": "boolean"}, active={"type": "boolean"})
_SUBSCRIPTION = one_value(
    subscription_id=TEXT,
    hash_id={"type": "string", "pattern": "^[0-9a-f]{8,}$"},
    provider=TEXT,
    status={"enum": ["subscribed", "suspended", "unsubscribed"]},
    fields={"type": "object"},
    cats={"type": "array", "items": _CATEGORY},
)
_PROFILE = one_value(
    id=TEXT,
    status={"enum": ["subscribed"]},
    is_test={"type": "boolean"},
    subscription={"anyOf": [_SUBSCRIPTION, {"type": "null"}]},
)
_ANSWERS: dict[str, JSONSchema] = {
    "SDKAnswer": one_value(
        error={"enum": [0]}, error_text={"enum": [""]}, profile={"anyOf": [_PROFILE, {"type": "null"}]}
    ),
    "SDKDone": one_value(error={"enum": [0]}, error_text={"enum": ["Successful operation"]}),
    "SDKRefusal": one_value(error={"type": "integer"}, error_text=TEXT, profile={"type": "null"}),
}
