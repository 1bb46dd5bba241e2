"""What an app's backend does with a push token: registers it, and tries again when it has to."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import httpx

ATTEMPTS = 3


class RegistrationFailed(Exception):
    """The token is not registered; the text says why."""


class PushRegistration:
    """Registers push tokens of one app.

    ``url``: where the platform is; ``pause`` waits so many seconds before another attempt.
    """

    def __init__(
        self,
        url: str,
        resource_token: str,
        timeout_s: float = 2.0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout_s)
        self._resource_token = resource_token
        self._pause = pause

    def register(self, token: str, provider: str, customer: int | None = None) -> str:
        """Register a token; the id of its profile. Raises :class:`RegistrationFailed`."""
        return self._send(token, provider, customer, unsubscribe=False)

    def unregister(self, token: str, provider: str) -> str:
        """Unsubscribe a token. Raises :class:`RegistrationFailed`."""
        return self._send(token, provider, None, unsubscribe=True)

    def _send(self, token: str, provider: str, customer: int | None, unsubscribe: bool) -> str:
        entry = {"provider": provider, "subscription_id": token, "unsubscribe": unsubscribe}
        body: dict[str, Any] = {"resource_token": self._resource_token, "subscriptions": [entry]}
        if customer is not None:
            body |= {"matching": "custom", "field_name": "CustomNumber1", "field_value": customer}
        headers = {"Request-ID": str(uuid.uuid4())}  # the same for each attempt
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._http.post("/push_subscribe", json=body, headers=headers)
                if answer.status_code != 429 and answer.status_code < 500:
                    return _profile_id(answer.json())
                problem = f"HTTP {answer.status_code}"
            except (httpx.TransportError, ValueError) as error:  # ValueError: not JSON
                problem = type(error).__name__
            if attempt < ATTEMPTS:
                self._pause(0.5 * 2**attempt)
        raise RegistrationFailed(f"no answer after {ATTEMPTS} attempts: {problem}")


def _profile_id(answer: dict[str, Any]) -> str:
    """The profile's id, also where nothing had to be changed. Raises :class:`RegistrationFailed`."""
    if answer["error"] not in (0, 200):
        raise RegistrationFailed(answer["error_text"])
    for item in answer["data"]:
        if item["status"] == "error":
            raise RegistrationFailed(item["description"])
    profile_id: str = answer["data"][0]["profile_id"]
    return profile_id
