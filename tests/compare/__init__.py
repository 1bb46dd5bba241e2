"""Recorded traffic, made up for tests."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from emulator.compare.recorded import RecordedCall, read_record
from tests.server import subscription

TOKEN = "0123456789abcdef-secret-token"
HOST = "platform.example"


def body(*tokens: str, **parameters: Any) -> dict[str, Any]:
    """A request's body; a plain token is a subscription to android-firebase."""
    return {"resource_token": TOKEN, "subscriptions": [subscription(one) for one in tokens], **parameters}


def added(token: str, profile_id: str, db_id: int = 17, **more: Any) -> dict[str, Any]:
    """The item of a subscription that was added."""
    return {
        "subscription_id": token,
        "unsubscribe": False,
        "profile_id": profile_id,
        "provider": "android-firebase",
        "db_id": db_id,
        "resource_id": 5,
        "subscription_hash_id": f"hash-{db_id}-{token}",
        "status": "ok",
        "description": "",
        **more,
    }


def bare(profile_id: str, db_id: int = 17) -> dict[str, Any]:
    """The item of a database in which nothing changed."""
    return {"db_id": db_id, "description": "", "profile_id": profile_id, "resource_id": 5, "status": "ok"}


def refused_item(token: str, profile_id: str, description: str, **more: Any) -> dict[str, Any]:
    """The item of a subscription that was refused."""
    item = added(token, profile_id, status="error", description=description, **more)
    del item["subscription_hash_id"]
    return item


def answer(*items: dict[str, Any], error: int = 0, text: str = "Successful operation") -> dict[str, Any]:
    """An envelope."""
    return {"data": list(items), "error": error, "error_text": text}


def pair(request: Any, answered: Any, status: int = 200, **more: Any) -> dict[str, Any]:
    """A line of JSON lines."""
    return {"request": request, "status": status, "answer": answered, **more}


def calls(*pairs: dict[str, Any]) -> list[RecordedCall]:
    """The calls of such lines."""
    return [read_record(one, f"line {at}") for at, one in enumerate(pairs, 1)]


def write_lines(path: Path, pairs: Iterable[dict[str, Any]]) -> Path:
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(one) + "\n" for one in pairs), encoding="utf-8")
    return path


def har_entry(
    request: Any, answered: Any, status: int = 200, at: str = "2026-01-31T12:00:00.000Z", **options: Any
) -> dict[str, Any]:
    """An entry of a HAR. ``options``: ``method``, ``url``, ``posted``, ``content``."""
    text = answered if isinstance(answered, str) else json.dumps(answered)
    posted = {"mimeType": "application/json", "text": json.dumps(request)}
    return {
        "startedDateTime": at,
        "request": {
            "method": options.get("method", "POST"),
            "url": options.get("url", f"https://{HOST}/push_subscribe"),
            "headers": [{"name": "Authorization", "value": "Bearer do-not-show-me-please"}],
            "postData": options.get("posted", posted),
        },
        "response": {
            "status": status,
            "headers": [],
            "content": options.get("content", {"mimeType": "application/json", "text": text}),
        },
    }


def har(*entries: dict[str, Any]) -> str:
    """The text of a HAR."""
    return json.dumps({"log": {"version": "1.2", "entries": list(entries)}})
