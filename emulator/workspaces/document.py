"""A whole workspace as one JSON document, written piece by piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec

from emulator.rules.model import Profile, Subscription
from emulator.store.tables import PROFILES, SUBSCRIPTIONS, profile_key
from emulator.workspaces.answers import (
    armed_fault,
    clock_state,
    database_record,
    profile_record,
    resource_record,
    settings_state,
)
from emulator.workspaces.workspace import Workspace

FORMAT = 1
#: What a whole document ends with.
END = b"]}\n"
_AT_ONCE = 50
_encode = msgspec.json.Encoder().encode


class _Owner(msgspec.Struct):
    db_id: int
    profile_id: str


_owner = msgspec.json.Decoder(_Owner).decode


def snapshot_pieces(found: Workspace) -> Iterator[bytes]:
    """The document of the workspace as it is now, in pieces of about a millisecond's work; some are empty.

    Whatever is changed after this call does not show: documents are never changed in place, so copies of the
    tables of references are enough.
    """
    store = found.store
    profiles, subscriptions = store.storage.state.table(PROFILES), store.storage.state.table(SUBSCRIPTIONS)
    head = {
        "format": FORMAT,
        "databases": [database_record(one) for one in store.databases()],
        "resources": [resource_record(one, show_secrets=True) for one in store.resources()],
        "settings": settings_state(found.settings),
        "clock": clock_state(found.clock),
        "faults": [armed_fault(one) for one in found.faults],
        "profiles_made": store.profiles_made,
    }
    return _pieces(
        head,
        profiles.documents.copy(),
        subscriptions.documents.copy(),
        profiles.decode,
        subscriptions.decode,
    )


def _pieces(
    head: Mapping[str, Any],
    profiles: Mapping[int, bytes],
    subscriptions: Mapping[int, bytes],
    read_profile: Callable[[bytes], Profile],
    read_subscription: Callable[[bytes], Subscription],
) -> Iterator[bytes]:
    members = (_encode(name) + b":" + _encode(value) + b",\n" for name, value in head.items())
    yield b"{" + b"".join(members) + b'"profiles":['
    owned: dict[str, int | list[int]] = {}  # mostly one: a million lists would cost dearly
    for number, (doc_id, document) in enumerate(subscriptions.items(), 1):
        owner = _owner(document)
        key = profile_key(owner.db_id, owner.profile_id)
        before = owned.setdefault(key, doc_id)
        if isinstance(before, list):
            before.append(doc_id)
        elif before != doc_id:
            owned[key] = [before, doc_id]
        if not number % (10 * _AT_ONCE):
            yield b""
    separator = b"\n"
    lines: list[bytes] = []
    for doc_id in sorted(profiles):  # the oldest first: M9
        profile = read_profile(profiles[doc_id])
        ids = owned.get(profile_key(profile.db_id, profile.id), [])
        own = [read_subscription(subscriptions[i]) for i in ([ids] if isinstance(ids, int) else sorted(ids))]
        lines.append(_encode(profile_record(profile, own)))
        if len(lines) == _AT_ONCE:
            yield separator + b",\n".join(lines)
            separator, lines = b",\n", []
    yield (separator + b",\n".join(lines) if lines else b"") + b"\n" + END
