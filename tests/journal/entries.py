"""Journal entries as the exchange would write them."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from emulator.journal.entry import Entry, Reading
from emulator.journal.journal import RequestJournal
from emulator.rules.model import Decided, Lint

TOKEN = "3LXP2FRcRxJ-7b14db88ec937f14"


def entry(*tokens: str, **values: Any) -> Entry:
    """A request that added subscriptions with these tokens; ``values`` are what differs."""
    subscriptions = [{"provider": "android-firebase", "subscription_id": token} for token in tokens]
    items = [
        {"subscription_id": token, "provider": "android-firebase", "db_id": 17, "status": "ok"}
        for token in tokens
    ]
    usual: dict[str, Any] = {
        "id": 0,
        "at_ms": 1769860800000,
        "method": "POST",
        "path": "/push_subscribe",
        "query": "",
        "client": "127.0.0.1:50000",
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"resource_token": TOKEN, "subscriptions": subscriptions}),
        "status": 200,
        "error": 0,
        "error_text": "Successful operation",
        "answer": json.dumps({"data": items, "error": 0, "error_text": "Successful operation"}),
        "duration_ms": 0.1,
        "decided": [
            Decided("M1", 17, "by_push"),
            Decided("S1", 17, "added"),
            Decided("A1", None, "error", (0,)),
        ],
        "lints": [Lint("L3", "subscriptions[0].subscription_id", "said", ("should contain a colon",))],
        "outcomes": ["added"],
        "resource_id": 5,
        "resource": "App",
    }
    fields = usual | values
    texts = {f"{name}_bytes": fields.pop(name).encode() for name in ("body", "answer")}
    return Entry(**(texts | fields))


def reading(one: Entry) -> Reading:
    """An entry as a search of the journal looks at it."""
    return Reading(one.id, bytearray(msgspec.msgpack.encode(one)))


def listed(journal: RequestJournal) -> list[Entry]:
    """What the journal keeps, newest first."""
    return [one.entry for one in journal.readings()]
