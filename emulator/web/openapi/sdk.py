"""The mobile SDKs' calls as OpenAPI, from the paths that are served and the structs that check the bodies."""

import inspect
from typing import Any

import msgspec

from emulator.mobile.call import SdkOperation
from emulator.mobile.events import PARTS
from emulator.mobile.paths import SERVED
from emulator.rules.mobile.caller import MODES
from emulator.rules.mobile.requests import SDK_PROVIDERS
from emulator.schemas.json_schema import TEXT_PATTERN, JSONSchema
from emulator.web.openapi.schemas import STATIC, reference

_QUERY: dict[str, JSONSchema] = {
    "sync": {"enum": ["true", "false", "1", "0"]},
    "provider": {"enum": [*SDK_PROVIDERS]},
    "matching_mode": {"type": "string", "description": "The claim counts (T3).", "examples": [*MODES]},
}


def sdk_schemas() -> dict[str, JSONSchema]:
    """The components of the calls' bodies and answers, by name."""
    _, found = msgspec.json.schema_components(
        dict.fromkeys(one.body for one in SERVED.values() if one.body),
        ref_template=reference("{name}")["$ref"],
    )
    for component in found.values():
        component["additionalProperties"] = {"description": "ignored (K6)", **reference("Anything")}
    events = found["PostEvents"]["properties"]
    found["PushEvent"]["properties"]["time"] = STATIC["sdk"]["time"]
    events["time"] = {"anyOf": [*STATIC["sdk"]["time"]["anyOf"], {"type": "null"}]}
    events["events"] = {"enum": [1, 2, 3]}
    named = ["launch_id", "provider", "subscription_id"]
    found["PostEvents"]["anyOf"] = [  # E4
        {"properties": {"uid": {"pattern": r"^e\|.*\|.*\|[^|]+$"}}},
        {"properties": {name: {"not": {"enum": [None, ""]}} for name in named}, "required": named},
    ]
    found["Update"]["properties"]["new_provider"] = _QUERY["provider"]
    for name in ("Pair", "SentSubscription"):
        found[name]["properties"]["provider"] = _QUERY["provider"]
    exact: dict[str, JSONSchema] = _exact(found) | STATIC["sdk"]["answers"]
    return exact


def sdk_paths() -> dict[str, dict[str, Any]]:
    """Each path with its operations."""
    return {path: {served.method.lower(): _operation(path, served)} for path, served in SERVED.items()}


def _operation(path: str, served: SdkOperation) -> dict[str, Any]:
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
                for code, text in STATIC["sdk"]["refusals"].items()
                if served.authorized or code != "401"
            },
        },
    }
    if served.method == "POST":
        kind, schema = ("application/json", reference(served.body.__name__)) if served.body else _FORM
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
