"""A whole workspace as one JSON document, written piece by piece."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from emulator.rules.model import Profile, Subscription
from emulator.web.admin import clock, faults, settings
from emulator.web.admin.shapes import shown_database, shown_profile, shown_resource
from emulator.workspaces.workspace import Workspace

FORMAT = 1
#: What a whole document ends with.
END = b"]}\n"
_AT_ONCE = 50
_encode = msgspec.json.Encoder().encode


def snapshot_pieces(found: Workspace) -> Iterator[bytes]:
    """The document of the workspace as it is now, in pieces of about a millisecond's work; some are empty.

    Whatever is changed after this call does not show.
    """
    store = found.store
    head = {
        "format": FORMAT,
        "databases": [shown_database(one) for one in store.databases()],
        "resources": [shown_resource(one, show_secrets=True) for one in store.resources()],
        "settings": settings.shown(found.settings),
        "clock": clock.shown(found.clock),
        "faults": [faults.shown(fault) for fault in found.faults],
        "profiles_made": store.profiles_made,
    }
    return _pieces(head, store.whole())


def _pieces(
    head: Mapping[str, Any], whole: Iterator[tuple[Profile, list[Subscription]] | None]
) -> Iterator[bytes]:
    members = (_encode(name) + b":" + _encode(value) + b",\n" for name, value in head.items())
    yield b"{" + b"".join(members) + b'"profiles":['
    separator = b"\n"
    lines: list[bytes] = []
    for one in whole:
        if one is None:
            yield b""
            continue
        lines.append(_encode(shown_profile(*one)))
        if len(lines) == _AT_ONCE:
            yield separator + b",\n".join(lines)
            separator, lines = b",\n", []
    yield (separator + b",\n".join(lines) if lines else b"") + b"\n" + END
