"""The SDKs' clients, as the HTTP stack of each platform writes: header order, escapes, null members."""

from __future__ import annotations

import json
import socket
from http.client import HTTPResponse
from typing import Any, NamedTuple
from urllib.parse import quote
from uuid import uuid4

from tests.mobile import ROLE_TOKEN
from tests.server import PATIENCE_S, Server

#: What iOS leaves literal in a query (K2).
_LITERAL_ON_IOS = ":/@+?,;!$'()*~"


class Platform(NamedTuple):
    """How a platform writes. ``nulls``: whether it sends members that are null."""

    name: str
    provider: str
    sync: str
    nulls: bool
    text_values: bool = False

    @property
    def is_ios(self) -> bool:
        """Whether URLSession writes, and not OkHttp."""
        return self.provider.startswith("ios")


PLATFORMS = (
    Platform("Android 1.0.6", "android-firebase", "true", True),
    Platform("iOS 1.0.3", "ios-apns", "true", False),
    Platform("React Native on Android", "android-firebase", "1", True, text_values=True),
    Platform("React Native on iOS", "ios-apns", "1", False, text_values=True),
)


class SDK:
    """One app on one connection, which stays open. Calls answer the HTTP status and the JSON."""

    def __init__(self, server: Server, below: str, platform: Platform) -> None:
        self._connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
        self._below = below
        self.platform = platform
        self.authorization = f"rtoken@{ROLE_TOKEN}"
        self.mode = "push_sub"

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def log_in(self, jwt: str, mode: str = "email") -> None:
        """Call with a JWT from now on."""
        self.authorization, self.mode = jwt, mode

    def log_out(self) -> None:
        """Call with the role token from now on."""
        self.authorization, self.mode = f"rtoken@{ROLE_TOKEN}", "push_sub"

    def subscribe(self, token: str, status: str = "subscribed", **profile_fields: Any) -> tuple[int, Any]:
        """Subscribe, suspend or unsubscribe."""
        text = self.platform.text_values
        fields = {"_os": "IOS" if self.platform.is_ios else "Android", "_os_ver": "14", "_ad_track": True}
        body = {
            "time": 1782900000,
            "subscription_id": token,
            "subscription": {
                "subscription_id": token,
                "provider": self.platform.provider,
                "status": status,
                "fields": {**fields, "points": "12" if text else 12},
                "cats": [{"name": "developer_news", "title": None, "steady": None, "active": True}],
            },
            "profile_fields": {
                name: str(value).lower() if text and value is not None else value
                for name, value in profile_fields.items()
            }
            or None,
            "replace": False,
            "skip_triggers": False,
        }
        return self.post("/subscription/push/subscribe/", body, self._query(sync=self.platform.sync))

    def unsuspend(self, token: str) -> tuple[int, Any]:
        """What a log-in and a log-out begin with."""
        body = {
            "subscription": {"subscription_id": token, "provider": self.platform.provider},
            "replace": True,
        }
        return self.post("/subscription/push/unsuspend/", body, self._query(subscription_id=token))

    def status(self, token: str) -> tuple[int, Any]:
        """The status of exactly this token."""
        return self.call("GET", "/subscription/push/status/", b"", self._query(subscription_id=token))

    def post(self, path: str, body: Any, query: dict[str, str]) -> tuple[int, Any]:
        """Send a body as the platform writes JSON."""
        if not self.platform.nulls:
            body = _without_nulls(body)
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
        return self.call(
            "POST", path, (text.replace("/", "\\/") if self.platform.is_ios else text).encode(), query
        )

    def call(self, method: str, path: str, body: bytes, query: dict[str, str]) -> tuple[int, Any]:
        """Send one request as the platform's HTTP stack does."""
        safe = _LITERAL_ON_IOS if self.platform.is_ios else ""
        target = "&".join(f"{name}={quote(value, safe=safe)}" for name, value in query.items())
        lines = [
            f"{method} {self._below}{path}?{target} HTTP/1.1",
            *self._headers(len(body) if body else None),
        ]
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode() + body)
        answer = HTTPResponse(self._connection, method=method)
        answer.begin()
        return answer.status, json.loads(answer.read())

    def _query(self, **more: str) -> dict[str, str]:
        mode = self.mode
        if self.platform.is_ios and mode == "push_sub":
            mode = ROLE_TOKEN  # T3
        return {"provider": self.platform.provider, "matching_mode": mode, **more}

    def _headers(self, length: int | None) -> list[str]:
        call = [f"Authorization: Bearer {self.authorization}", f"Request-ID: {uuid4()}"]
        content = [] if length is None else [f"Content-Length: {length}"]
        if self.platform.is_ios:
            head = ["Host: localhost:8080", "Content-Type: application/json", "Connection: keep-alive"]
            agent = ["Accept: */*", "User-Agent: App/1 CFNetwork/1568.100.1 Darwin/24.0.0"]
            accepted = ["Accept-Language: ru-RU,ru;q=0.9", "Accept-Encoding: gzip, deflate"]
            return [*head, *agent, *call, *accepted, *content]
        tail = ["Host: 10.0.2.2:8080", "Connection: Keep-Alive", "Accept-Encoding: gzip"]
        return [*call, "Content-Type: application/json", *content, *tail, "User-Agent: okhttp/4.12.0"]


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_nulls(one) for name, one in value.items() if one is not None}
    return [_without_nulls(one) for one in value] if isinstance(value, list) else value
