"""What can be taken from a request: a command that repeats it, a fixture of its profiles, a fault's match."""

from __future__ import annotations

import json
import shlex
from typing import Any

import msgspec

from emulator.journal.entry import Entry
from emulator.store.fixture_set import ProfileEntry, SubscriptionEntry
from emulator.store.tinydb_store import TinyDBStore

#: Headers that a client makes itself.
_OWN = frozenset(
    [
        *("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "upgrade"),
        *("expect", "accept", "accept-encoding", "accept-language", "user-agent", "origin", "referer"),
        "cookie",
    ]
)
#: What a later request can have in common with a recorded one, in words; the closest first.
LIKENESSES = {
    "token": "with the same push token",
    "value": "with the same field value",
    "provider": "with the same provider",
    "resource": "to the same resource",
    "any": "any request",
}


def curl_of(entry: Entry, base_url: str) -> str:
    """The curl command that sends the same again; ``base_url``: without a workspace, which the path has."""
    url = base_url.rstrip("/") + entry.path + (f"?{entry.query}" if entry.query else "")
    usual = "POST" if entry.body else "GET"
    method = "" if entry.method == usual else f"-X {shlex.quote(entry.method)} "
    parts = [f"curl -i {method}{shlex.quote(url)}"]
    parts += [
        f"-H {shlex.quote(f'{name}: {value}')}"
        for name, value in entry.headers.items()
        if name not in _OWN and not name.startswith("sec-")
    ]
    if entry.body:
        parts.append(f"--data-binary {shlex.quote(entry.body)}")
    return " \\\n  ".join(parts)


def fixture_of(entry: Entry, store: TinyDBStore) -> str:
    """The profiles that the answer names, as a ``profiles.json``: as they are now; empty if none is there."""
    named = set()
    for item in entry.answered().get("data") or ():
        match item:
            case {"db_id": int(db_id), "profile_id": str(profile_id)}:
                named.add((db_id, profile_id))
    profiles = [profile for key in sorted(named) if (profile := store.find_profile(*key)) is not None]
    entries = [
        ProfileEntry(
            profile.db_id,
            profile.id,
            profile.fields,
            [
                SubscriptionEntry(one.resource_id, one.provider, one.subscription_id, one.status)
                for one in store.subscriptions_of(profile)
            ],
        )
        for profile in profiles
    ]
    return json.dumps(msgspec.to_builtins(entries), ensure_ascii=False, indent=2) if entries else ""


def likenesses(entry: Entry) -> dict[str, dict[str, Any]]:
    """Each of :data:`LIKENESSES` that this request offers, with the ``match`` of a fault that means it."""
    document = entry.document()
    sent = document.get("subscriptions")
    first = next((one for one in sent if isinstance(one, dict)), {}) if isinstance(sent, list) else {}
    value = document.get("field_value")
    found: dict[str, dict[str, Any]] = {
        "token": {"subscription_id": _text(first.get("subscription_id"))},
        "value": {"field_value": value if isinstance(value, (str, int, float)) else None},
        "provider": {"provider": _text(first.get("provider"))},
        "resource": {"resource_token": _text(document.get("resource_token")) if entry.resource else None},
    }
    offered = {name: match for name, match in found.items() if None not in match.values()}
    return {**offered, "any": {}}


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
