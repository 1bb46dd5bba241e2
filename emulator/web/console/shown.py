"""What several pages show: requests of the journal in one line each, and commands. Without secrets."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from flask import request
from msgspec.structs import replace

from emulator.faults.calls import Call, curl
from emulator.journal.entry import Entry, outcome_word
from emulator.journal.masking import masked, secrets_of
from emulator.rules.errors import NotFound
from emulator.web.console.language import gettext
from emulator.web.current import emulator, workspace
from emulator.workspaces.workspace import Workspace
from push_emulator.masking import mask


class Row(NamedTuple):
    """One line of a list of requests.

    ``who``: whose profile the request asks for (empty: that of its tokens); ``tokens``: the first two
    pairs of provider and push token, ``more``: how many follow.
    """

    entry: Entry
    outcome: str
    resource: str
    who: str
    tokens: list[tuple[str, str]]
    more: int


def row_of(entry: Entry, resource: str = "") -> Row:
    """The line of an entry; ``resource``: its name, where the entry does not know it."""
    document = entry.document()
    sent = document.get("subscriptions")
    tokens = [
        (_text(one.get("provider")), _text(one.get("subscription_id")))
        for one in (sent if isinstance(sent, list) else ())
        if isinstance(one, dict)
    ]
    who = _text(document.get("id") or "")
    if document.get("matching") == "custom":
        who = f"{_text(document.get('field_name'))} = {_text(document.get('field_value'))}"
    more = len(tokens[2:])
    return Row(entry, outcome_word(entry), entry.resource or resource, who, tokens[:2], more)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else repr(value)[:200]


def rows_of(found: Workspace, entries: Iterable[Entry]) -> list[Row]:
    """The entries' lines. A resource is named even where a fault answered before it was looked for."""
    rows = []
    for entry in entries:
        token = entry.document().get("resource_token")
        resource = found.store.find_resource(token) if isinstance(token, str) else None
        rows.append(row_of(masked_entry(found, entry), resource.name if resource else ""))
    return rows


def entry_of(found: Workspace, entry_id: int) -> Entry:
    """The entry with this id. Raises :class:`NotFound`."""
    entry = found.requests.get(entry_id)
    if entry is None:
        text = gettext("request %(id)s not found: it is not in the journal", id=entry_id)
        raise NotFound(text, "A3")
    return entry


def masked_entry(found: Workspace, entry: Entry) -> Entry:
    """The entry with its secrets hidden, unless the server shows them."""
    if emulator().settings.show_secrets:
        return entry
    return masked(entry, secrets_of(found.store.resources()))


def command(call: Call | None, whole: bool = False) -> str:
    """The curl command that makes a call here, empty for none; ``whole``: with the real resource token."""
    store = workspace().store
    resources = store.resources()
    if not whole and not emulator().settings.show_secrets:
        resources = [replace(one, token=mask(one.token)) for one in resources]
    return curl(call, request.url_root.rstrip("/"), resources, store.databases()) if call else ""
