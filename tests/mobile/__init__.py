"""The mobile SDKs' calls: a client that writes as they do, and the fixtures that their vectors need."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jwt

FIXTURES = Path(__file__).parent / "fixtures"
VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent / "seed" / "mobile_sdk_vectors.json").read_text(encoding="utf-8")
)["vectors"]
ROLE_TOKEN = "rt-demo-0001"
SECRET = "a secret of which nobody asks here"


def claim(mode: str = "email", **values: Any) -> dict[str, Any]:
    """The claim of a JWT for database 1."""
    return {"db_id": 1, "matching": mode, **(values or {"email": "ivan@example.com"})}


def bearer(matching: Any = None, key: str = SECRET, algorithm: str = "HS256", **payload: Any) -> str:
    """The Authorization of a JWT; the claim as text, as iOS writes it, unless it is text already."""
    text = matching if isinstance(matching, str) else json.dumps(matching or claim())
    return "Bearer " + jwt.encode({"matching": text, **payload}, key, algorithm)


ROLE = f"Bearer rtoken@{ROLE_TOKEN}"


def subscribe_body(
    token: str, provider: str = "android-firebase", status: str = "subscribed", **more: Any
) -> Any:
    """The body of a subscribe, suspend or unsubscribe; ``fields`` and ``cats`` are the subscription's."""
    one = {"subscription_id": token, "provider": provider, "status": status}
    one |= {name: more.pop(name) for name in ("fields", "cats") if name in more}
    document = {"time": 1782900000, "subscription_id": token, "subscription": one}
    return document | {"replace": False, "skip_triggers": False} | more
