"""The request journal's calls, described."""

from __future__ import annotations

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
#: Criteria whose values have a form even in a query string.
_FORMS = ("since",)
#: A list's criteria: their values compare as text.
_FILTERS = [
    query(name, "must be this", type="string", **({"pattern": schema["pattern"]} if name in _FORMS else {}))
    for name, schema in CRITERIA.items()
]

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
            query("cursor", "the `next` of the page before", type="integer"),
            *_FILTERS,
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
