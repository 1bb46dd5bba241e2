"""The application in this process, with a resource for the SDKs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.in_process import InProcess
from tests.mobile import FIXTURES, ROLE, subscribe_body


class Phone:
    """Calls as an SDK makes them; answers are the status and the JSON."""

    def __init__(self, app: InProcess) -> None:
        self.app = app

    def call(
        self,
        path: str,
        body: Any = None,
        authorization: str | None = ROLE,
        method: str = "POST",
        **headers: str,
    ) -> tuple[int, Any]:
        """Any call; a body that is bytes is sent as it is."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if authorization is not None:
            sent["Authorization"] = authorization
        data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = self.app.client.open(path, method=method, data=data, headers=sent)
        return answer.status_code, answer.get_json()

    def subscribe(self, token: str = "t", authorization: str = ROLE, sync: str = "true", **more: Any) -> Any:
        """The profile that a subscribe, suspend or unsubscribe answers."""
        body = subscribe_body(token, **more)
        provider = body["subscription"]["provider"]
        path = f"/subscription/push/subscribe/?provider={provider}&sync={sync}"
        status, answer = self.call(path, body, authorization)
        assert (status, answer["error"], answer["error_text"]) == (200, 0, ""), answer
        return answer["profile"]

    def refused(self, token: str = "t", authorization: str = ROLE, **more: Any) -> tuple[int, str]:
        """The status and text of a subscribe that is refused."""
        path = "/subscription/push/subscribe/?sync=true"
        status, answer = self.call(path, subscribe_body(token, **more), authorization)
        assert (status, answer["profile"]) == (answer["error"], None)
        return status, answer["error_text"]

    def status(self, authorization: str = ROLE, **query: str) -> Any:
        """The profile that a status answers."""
        query_string = "&".join(f"{name}={value}" for name, value in query.items())
        status, answer = self.call(f"/subscription/push/status/?{query_string}", None, authorization, "GET")
        assert (status, answer["error"]) == (200, 0), answer
        return answer["profile"]

    def of(self, token: str, authorization: str = ROLE, provider: str = "android-firebase") -> str | None:
        """The status of a token."""
        found = self.status(authorization, provider=provider, subscription_id=token)
        return found and found["subscription"] and found["subscription"]["status"]

    def unsuspend(
        self, token: str = "t", authorization: str = ROLE, provider: str = "android-firebase"
    ) -> Any:
        """The profile that an unsuspend answers."""
        one = {"subscription_id": token, "provider": provider}
        path = f"/subscription/push/unsuspend/?provider={provider}&subscription_id={token}"
        status, answer = self.call(path, {"subscription": one, "replace": True}, authorization)
        assert (status, answer["error"]) == (200, 0), answer
        return answer["profile"]

    def last(self) -> Any:
        """The journal's last entry."""
        return self.app.client.get("/__admin/requests?limit=1").get_json()["items"][0]


@pytest.fixture
def phone() -> Iterator[Phone]:
    with InProcess(fixtures=FIXTURES) as app:
        yield Phone(app)
