"""``/__admin/requests``: the journal, counting and verifying, attempts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import islice
from typing import Any, ClassVar

import msgspec
from flask import request
from marshmallow import ValidationError, fields, post_load, validate, validates_schema
from msgspec.structs import replace

from emulator.journal.attempts import attempts
from emulator.journal.criteria import KEYS
from emulator.journal.entry import Entry, outcome_word, showable
from emulator.journal.masking import mask_value, masked
from emulator.journal.matching import Match
from emulator.journal.search import nearest_misses, search
from emulator.journal.spelling import readable
from emulator.journal.verify import Expectation, count_within
from emulator.loop.pacing import Pacing
from emulator.rules.errors import Invalid, NotFound
from emulator.rules.lints import did_you_mean
from emulator.rules.model import Decided
from emulator.schemas.errors import integer, messages
from emulator.schemas.json_schema import JSONSchema
from emulator.web.admin.criteria import CRITERIA, MatchField, check_possible, is_key, read_criteria
from emulator.web.admin.loading import MOST_COMPLAINTS, AdminSchema, load
from emulator.web.admin.numbers import COUNT, ONE_OR_MORE, number, number_in_query
from emulator.web.admin.operation import Later, link, operation
from emulator.web.current import emulator, workspace, workspace_name
from emulator.web.later import json_answer
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import (
    AttemptGroup,
    Cleared,
    Counted,
    Decision,
    Difference,
    JournalPage,
    LintRemark,
    NearMiss,
    Page,
    RecordedRequest,
    Unverified,
)

MAX_WITHIN_S = 60.0
#: Finds the request's workspace each time: it may be created, or replaced, during a wait.
Find = Callable[[], Workspace]


class ExpectSchema(AdminSchema):
    """How many requests are expected."""

    #: Either ``exactly`` or bounds.
    json_schema: ClassVar[JSONSchema] = {"anyOf": [{"maxProperties": 1}, {"not": {"required": ["exactly"]}}]}

    at_least = integer(validate=COUNT)
    at_most = integer(validate=COUNT)
    exactly = integer(validate=COUNT)

    @validates_schema
    def _fits_together(self, data: dict[str, int], **kwargs: Any) -> None:
        if "exactly" in data and len(data) > 1:
            raise ValidationError("exactly goes with neither at_least nor at_most")
        if data.get("at_least", 0) > data.get("at_most", 2**63):
            raise ValidationError("at_least must not be more than at_most")

    @post_load
    def _make(self, data: dict[str, int], **kwargs: Any) -> Expectation:
        return Expectation.of(data)


class CountSchema(AdminSchema):
    """The body of ``count`` and ``verify``."""

    match = MatchField(required=True, error_messages=messages("an object"))
    expect = fields.Nested(
        ExpectSchema, load_default=partial(Expectation.of, {}), error_messages=messages("an object")
    )
    within = number(
        "a number of seconds",
        load_default=0.0,
        validate=validate.Range(0, MAX_WITHIN_S, error=f"must be 0 to {MAX_WITHIN_S:g} seconds"),
    )


class ListSchema(AdminSchema):
    """The parameters of a list beside criteria."""

    limit = number_in_query(
        load_default=50,
        validate=validate.Range(1, 1000, error="must be 1 to 1000"),
        metadata={"description": "how many"},
    )
    cursor = number_in_query(
        validate=ONE_OR_MORE,
        error_messages=messages("a cursor of a list before"),
        metadata={"description": "the `next` of the page before"},
    )


#: The members of an entry that the API shows unchanged.
_AS_RECORDED = [
    name
    for name in RecordedRequest.__struct_fields__
    if name not in ("answer", "decided", "lints", "changes", "outcome", "resource_token")
]


def shown(entry: Entry, secrets: Sequence[str] | None) -> RecordedRequest:
    """An entry in the form of the API; ``secrets``: the tokens to mask, ``None`` if the server shows all."""
    if secrets is not None:
        entry = masked(entry, secrets)
    return RecordedRequest(
        **{name: getattr(entry, name) for name in _AS_RECORDED},
        answer=entry.answered() or entry.answer,
        decided=_decisions(entry),
        lints=[LintRemark(one.rule, one.path, one.text) for one in entry.lints],
        changes=msgspec.to_builtins(entry.changes),
        outcome=outcome_word(entry),
        resource_token=showable(entry.document().get("resource_token")),
    )


def _decisions(entry: Entry) -> list[Decision]:
    tokens = [showable(token) for _, token in entry.sent_tokens()]

    def decision(one: Decided) -> Decision:
        at = one.subscription
        token = tokens[at] if at is not None and at < len(tokens) else None
        return Decision(one.rule, one.db_id, one.detail, at, token)

    return [decision(one) for one in entry.decided]


def _secrets(found: Workspace) -> list[str] | None:
    if emulator().settings.show_secrets:
        return None
    return [resource.token for resource in found.store.resources()]


def _filter(name: str, schema: JSONSchema) -> JSONSchema:
    """A criterion as a parameter of a list: a query string has no null."""
    kind = schema.get("type", "string")
    kind = kind[0] if isinstance(kind, list) else kind
    if kind not in ("integer", "boolean") and name != "since":
        values = [one for one in schema.get("enum", ()) if one is not None]
        schema, kind = {"enum": values} if values else {}, "string"
    described = {**schema, "type": kind}
    return {"in": "query", "name": name, "description": "must be this", "schema": described}


@operation(
    "get",
    "/requests",
    query=[{"in": "query", "schema": ListSchema}, *(_filter(*one) for one in CRITERIA.items())],
    links=link("get_request", entry_id="/items/0/id"),
)
def list_requests() -> Later[JournalPage]:
    """The request journal, newest first (``field.NAME`` filters by a custom field's value)."""
    found = workspace()
    arguments = request.args.to_dict()
    page = load(ListSchema(), {k: arguments.pop(k) for k in ("limit", "cursor") if k in arguments})
    unknown = [
        f"{key}: unknown parameter{did_you_mean(key, (*KEYS, *ListSchema().fields))}"
        for key in islice((key for key in arguments if not is_key(key)), MOST_COMPLAINTS)
    ]
    if unknown:
        raise Invalid("; ".join(unknown), "A3")
    match = Match(read_criteria(arguments), loose=True)
    return _list(found, match, page, _secrets(found))


async def _list(
    found: Workspace, match: Match, page: dict[str, Any], secrets: list[str] | None
) -> JournalPage:
    await check_possible(found, match)
    journal = found.requests
    filtered = bool(match.criteria)
    listed = await search(journal, match, page["limit"], page.get("cursor"), count_all=filtered)
    items: list[Any] = []
    steps = Pacing(asked_every=1)
    for entry in listed.entries:
        if steps.long:
            await steps.pause()
        items.append(msgspec.Raw(msgspec.json.encode(shown(entry, secrets))))
    return JournalPage(
        items,
        listed.older,
        listed.total if filtered else len(journal),
        recorded=journal.recorded,
        dropped=journal.dropped,
        bytes=journal.bytes,
    )


@operation("get", "/requests/<int64:entry_id>", refusals=(404,))
def get_request(entry_id: int) -> RecordedRequest:
    """One entry."""
    found = workspace()
    entry = found.requests.get(entry_id)
    if entry is None:
        raise NotFound(f"request {entry_id} not found: it never came, or was evicted", "A3")
    return shown(entry, _secrets(found))


@operation("delete", "/requests")
def clear_requests() -> Cleared:
    """Empty the journal."""
    journal = workspace().requests
    cleared = len(journal)
    journal.clear()
    return Cleared(cleared)


@operation("get", "/requests/attempts")
def list_attempts() -> Later[Page[AttemptGroup]]:
    """Requests that were attempts at the same thing."""
    return _attempts(workspace())


async def _attempts(found: Workspace) -> Page[AttemptGroup]:
    groups = await attempts(found.requests)
    return Page(groups, None, len(groups))


@operation("post", "/requests/count", body=CountSchema)
def count_requests(body: dict[str, Any]) -> Later[Counted]:
    """How many requests match; waits up to ``within`` seconds for what is expected."""
    return _count(_finder(), **body)


async def _count(find: Find, match: Match, expect: Expectation, within: float) -> Counted:
    await check_possible(find(), match, "match.")
    return Counted(await count_within(find().requests, match, expect, within))


def _finder() -> Find:
    return partial(emulator().workspaces.look, workspace_name())


@operation(
    "post",
    "/requests/verify",
    body=CountSchema,
    others={422: ("Not so many; `nearest` says which entries came nearest, and what differs.", Unverified)},
)
def verify_requests(body: dict[str, Any]) -> Later[Counted]:
    """Whether as many requests match as expected."""
    return _verify(_finder(), emulator().settings.show_secrets, **body)


async def _verify(find: Find, show_secrets: bool, match: Match, expect: Expectation, within: float) -> Any:
    counted = await _count(find, match, expect, within)
    if expect.met_by(counted.count):
        return counted
    found, count = find(), counted.count
    text = f"expected {expect} request(s), found {count} of {len(found.requests)} in the journal"
    nearest = [] if expect.broken_by(count) else await _nearest(found, match, show_secrets)
    return json_answer(Unverified(422, text, count, nearest), 422)


async def _nearest(found: Workspace, match: Match, show_secrets: bool) -> list[NearMiss]:
    tokens = [resource.token for resource in found.store.resources()]
    return [
        NearMiss(
            entry.id,
            entry.time,
            readable((entry if show_secrets else masked(entry, tokens)).body),
            differences if show_secrets else list(map(_masked, differences)),
        )
        for entry, differences in await nearest_misses(found.requests, match)
    ]


def _masked(one: Difference) -> Difference:
    if one.key != "resource_token":
        return one
    return replace(one, expected=mask_value(one.expected), actual=mask_value(one.actual))
