"""The whole OpenAPI document, and the endpoint's schemas as JSON Schema documents of their own."""

import json
import re
from collections.abc import Mapping
from typing import Any

from apispec import APISpec
from apispec.ext.marshmallow import MarshmallowPlugin
from apispec.ext.marshmallow.openapi import OpenAPIConverter
from marshmallow import Schema

from emulator import __version__
from emulator.schemas.json_schema import JSONSchema
from emulator.web.admin.blueprint import OPERATIONS
from emulator.web.admin.operation import AdminOperation
from emulator.web.openapi import push
from emulator.web.openapi.push import push_schemas
from emulator.web.openapi.schemas import STATIC, answer_schemas, describe_field, name_of, reference
from emulator.web.openapi.sdk import sdk_paths, sdk_schemas

JSONObject = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
PUSH_PATHS = ("/push_subscribe", "/api/v1.1/resources/push_subscribe")

#: The documented endpoint's own refusals (A3).
_PUSH_REFUSALS = ("404", "413", "415", "429", "500", "503")


class _Converter(OpenAPIConverter):
    """Adds the ``json_schema`` of a schema's class, which describes combinations of fields."""

    def schema2jsonschema(self, schema: Schema) -> JSONObject:
        described: JSONObject = super().schema2jsonschema(schema)  # type: ignore[no-untyped-call]
        own = getattr(schema, "json_schema", {})
        return {**described, **(own(self) if callable(own) else own)}


class _Plugin(MarshmallowPlugin):
    Converter = _Converter


def openapi_document() -> JSONObject:
    """The OpenAPI 3.1 document of the endpoint, the SDKs' calls and the admin API, as JSON types."""
    resolver: Any = name_of  # apispec's types lack None, which means "write it in its place"
    marshmallow = _Plugin(schema_name_resolver=resolver)
    spec = APISpec(
        title="push-emulator",
        version=__version__,
        openapi_version="3.1.0",
        plugins=[marshmallow],
        info={"description": STATIC["about"], "license": {"name": "MIT", "identifier": "MIT"}},
        servers=[{"url": "/"}],
        security=[{}, {"AdminToken": []}],
        tags=[{"name": tag} for tag in ("push_subscribe", "sdk", *STATIC["tags"])],
    )
    converter: Any = marshmallow.converter
    converter.add_attribute_function(describe_field)
    _add_components(spec)
    refusals = {code: {"$ref": f"#/components/responses/{code}"} for code in STATIC["refusals"]}
    for path in PUSH_PATHS:
        post = push.operation({code: refusals[code] for code in _PUSH_REFUSALS})
        if path != PUSH_PATHS[0]:
            post["operationId"] += "_v1_1"
        spec.path(path=path, operations={"post": post})
    for path, operations_of_sdk in sdk_paths().items():
        spec.path(path=path, operations=operations_of_sdk)
    described = sorted(OPERATIONS, key=lambda one: STATIC["tags"].index(one.tag))
    structs = [one.answer for one in described if not isinstance(one.answer, dict)]
    structs += [struct for one in described for _, struct in one.others.values()]
    answers, components = answer_schemas(structs)
    for name, component in components.items():
        spec.components.schema(name, component)
    for one in described:
        spec.path(path=f"/__admin{one.path}", operations={one.method: describe(one, answers, refusals)})
    document = spec.to_dict()
    push.complete(document["components"]["schemas"])
    plain: JSONObject = json.loads(json.dumps(document))  # no class of a library's own
    return plain


def schema_documents() -> dict[str, JSONObject]:
    """The endpoint's request and answer as JSON Schema documents that stand alone, by file name."""
    schemas = openapi_document()["components"]["schemas"]
    return {
        "push_request.json": _alone(schemas, "PushRequest"),
        "push_answer.json": _alone(schemas, "PushAnswer"),
        "refusal.json": _alone(schemas, "Refusal"),
    }


def as_text(document: JSONObject) -> str:
    """A document as it is committed: indented, one line at the end."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _add_components(spec: APISpec) -> None:
    for name, component in ({"Anything": STATIC["anything"]} | push_schemas() | sdk_schemas()).items():
        spec.components.schema(name, component)
    for code, text in STATIC["refusals"].items():
        content = {"application/json": {"schema": reference("Refusal")}}
        spec.components.response(code, {"description": text, "content": content})
    spec.components.parameter("Workspace", "header", STATIC["workspace_header"])
    for name, scheme in STATIC["security_schemes"].items():
        spec.components.security_scheme(name, scheme)


def _alone(schemas: JSONObject, name: str) -> JSONObject:
    """One document with a component and all that it refers to."""
    wanted, text = {name}, ""
    while True:
        text = json.dumps({one: schemas[one] for one in sorted(wanted)})
        found = {one for one in schemas if f'"#/components/schemas/{one}"' in text}
        if found <= wanted:
            break
        wanted |= found
    moved = json.loads(text.replace("#/components/schemas/", "#/$defs/"))
    root = moved.pop(name)
    document = {"$schema": DIALECT, "title": name, **root}
    return {**document, "$defs": moved} if moved else document


#: The errors of every admin call.
COMMON = (400, 401, 403, 429, 500, 503)
_PLACE = re.compile(r"{(\w+)}")


def describe(
    operation: AdminOperation, answers: Mapping[Any, JSONSchema], refusals: Mapping[str, Any]
) -> dict[str, Any]:
    """The operation object; ``answers``: each struct's schema; ``refusals``: each status's answer."""
    statuses = sorted({*COMMON, *operation.refusals, *((413, 415) if operation.body else ())})
    query, answer = operation.query, operation.answer
    if not isinstance(answer, dict):
        answer = answers[answer]
    plain: JSONSchema = {"text/plain": {"schema": {"type": "string"}}} if operation.as_text else {}
    described: dict[str, Any] = {
        "operationId": operation.name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": [
            *(("Workspace",) if operation.of_a_workspace else ()),
            *(
                {"in": "path", "name": part, "required": True, "schema": STATIC["path_parts"][part]}
                for part in _PLACE.findall(operation.path)
            ),
            *([{"in": "query", "schema": query}] if isinstance(query, type) else query),
        ],
        "responses": {
            str(operation.status): {
                "description": "done",
                "content": {operation.answer_type: {"schema": answer}, **plain},
                **({"links": operation.links} if operation.links else {}),
            },
            **{
                str(status): {
                    "description": text,
                    "content": {"application/json": {"schema": answers[struct]}, **plain},
                }
                for status, (text, struct) in operation.others.items()
            },
            **{str(status): refusals[str(status)] for status in statuses},
        },
    }
    if operation.open_to_all:
        described["security"] = []
    if operation.body is not None:
        described["requestBody"] = {
            "required": operation.body_needed or _is_needed(operation.body),
            "content": {operation.media_type: {"schema": operation.body}},
        }
    return described


def _is_needed(body: type[Schema] | Schema | JSONSchema) -> bool:
    if isinstance(body, dict):
        return bool(body.get("required"))
    schema = body if isinstance(body, Schema) else body()
    if schema.partial is True:
        return False
    given = schema.partial or ()
    return any(one.required and name not in given for name, one in schema.fields.items())
