"""``/__admin/requests``: the journal, counting and verifying, attempts."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from marshmallow import ValidationError, fields, validate, validates_schema
from msgspec.structs import asdict

from emulator.clock import iso
from emulator.requests.attempts import attempts
from emulator.requests.entry import Entry, outcome_word, showable
from emulator.requests.masking import mask_value, masked
from emulator.requests.matching import JSON_TYPES, KEYS, Difference, Match
from emulator.requests.verify import Expectation, count_within
from emulator.rules.lints import did_you_mean
from emulator.rules.model import INT64_MAX, INT64_MIN, RequestError
from emulator.schema_errors import flatten, integer, messages
from emulator.web.admin.clock import TimeField
from emulator.web.admin.loading import MOST_COMPLAINTS, AdminSchema, load, load_body
from emulator.web.admin.numbers import COUNT, ONE_OR_MORE, number, number_in_query
from emulator.web.current import emulator, workspace
from emulator.web.later import answer_later, json_answer
from emulator.wire import Answer
from emulator.workspace import Workspace

MAX_WITHIN_S = 60.0


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/requests", view_func=list_requests)
    blueprint.add_url_rule("/requests", view_func=clear_requests, methods=["DELETE"])
    blueprint.add_url_rule("/requests/<int64:entry_id>", view_func=get_request)
    blueprint.add_url_rule("/requests/count", view_func=count_requests, methods=["POST"])
    blueprint.add_url_rule("/requests/verify", view_func=verify_requests, methods=["POST"])
    blueprint.add_url_rule("/requests/attempts", view_func=list_attempts)


_NAMES = {str: "a string", int: "an integer", bool: "true or false", list: "an array of integers"}
_NEVER_NULL = ("rule", "lint", "outcome", "since", "q")


class MatchField(fields.Field[Any]):
    """Criteria by name; at least one, each a known one with a value that can occur."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **kwargs: Any) -> Any:
        if not isinstance(value, dict) or not value:
            raise ValidationError("must be an object with one criterion or more")
        complaints = ((key, text) for key, wanted in value.items() if (text := _complaint(key, wanted)))
        first = {key: [text] for key, text in islice(complaints, MOST_COMPLAINTS)}
        if first:
            raise ValidationError(first)
        return with_canonical_since(value)


def _complaint(key: str, wanted: Any) -> str | None:
    """What is wrong with a criterion, ``None`` if nothing is. Null says that there is no such value."""
    if not is_key(key):
        return "unknown key" + did_you_mean(key, KEYS)
    if wanted is None and key not in _NEVER_NULL:
        return None
    kind = JSON_TYPES.get(key)
    if kind is not None and type(wanted) is not kind:
        return f"must be {_NAMES[kind]}"
    if kind is list and not all(type(one) is int and INT64_MIN <= one <= INT64_MAX for one in wanted):
        return "must be an array of integers of 64 bits"
    if kind is None and not isinstance(wanted, (str, int, float)):
        return "must be a string, a number, true or false"
    if isinstance(wanted, float) and not math.isfinite(wanted):
        return "must be a finite number"
    if isinstance(wanted, int) and not INT64_MIN <= wanted <= INT64_MAX:
        return "must be an integer of 64 bits"
    return None


def is_key(key: str) -> bool:
    """Whether a criterion can have this name."""
    return key in KEYS or (key.startswith("field.") and key != "field.")


def with_canonical_since(criteria: dict[str, Any]) -> dict[str, Any]:
    """The criteria with ``since`` as the journal writes times. Raises :class:`ValidationError`."""
    if criteria.get("since") is None:
        return criteria
    try:
        return {**criteria, "since": iso(TimeField().deserialize(criteria["since"]))}
    except ValidationError as error:
        raise ValidationError({"since": error.messages}) from error


class ExpectSchema(AdminSchema):
    """How often."""

    at_least = integer(validate=COUNT)
    at_most = integer(validate=COUNT)
    exactly = integer(validate=COUNT)

    @validates_schema
    def _fits_together(self, data: dict[str, int], **kwargs: Any) -> None:
        if "exactly" in data and len(data) > 1:
            raise ValidationError("exactly goes with neither at_least nor at_most")
        if data.get("at_least", 0) > data.get("at_most", 2**63):
            raise ValidationError("at_least must not be more than at_most")


