"""Hiding secrets in what is shown: resource tokens and credentials."""

from __future__ import annotations

import re

from msgspec.structs import replace

from emulator.requests.entry import Entry

_SECRET_HEADERS = ("authorization", "cookie", "proxy-authorization", "x-api-key")
_IN_JSON = re.compile(r'("resource_token"\s*:\s*")((?:[^"\\]|\\.)*)')
_IN_QUERY = re.compile(r"((?:^|&)(?:resource_)?token=)([^&]*)")


def mask(secret: str) -> str:
    """``3LXP…7f14``: enough to tell it by, not to use it. Short ones keep their first letter only."""
    return f"{secret[:4]}…{secret[-4:]}" if len(secret) >= 16 else f"{secret[:1]}…"


def masked(entry: Entry) -> Entry:
    """The entry with its secrets hidden: in the body, in the query and in headers."""
    headers = {
        name: mask(value) if name in _SECRET_HEADERS else value for name, value in entry.headers.items()
    }
    return replace(
        entry,
        headers=headers,
        body=_IN_JSON.sub(_hide, entry.body),
        query=_IN_QUERY.sub(_hide, entry.query),
    )


def _hide(found: re.Match[str]) -> str:
    return found[1] + mask(found[2])
