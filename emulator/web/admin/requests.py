"""``/__admin/requests``: the journal, counting and verifying, attempts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import msgspec
import orjson
from flask import Blueprint, Response, request
from marshmallow import ValidationError, fields, validate, validates_schema
from msgspec.structs import asdict

from emulator.journal.attempts import attempts
from emulator.journal.entry import Entry, outcome_word, showable
from emulator.journal.masking import mask_value, masked
from emulator.journal.matching import KEYS, Difference, Match
from emulator.journal.search import nearest_misses, search
from emulator.journal.verify import Expectation, count_within
from emulator.loop.pacing import Pacing
from emulator.messages import Answer
from emulator.rules.lints import did_you_mean
from emulator.rules.model import RequestError
from emulator.schemas.errors import integer, messages
from emulator.web.admin.criteria import MatchField, check_possible, is_key, read_criteria
from emulator.web.admin.loading import MOST_COMPLAINTS, AdminSchema, load, load_body
from emulator.web.admin.numbers import COUNT, ONE_OR_MORE, number, number_in_query
from emulator.web.current import emulator, workspace, workspace_name
from emulator.web.later import answer_later, json_answer
from emulator.workspaces.workspace import Workspace

MAX_WITHIN_S = 60.0


def add_routes(blueprint: Blueprint) -> None:
    """Add this subject's routes."""
    blueprint.add_url_rule("/requests", view_func=list_requests)
    blueprint.add_url_rule("/requests", view_func=clear_requests, methods=["DELETE"])
    blueprint.add_url_rule("/requests/<int64:entry_id>", view_func=get_request)
    blueprint.add_url_rule("/requests/count", view_func=count_requests, methods=["POST"])
    blueprint.add_url_rule("/requests/verify", view_func=verify_requests, methods=["POST"])
    blueprint.add_url_rule("/requests/attempts", view_func=list_attempts)


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


def shown(entry: Entry, secrets: Sequence[str] | None) -> dict[str, Any]:
    """An entry as the API shows it; ``secrets``: the tokens to mask, ``None`` where the server shows all."""
    if secrets is not None:
        entry = masked(entry, secrets)
    document: dict[str, Any] = {"id": entry.id, "time": entry.time}
    document |= {_AS_TEXT.get(name, name): value for name, value in asdict(entry).items()}
    document["body"] = entry.body
    document["changes"] = msgspec.to_builtins(entry.changes)
    document["request_id"] = entry.request_id
    document["outcome"] = outcome_word(entry)
    document["decided"] = [
        {"rule": one.rule, "db_id": one.db_id, "detail": one.detail} for one in entry.decided
    ]
    document["lints"] = [{"rule": one.rule, "path": one.path, "text": one.text} for one in entry.lints]
    document["answer"] = entry.answered() or entry.answer
    document["resource_token"] = showable(entry.document().get("resource_token"))
    return document


def _secrets(found: Workspace) -> list[str] | None:
    if emulator().settings.show_secrets:
        return None
    return [resource.token for resource in found.store.resources()]


def list_requests() -> Response:
    """The journal, newest first, filtered by criteria."""
    found = workspace()
    arguments = request.args.to_dict()
    page = load(ListSchema(), {k: arguments.pop(k) for k in ("limit", "cursor") if k in arguments})
    unknown = [
        f"{key}: unknown parameter{did_you_mean(key, (*KEYS, *ListSchema().fields))}"
        for key in islice((key for key in arguments if not is_key(key)), MOST_COMPLAINTS)
    ]
    if unknown:
        raise RequestError(400, "; ".join(unknown), "A3")
    match = Match(read_criteria(arguments), loose=True)
    return answer_later(_list(found, match, page, _secrets(found)))


async def _list(found: Workspace, match: Match, page: dict[str, Any], secrets: list[str] | None) -> Answer:
    await check_possible(found, match)
    journal = found.requests
    filtered = bool(match.criteria)
    listed = await search(journal, match, page["limit"], page["cursor"], count_all=filtered)
    items = []
    steps = Pacing(asked_every=1)
    for entry in listed.entries:
        if steps.long:
            await steps.pause()
        items.append(orjson.Fragment(orjson.dumps(shown(entry, secrets))))
    return json_answer(
        {
            "items": items,
            "next": listed.older,
            "total": listed.total if filtered else len(journal),
            "recorded": journal.recorded,
            "dropped": journal.dropped,
            "bytes": journal.bytes,
        }
    )


def get_request(entry_id: int) -> dict[str, Any]:
    """One entry."""
    found = workspace()
    entry = found.requests.get(entry_id)
    if entry is None:
        raise RequestError(404, f"request {entry_id} not found: it never came, or had to go", "A3")
    return shown(entry, _secrets(found))


def clear_requests() -> dict[str, Any]:
    """Empty the journal."""
    journal = workspace().requests
    cleared = len(journal)
    journal.clear()
    return {"cleared": cleared}


def list_attempts() -> Response:
    """Requests that were attempts at the same thing."""
    return answer_later(_list_attempts(workspace()))


async def _list_attempts(found: Workspace) -> Answer:
    groups = await attempts(found.requests)
    items = [{**vars(group), "count": len(group.entries)} for group in groups]
    return json_answer({"items": items, "next": None, "total": len(items)})


def count_requests() -> Response:
    """How many requests match; waits up to ``within`` for what is expected."""
    asked = load_body(CountSchema())
    return answer_later(_count(_finder(), asked))


async def _count(find: Callable[[], Workspace], asked: dict[str, Any]) -> Answer:
    match, expect = Match(asked["match"]), Expectation.of(asked.get("expect", {}))
    await check_possible(find(), match, "match.")
    return json_answer({"count": await count_within(find().requests, match, expect, asked["within"])})


def _finder() -> Callable[[], Workspace]:
    """Finds the request's workspace again and again: it may be made, or made anew, while somebody waits."""
    return partial(emulator().workspaces.look, workspace_name())


def verify_requests() -> Response:
    """200 if as many requests match as expected, else 422 with what came nearest."""
    asked = load_body(CountSchema())
    return answer_later(_verify(_finder(), asked, emulator().settings.show_secrets))


async def _verify(find: Callable[[], Workspace], asked: dict[str, Any], show_secrets: bool) -> Answer:
    match, expect = Match(asked["match"]), Expectation.of(asked.get("expect", {}))
    await check_possible(find(), match, "match.")
    count = await count_within(find().requests, match, expect, asked["within"])
    if expect.met_by(count):
        return json_answer({"count": count})
    found = find()
    text = f"expected {expect} request(s), found {count} of {len(found.requests)} in the journal"
    return json_answer(
        {
            "error": 422,
            "error_text": text,
            "count": count,
            "nearest": [] if expect.broken_by(count) else await _nearest(found, match, show_secrets),
        },
        422,
    )


async def _nearest(found: Workspace, match: Match, show_secrets: bool) -> list[dict[str, Any]]:
    tokens = [resource.token for resource in found.store.resources()]
    return [
        {
            "id": entry.id,
            "time": entry.time,
            "request": (entry if show_secrets else masked(entry, tokens)).body,
            "differences": [_difference(one, show_secrets) for one in differences],
        }
        for entry, differences in await nearest_misses(found.requests, match)
    ]


def _difference(one: Difference, show_secrets: bool) -> dict[str, Any]:
    if one.key == "resource_token" and not show_secrets:
        return {"key": one.key, "expected": mask_value(one.expected), "actual": mask_value(one.actual)}
    return {"key": one.key, "expected": one.expected, "actual": one.actual}
