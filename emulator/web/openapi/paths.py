"""The calls of the admin API as OpenAPI's operation objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from marshmallow import Schema

from emulator.schemas.json_schema import INT64, JSONSchema
from emulator.web.admin.operation import Operation

#: The errors of every admin call.
COMMON = (400, 401, 403, 429, 500, 503)
_PLACE = re.compile(r"{(\w+)}")
_NON_EMPTY: JSONSchema = {"type": "string", "minLength": 1}
#: The schema of each part of a path, by name.
PATH_PARTS: dict[str, JSONSchema] = {
    "db_id": INT64,
    "resource_id": INT64,
    "profile_id": {**_NON_EMPTY, "maxLength": 64},
    "hash_id": _NON_EMPTY,
    "job_id": _NON_EMPTY,
    "entry_id": {"type": "integer", "minimum": 0},
    "fault_id": _NON_EMPTY,
    "name": {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$"},
}


def describe(
    operation: Operation, answers: Mapping[Any, JSONSchema], refusals: Mapping[str, Any]
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
            *(_path_part(part) for part in _PLACE.findall(operation.path)),
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


def _path_part(name: str) -> dict[str, Any]:
    return {"in": "path", "name": name, "required": True, "schema": PATH_PARTS[name]}
