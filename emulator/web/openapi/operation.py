"""One call of the admin API, described: what the document needs beside the schemas."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from marshmallow import Schema

from emulator.rules.model import INT64_MAX, INT64_MIN
from emulator.schemas.json_schema import JSONSchema

#: What every admin call may answer beside its own: see ``document.REFUSALS``.
COMMON = (400, 401, 403, 429, 500, 503)
_PLACE = re.compile(r"{(\w+)}")

#: The schema of a path's parts, by their name.
PATH_PARTS: dict[str, JSONSchema] = {
    "db_id": {"type": "integer", "minimum": INT64_MIN, "maximum": INT64_MAX},
    "resource_id": {"type": "integer", "minimum": INT64_MIN, "maximum": INT64_MAX},
    "profile_id": {"type": "string", "minLength": 1, "maxLength": 64},
    "hash_id": {"type": "string", "minLength": 1},
    "job_id": {"type": "string", "minLength": 1},
    "entry_id": {"type": "integer", "minimum": 0},
    "fault_id": {"type": "string", "minLength": 1},
    "name": {"type": "string", "pattern": "^[a-z0-9_-]{1,64}$"},
}


@dataclass(frozen=True)
class Operation:
    """One method of one path (below ``/__admin``).

    ``answer``: the schema of the answer, or the name of a component; ``body``, ``query``: the schemas that
    judge the request; ``body_needed``: even where no single part of the body is; ``refusals``: HTTP statuses
    beside :data:`COMMON`; ``others``: whole answers by status; ``links``: what can be called with what the
    answer says (see :func:`link`).
    """

    method: str
    path: str
    name: str
    summary: str
    tag: str
    answer: type[Schema] | JSONSchema
    status: int = 200
    body: type[Schema] | Schema | JSONSchema | None = None
    body_needed: bool = False
    media_type: str = "application/json"
    query: Sequence[dict[str, Any]] = ()
    refusals: Sequence[int] = ()
    others: dict[str, Any] = field(default_factory=dict)
    answer_type: str = "application/json"
    links: dict[str, Any] = field(default_factory=dict)
    open_to_all: bool = False
    of_a_workspace: bool = True

    def describe(self, refusals: dict[str, Any]) -> dict[str, Any]:
        """The operation object; ``refusals`` has the answer of each HTTP status."""
        statuses = sorted({*COMMON, *self.refusals, *((413,) if self.body else ())})
        described: dict[str, Any] = {
            "operationId": self.name,
            "tags": [self.tag],
            "summary": self.summary,
            "parameters": [
                *(("Workspace",) if self.of_a_workspace else ()),
                *(_path_part(part) for part in _PLACE.findall(self.path)),
                *self.query,
            ],
            "responses": {
                str(self.status): {
                    "description": "done",
                    "content": {self.answer_type: {"schema": self.answer}},
                    **({"links": self.links} if self.links else {}),
                },
                **self.others,
                **{str(status): refusals[str(status)] for status in statuses},
            },
        }
        if self.open_to_all:
            described["security"] = []
        if self.body is not None:
            described["requestBody"] = {
                "required": self.body_needed or _is_needed(self.body),
                "content": {self.media_type: {"schema": self.body}},
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


def query(name: str, description: str, **schema: Any) -> dict[str, Any]:
    """A parameter of the query string."""
    return {"in": "query", "name": name, "description": description, "schema": schema}


def link(name: str, **pointers: str) -> dict[str, Any]:
    """A link to the operation of this name; each part of its path is at the pointer in the answer."""
    parameters = {part: f"$response.body#{pointer}" for part, pointer in pointers.items()}
    return {name: {"operationId": name, "parameters": parameters}}
