"""What one can take away from a request: a command that repeats it, a fixture of what it left behind."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from typing import Any

from emulator.journal.entry import Entry
from emulator.rules.model import Profile, Subscription
from emulator.store.tinydb_store import TinyDBStore

#: Headers that a client makes itself.
_OWN = frozenset(
    [
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "keep-alive",
        "te",
        "upgrade",
        "expect",
        "accept",
        "accept-encoding",
        "accept-language",
        "user-agent",
        "origin",
        "referer",
        "cookie",
    ]
)


def curl_of(entry: Entry, base_url: str) -> str:
    """The curl command that sends the same again; ``base_url`` without a trailing slash."""
    url = base_url + entry.path + (f"?{entry.query}" if entry.query else "")
    parts = [f"curl -i {_method(entry)}{shlex.quote(url)}"]
    parts += [
        f"-H {shlex.quote(f'{name}: {value}')}"
        for name, value in entry.headers.items()
        if name not in _OWN and not name.startswith("sec-")
    ]
    if entry.body:
        parts.append(f"--data-binary {shlex.quote(entry.body)}")
    return " \\\n  ".join(parts)


def _method(entry: Entry) -> str:
    usual = "POST" if entry.body else "GET"
    return "" if entry.method == usual else f"-X {shlex.quote(entry.method)} "


def fixture_of(entry: Entry, store: TinyDBStore) -> list[dict[str, Any]]:
    """The request's profiles as entries of profiles.json: as they are now, without those that are gone."""
    entries = []
    for db_id, profile_id in _named_profiles(entry):
        profile = store.find_profile(db_id, profile_id)
        if profile is not None:
            entries.append(fixture_entry(profile, store.subscriptions_of(profile)))
    return entries


def _named_profiles(entry: Entry) -> list[tuple[int, str]]:
    """The databases and ids of the profiles that the answer names."""
    named = set()
    for item in entry.answered().get("data") or ():
        match item:
            case {"db_id": int(db_id), "profile_id": str(profile_id)}:
                named.add((db_id, profile_id))
    return sorted(named)


def fixture_entry(profile: Profile, subscriptions: Iterable[Subscription]) -> dict[str, Any]:
    """A profile as an entry of profiles.json."""
    return {
        "id": profile.id,
        "db_id": profile.db_id,
        "fields": profile.fields,
        "subscriptions": [
            {
                "resource_id": one.resource_id,
                "provider": one.provider,
                "subscription_id": one.subscription_id,
                "status": one.status,
            }
            for one in subscriptions
        ],
    }
