"""``/__admin/requests``: the journal, counting and verifying, attempts."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import replace

from emulator.journal.attempts import attempts
from emulator.journal.entry import Entry, outcome_word, showable
from emulator.journal.masking import mask_value, masked, secrets_of
from emulator.journal.matching import Criteria, Match
from emulator.journal.search import nearest_misses
from emulator.journal.spelling import readable
from emulator.rules.errors import NotFound
from emulator.rules.model import Decided
from emulator.web.admin.criteria import REQUESTS
from emulator.web.admin.operation import Later, link, operation
from emulator.web.admin.verifying import Kind, count, count_schema, list_page, list_parameters, verify
from emulator.web.current import workspace
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

CountSchema = count_schema(REQUESTS, "CountSchema")

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
    """What to mask; ``None``: nothing, the server shows secrets."""
    return None if found.server.show_secrets else secrets_of(found.store.resources())


@operation(
    "get",
    "/requests",
    query=list_parameters(REQUESTS),
    links=link("get_request", entry_id="/items/0/id"),
)
def list_requests() -> Later[JournalPage]:
    """The request journal, newest first (``field.NAME`` filters by a custom field's value)."""
    found = workspace()
    secrets = _secrets(found)
    return list_page(found, found.requests, REQUESTS, JournalPage, lambda entry: shown(entry, secrets))


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
    return Cleared(workspace().requests.clear())


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
    return count(_KIND, **body)


@operation(
    "post",
    "/requests/verify",
    body=CountSchema,
    as_text=True,
    others={422: ("Not so many; `nearest` says which entries came nearest, and what differs.", Unverified)},
)
def verify_requests(body: dict[str, Any]) -> Later[Counted]:
    """Whether as many requests match as expected (``Accept: text/plain``: the answer as text)."""
    return verify(_KIND, **body)


async def _nearest(found: Workspace, match: Criteria[Any]) -> list[NearMiss]:
    secrets = _secrets(found)
    return [
        NearMiss(
            miss.entry.id,
            miss.entry.time,
            readable((miss.entry if secrets is None else masked(miss.entry, secrets)).body),
            miss.differences if secrets is None else list(map(_masked, miss.differences)),
        )
        for miss in await nearest_misses(found.requests, match)
    ]


def _masked(one: Difference) -> Difference:
    if one.key != "resource_token":
        return one
    return replace(one, expected=mask_value(one.expected), actual=mask_value(one.actual))


_KIND = Kind(
    "request",
    attrgetter("requests"),
    Match({}),
    _nearest,
    lambda found, entry: str(shown(entry, _secrets(found))),
    ("resource_token",),
)
