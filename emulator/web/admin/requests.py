"""``/__admin/requests``: the journal, counting and verifying, attempts."""

from __future__ import annotations

from itertools import islice
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from marshmallow import ValidationError, fields, validate, validates_schema

from emulator.requests.attempts import attempts
from emulator.requests.entry import Entry, outcome_word
from emulator.requests.masking import masked
from emulator.requests.matching import KEYS, Match
from emulator.requests.verify import Expectation, count_within
from emulator.rules.lints import did_you_mean
from emulator.rules.model import RequestError
from emulator.schema_errors import integer, messages
from emulator.web.admin.loading import AdminSchema, load, load_body
from emulator.web.current import emulator, workspace
from emulator.web.later import answer_later, json_answer
from emulator.wire import Answer
from emulator.workspace import Workspace

MAX_WITHIN_S = 60.0
_COUNT = validate.Range(min=0, error="must be 0 or more")


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/requests", view_func=list_requests)
    blueprint.add_url_rule("/requests", view_func=clear_requests, methods=["DELETE"])
    blueprint.add_url_rule("/requests/<int:entry_id>", view_func=get_request)
    blueprint.add_url_rule("/requests/count", view_func=count_requests, methods=["POST"])
    blueprint.add_url_rule("/requests/verify", view_func=verify_requests, methods=["POST"])
    blueprint.add_url_rule("/requests/attempts", view_func=list_attempts)


class MatchField(fields.Field[Any]):
    """Criteria by name; at least one, each a known one."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict) or not value:
            raise ValidationError("must be an object with one criterion or more")
        unknown = {key: ["unknown key" + did_you_mean(key, KEYS)] for key in value if not _is_key(key)}
        if unknown:
            raise ValidationError(unknown)
        return value


def _is_key(key: str) -> bool:
    return key in KEYS or key.startswith("field.")


class ExpectSchema(AdminSchema):
    """How often."""

    at_least = integer(validate=_COUNT)
    at_most = integer(validate=_COUNT)
    exactly = integer(validate=_COUNT)

    @validates_schema
    def _fits_together(self, data: dict[str, int], **kwargs: Any) -> None:
        if "exactly" in data and len(data) > 1:
            raise ValidationError("exactly goes with neither at_least nor at_most")
        if data.get("at_least", 0) > data.get("at_most", 2**63):
            raise ValidationError("at_least must not be more than at_most")


class CountSchema(AdminSchema):
    """The body of ``count`` and ``verify``."""

    match = MatchField(required=True, error_messages=messages("an object"))
    expect = fields.Nested(ExpectSchema, error_messages={"type": "must be an object"})
    within = fields.Float(
        load_default=0.0,
        error_messages=messages("a number of seconds"),
        validate=validate.Range(0, MAX_WITHIN_S, error=f"must be 0 to {MAX_WITHIN_S:g} seconds"),
    )


class ListSchema(AdminSchema):
    """What a list takes beside criteria."""

    limit = fields.Integer(load_default=50, validate=validate.Range(1, 1000, error="must be 1 to 1000"))
    cursor = fields.Integer(load_default=None, error_messages=messages("a cursor of a list before"))


def shown(entry: Entry) -> dict[str, Any]:
    """An entry as the API shows it: secrets masked unless the server shows them."""
    if not emulator().settings.show_secrets:
        entry = masked(entry)
    document: dict[str, Any] = msgspec.to_builtins(entry)
    document["request_id"] = entry.request_id
    document["outcome"] = outcome_word(entry)
    document["decided"] = [decided._asdict() for decided in entry.decided]
    document["lints"] = [lint._asdict() for lint in entry.lints]
    document["answer"] = entry.answered() or entry.answer
    document["resource_token"] = entry.document().get("resource_token")
    return document


def list_requests() -> dict[str, Any]:
    """The journal, newest first, filtered by criteria."""
    journal = workspace().requests
    arguments = request.args.to_dict()
    page = load(ListSchema(), {k: arguments.pop(k) for k in ("limit", "cursor") if k in arguments})
    match = Match(
        load(CountSchema(only=("match",)), {"match": arguments})["match"] if arguments else {}, loose=True
    )
    found = list(islice(match.entries(journal, page["cursor"]), page["limit"] + 1))
    items = found[: page["limit"]]
    return {
        "items": [shown(entry) for entry in items],
        "next": items[-1].id if len(found) > len(items) else None,
        "total": match.count(journal) if arguments else len(journal),
        "recorded": journal.recorded,
        "dropped": journal.dropped,
        "bytes": journal.bytes,
    }


def get_request(entry_id: int) -> dict[str, Any]:
    """One entry."""
    entry = workspace().requests.get(entry_id)
    if entry is None:
        raise RequestError(404, f"request {entry_id} not found: it never came, or had to go", "A3")
    return shown(entry)


def clear_requests() -> dict[str, Any]:
    """Empty the journal."""
    journal = workspace().requests
    cleared = len(journal)
    journal.clear()
    return {"cleared": cleared}


def list_attempts() -> dict[str, Any]:
    """Requests that were attempts at the same thing."""
    groups = attempts(workspace().requests)
    return {"items": [{**vars(group), "count": len(group.entries)} for group in groups]}


def count_requests() -> Response:
    """How many requests match; waits up to ``within`` for what is expected."""
    asked = load_body(CountSchema())
    return answer_later(_count(workspace(), asked))


async def _count(found: Workspace, asked: dict[str, Any]) -> Answer:
    match, expect = Match(asked["match"]), Expectation.of(asked.get("expect", {}))
    return json_answer({"count": await count_within(found.requests, match, expect, asked["within"])})


def verify_requests() -> Response:
    """200 if as many requests match as expected, else 422 with what came nearest."""
    asked = load_body(CountSchema())
    return answer_later(_verify(workspace(), asked, emulator().settings.show_secrets))


async def _verify(found: Workspace, asked: dict[str, Any], show_secrets: bool) -> Answer:
    match, expect = Match(asked["match"]), Expectation.of(asked.get("expect", {}))
    count = await count_within(found.requests, match, expect, asked["within"])
    if expect.met_by(count):
        return json_answer({"count": count})
    text = f"expected {expect} request(s), found {count} of {len(found.requests)} in the journal"
    return json_answer(
        {
            "error": 422,
            "error_text": text,
            "count": count,
            "nearest": _nearest(found, match, count, show_secrets),
        },
        422,
    )


def _nearest(found: Workspace, match: Match, count: int, show_secrets: bool) -> list[dict[str, Any]]:
    misses = match.nearest_misses(found.requests) if count == 0 else []
    return [
        {
            "id": entry.id,
            "time": entry.time,
            "request": (entry if show_secrets else masked(entry)).body,
            "differences": [
                {"key": one.key, "expected": one.expected, "actual": one.actual} for one in differences
            ],
        }
        for entry, differences in misses
    ]