class CountSchema(AdminSchema):
    """The body of ``count`` and ``verify``."""

    match = MatchField(required=True, error_messages=messages("an object"))
    expect = fields.Nested(ExpectSchema, error_messages=messages("an object"))
    within = number(
        "a number of seconds",
        load_default=0.0,
        validate=validate.Range(0, MAX_WITHIN_S, error=f"must be 0 to {MAX_WITHIN_S:g} seconds"),
    )


class ListSchema(AdminSchema):
    """What a list takes beside criteria."""

    limit = number_in_query(load_default=50, validate=validate.Range(1, 1000, error="must be 1 to 1000"))
    cursor = number_in_query(
        load_default=None, validate=ONE_OR_MORE, error_messages=messages("a cursor of a list before")
    )


#: Fields of an entry that are shown as text.
_AS_TEXT = {"body_bytes": "body", "answer_bytes": "answer"}


def shown(entry: Entry) -> dict[str, Any]:
    """An entry as the API shows it: secrets masked unless the server shows them."""
    if not emulator().settings.show_secrets:
        entry = masked(entry, _tokens(workspace()))
    document: dict[str, Any] = {"id": entry.id, "time": entry.time}
    document |= {_AS_TEXT.get(name, name): value for name, value in asdict(entry).items()}
    document["body"] = entry.body
    document["changes"] = msgspec.to_builtins(entry.changes)
    document["request_id"] = entry.request_id
    document["outcome"] = outcome_word(entry)
    document["decided"] = [asdict(decided) for decided in entry.decided]
    document["lints"] = [lint._asdict() for lint in entry.lints]
    document["answer"] = entry.answered() or entry.answer
    document["resource_token"] = showable(entry.document().get("resource_token"))
    return document


def _tokens(found: Workspace) -> list[str]:
    return [resource.token for resource in found.store.resources()]


def list_requests() -> dict[str, Any]:
    """The journal, newest first, filtered by criteria."""
    journal = workspace().requests
    arguments = request.args.to_dict()
    page = load(ListSchema(), {k: arguments.pop(k) for k in ("limit", "cursor") if k in arguments})
    match = Match(_criteria(arguments), loose=True)
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


def _criteria(arguments: dict[str, str]) -> dict[str, Any]:
    """The criteria of a query string, whose values are all text. Raises :class:`RequestError` 400."""
    unknown = [
        f"{key}: unknown parameter{did_you_mean(key, (*KEYS, *ListSchema().fields))}"
        for key in islice((key for key in arguments if not is_key(key)), MOST_COMPLAINTS)
    ]
    if unknown:
        raise RequestError(400, "; ".join(unknown), "A3")
    try:
        return with_canonical_since(arguments)
    except ValidationError as error:
        raise RequestError(
            400, "; ".join(f"{path}: {text}" for path, text in flatten(error.messages)), "A3"
        ) from error


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
    items = [{**vars(group), "count": len(group.entries)} for group in groups]
    return {"items": items, "next": None, "total": len(items)}


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
            "nearest": [] if expect.broken_by(count) else _nearest(found, match, show_secrets),
        },
        422,
    )


def _nearest(found: Workspace, match: Match, show_secrets: bool) -> list[dict[str, Any]]:
    tokens = _tokens(found)
    return [
        {
            "id": entry.id,
            "time": entry.time,
            "request": (entry if show_secrets else masked(entry, tokens)).body,
            "differences": [_difference(one, show_secrets) for one in differences],
        }
        for entry, differences in match.nearest_misses(found.requests)
    ]


def _difference(one: Difference, show_secrets: bool) -> dict[str, Any]:
    if one.key == "resource_token" and not show_secrets:
        return {"key": one.key, "expected": mask_value(one.expected), "actual": mask_value(one.actual)}
    return {"key": one.key, "expected": one.expected, "actual": one.actual}
