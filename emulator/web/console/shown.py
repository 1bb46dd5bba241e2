"""What pages may show: without secrets, unless the server shows them."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Response, request
from msgspec.structs import replace

from emulator.journal.entry import Entry
from emulator.journal.masking import masked
from emulator.rules.model import RequestError, Resource
from emulator.web.console.presenters.rows import Row, row_of
from emulator.web.current import emulator
from emulator.workspaces.workspace import Workspace
from push_emulator.masking import mask


def entry_of(found: Workspace, entry_id: int) -> Entry:
    """The entry with this id. Raises :class:`RequestError` 404."""
    entry = found.requests.get(entry_id)
    if entry is None:
        raise RequestError(404, f"request {entry_id} not found: it never came, or had to go", "A3")
    return entry


def masked_entry(found: Workspace, entry: Entry) -> Entry:
    """The entry with its secrets hidden."""
    if emulator().settings.show_secrets:
        return entry
    return masked(entry, [resource.token for resource in found.store.resources()])


def rows_of(found: Workspace, entries: Iterable[Entry]) -> list[Row]:
    """The entries' lines. A resource is named even where a fault answered before it was looked for."""
    rows = []
    for entry in entries:
        token = entry.document().get("resource_token")
        resource = found.store.find_resource(token) if isinstance(token, str) else None
        rows.append(row_of(masked_entry(found, entry), resource.name if resource else ""))
    return rows


def shown_resources(found: Workspace) -> list[Resource]:
    """The resources with their tokens hidden."""
    resources = found.store.resources()
    if emulator().settings.show_secrets:
        return resources
    return [replace(one, token=mask(one.token)) for one in resources]


def base_url() -> str:
    """Where this workspace is, without a trailing slash."""
    return request.url_root.rstrip("/")


def text(content: str) -> Response:
    """Plain text: what a client sent, or what a copy button copies."""
    return Response(content.encode("utf-8", "replace"), content_type="text/plain; charset=utf-8")
