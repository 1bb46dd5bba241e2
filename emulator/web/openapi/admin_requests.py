"""The request journal's calls, described."""

from __future__ import annotations

from typing import Any

from emulator.rules.model import INT64_MAX
from emulator.web.admin.requests import CountSchema
from emulator.web.openapi import journal_shapes as shapes
from emulator.web.openapi.fields import CRITERIA
from emulator.web.openapi.operation import Operation, link, query
from emulator.web.openapi.shapes import count, page_of

_UNVERIFIED = {
    "422": {
        "description": "Not so many; `nearest` says which entries came nearest, and what differs.",
        "content": {"application/json": {"schema": shapes.UnverifiedSchema}},
    }
}


def _filter(name: str) -> dict[str, Any]:
    """A list's criterion: its value stands in a query string, which has no null."""
    schema = CRITERIA[name]
    kinds = schema.get("type", "string")
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind in ("integer", "boolean") or name == "since":
        return query(name, "must be this", **{**schema, "type": kind})
    values = {"enum": [one for one in schema["enum"] if one is not None]} if "enum" in schema else {}
    return query(name, "must be this", type="string", **values)


OPERATIONS = (
    Operation(
        "get",
        "/requests",
        "list_requests",
        "The request journal, newest first (`field.NAME` filters by a custom field's value)",
        "requests",
        page_of(shapes.JournalEntrySchema, recorded=count(), dropped=count(), bytes=count()),
        query=[
            query("limit", "how many", type="integer", minimum=1, maximum=1000, default=50),
            query("cursor", "the `next` of the page before", type="integer", minimum=1, maximum=INT64_MAX),
            *map(_filter, CRITERIA),
        ],
        links=link("get_request", entry_id="/items/0/id"),
    ),
    Operation("delete", "/requests", "clear_requests", "Empty the journal", "requests", shapes.ClearedSchema),
    Operation(
        "get",
        "/requests/{entry_id}",
        "get_request",
        "One entry",
        "requests",
        shapes.JournalEntrySchema,
        refusals=(404,),
    ),
    Operation(
        "post",
        "/requests/count",
        "count_requests",
        "How many requests match; waits up to `within` seconds for what is expected",
        "requests",
        shapes.CountedSchema,
        body=CountSchema,
    ),
    Operation(
        "post",
        "/requests/verify",
        "verify_requests",
        "Whether as many requests match as expected",
        "requests",
        shapes.CountedSchema,
        body=CountSchema,
        others=_UNVERIFIED,
    ),
    Operation(
        "get",
        "/requests/attempts",
        "list_attempts",
        "Requests that were attempts at the same thing",
        "requests",
        page_of(shapes.AttemptsSchema),
    ),
)
