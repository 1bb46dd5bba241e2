"""In what a request to come can be like one that came: for a fault that is to meet the next such one."""

from __future__ import annotations

from typing import Any

from emulator.journal.entry import Entry

#: What requests can have in common, in words; the closest first.
WORDS = {
    "token": "with the same push token",
    "value": "with the same field value",
    "provider": "of the same provider",
    "resource": "to the same resource",
    "any": "whatever it is",
}


def likenesses(entry: Entry) -> dict[str, dict[str, Any]]:
    """Every likeness that this request offers, with a fault's ``match`` that means it."""
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
