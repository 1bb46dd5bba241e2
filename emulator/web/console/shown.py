"""What several pages show: requests of the journal in one line each, and commands. Without secrets."""

from collections.abc import Iterable
from typing import NamedTuple

from flask import request
from msgspec.structs import replace

from emulator.faults.catalogue import ExampleRequest, curl
from emulator.journal.attempts import Attempts
from emulator.journal.entry import Entry, outcome_word, short_text
from emulator.journal.masking import masked, secrets_of
from emulator.messages import split_path
from emulator.mobile.paths import served_path
from emulator.rules.answer import NOT_ALL_APPLIED
from emulator.rules.errors import NotFound
from emulator.rules.texts import message
from emulator.web.console.pages import console_state
from emulator.web.current import emulator, workspace
from emulator.workspaces.workspace import Workspace
from push_emulator.masking import mask


class RequestLine(NamedTuple):
    """One line of a list of requests.

    ``who``: whose profile the request asks for (empty: that of its tokens), of an SDK's call its path;
    ``tokens``: the pairs of provider and push token; ``reason``: why it was refused;
    ``attempt``: 2 for the first repetition of a request, 3 for the next;
    ``elsewhere``: it was no call of the endpoint, so its method and path are shown.
    """

    entry: Entry
    outcome: str
    resource: str
    who: str
    tokens: list[tuple[str, str]]
    reason: str
    attempt: int
    elsewhere: bool


def row_of(entry: Entry, resource: str = "", attempt: int = 1) -> RequestLine:
    """The line of an entry; ``resource``: its name, where the entry does not know it."""
    document = entry.document()
    tokens = [one for one in entry.sent_tokens() if any(one)]
    who = short_text(document.get("id") or "")
    if document.get("matching") == "custom":
        who = f"{short_text(document.get('field_name'))} = {short_text(document.get('field_value'))}"
    resource = entry.resource or resource
    if resource:  # else the line has the whole path already
        who = served_path(split_path(entry.path)[1]) or who
    outcome = outcome_word(entry)
    failed = (outcome == "refused" or entry.error) and not entry.never_answered
    reason = _reason(entry) if failed else ""
    elsewhere = any(one.rule == "A4" for one in entry.decided)
    return RequestLine(entry, outcome, resource, who, tokens, reason, attempt, elsewhere)


def _reason(entry: Entry) -> str:
    """The text of an error, else that of the first item that was refused."""
    if entry.error != NOT_ALL_APPLIED:
        return entry.error_text
    items = entry.answered().get("data")
    said = [one["description"] for one in items if one["description"]] if isinstance(items, list) else []
    return said[0] if said else ""


def rows_of(found: Workspace, entries: Iterable[Entry]) -> list[RequestLine]:
    """The entries' lines. A resource is named even where a fault answered before it was looked for."""
    rows, tries = [], attempts_of(found)
    for entry in entries:
        token = entry.document().get("resource_token")
        resource = found.store.find_resource(token) if isinstance(token, str) else None
        rows.append(
            row_of(masked_entry(found, entry), resource.name if resource else "", tries.number(entry.id))
        )
    return rows


def attempts_of(found: Workspace) -> Attempts:
    """The groups of attempts of a workspace, as of the last time that a page followed them."""
    return console_state().attempts.setdefault(found, Attempts(found.requests))


def entry_of(found: Workspace, entry_id: int) -> Entry:
    """The entry with this id. Raises :class:`NotFound`."""
    entry = found.requests.get(entry_id)
    if entry is None:
        raise NotFound(message("request %(id)s not found: it is not in the journal", id=entry_id))
    return entry


def masked_entry(found: Workspace, entry: Entry) -> Entry:
    """The entry with its secrets hidden, unless the server shows them."""
    if emulator().settings.show_secrets:
        return entry
    return masked(entry, secrets_of(found.store.resources()))


def command(call: ExampleRequest | None, whole: bool = False) -> str:
    """The curl command that makes a call here, empty for none; ``whole``: with the real resource token."""
    store = workspace().store
    resources = store.resources()
    if not whole and not emulator().settings.show_secrets:
        resources = [replace(one, token=mask(one.token)) for one in resources]
    return curl(call, request.url_root.rstrip("/"), resources, store.databases()) if call else ""
