"""``/__admin/requests``: the journal, counting and verifying, attempts."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from emulator.journal.attempts import Attempts
from emulator.journal.entry import Entry, outcome_word, showable
from emulator.journal.masking import masked, secrets_of
from emulator.journal.spelling import readable
from emulator.rules.errors import NotFound
from emulator.rules.model import Decided
from emulator.rules.texts import message
from emulator.web.admin.criteria import REQUESTS
from emulator.web.admin.operation import Later, link, operation
from emulator.web.admin.verifying import Kind, count, count_schema, list_page, list_parameters, verify
from emulator.web.current import workspace
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import Page
from push_emulator.journal_answers import (
    AttemptGroup,
    Cleared,
    Counted,
    Decision,
    JournalPage,
    LintRemark,
    RecordedRequest,
    Unverified,
)

CountSchema = count_schema(REQUESTS, "CountSchema")

#: Groups of attempts that are listed.
_MOST_GROUPS = 100
#: The members of an entry that the API shows unchanged.
_AS_RECORDED = [
    name
    for name in RecordedRequest.__struct_fields__
    if name not in ("answer", "decided", "lints", "changes", "outcome", "resource_token")
]


def _shown_in(found: Workspace) -> Callable[[Entry], RecordedRequest]:
    """Makes the API's form of a workspace's entries, their secrets masked unless the server shows them."""
    secrets = None if found.server.show_secrets else secrets_of(found.store.resources())
    return lambda entry: _shown(entry if secrets is None else masked(entry, secrets))


def _shown(entry: Entry) -> RecordedRequest:
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


@operation(
    "get", "/requests", query=list_parameters(REQUESTS), links=link("get_request", entry_id="/items/0/id")
)
def list_requests() -> Later[JournalPage]:
    """The request journal, newest first (``field.NAME`` filters by a custom field's value)."""
    return list_page(_KIND, JournalPage)


@operation("get", "/requests/<int64:entry_id>", refusals=(404,))
def get_request(entry_id: int) -> RecordedRequest:
    """One entry."""
    found = workspace()
    entry = found.requests.get(entry_id)
    if entry is None:
        raise NotFound(message("request %(id)s not found: it never came, or was evicted", id=entry_id))
    return _shown_in(found)(entry)


@operation("delete", "/requests")
def clear_requests() -> Cleared:
    """Empty the journal."""
    return Cleared(workspace().requests.clear())


@operation("get", "/requests/attempts")
def list_attempts() -> Later[Page[AttemptGroup]]:
    """Requests that were attempts at the same thing."""
    return _attempts(workspace())


async def _attempts(found: Workspace) -> Page[AttemptGroup]:
    groups = await Attempts(found.requests).groups(_MOST_GROUPS)
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


_KIND = Kind(
    "request",
    REQUESTS,
    attrgetter("requests"),
    _shown_in,
    lambda one: readable(one.body),
    ("resource_token",),
)
