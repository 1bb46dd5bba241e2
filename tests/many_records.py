"""A state in which one profile has many subscriptions and many profiles have one token; counts of reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.loop.pacing import Pacing, Share
from tests.in_process import InProcess

ROLE, FIREBASE = "Bearer rtoken@role", "android-firebase"
#: Records of the profile ``owner``, and holders of each token.
FEW, MANY = 20, 600


def app_with(count: int, *others: dict[str, Any]) -> InProcess:
    """A database with one profile that has ``count`` subscriptions, and as many that have the same tokens.

    ``off`` is unsubscribed on all of these, ``on`` subscribed, ``away`` suspended.
    """
    own = [entry(f"own-{number}") for number in range(count)]
    profiles = [{"db_id": 17, "id": "owner", "subscriptions": own}]
    shared = [entry("off", "unsubscribed"), entry("on"), entry("away", "suspended")]
    profiles += [{"db_id": 17, "id": f"p{number}", "subscriptions": shared} for number in range(count)]
    document = {
        "format": 1,
        "databases": [{"id": 17, "name": "Main"}],
        "resources": [
            {
                "id": 5,
                "name": "App",
                "token": "app",
                "db_ids": [17],
                "role_tokens": [{"token": "role", "name": "role", "db_id": 17}],
            }
        ],
        "profiles": [*profiles, *others],
    }
    app = InProcess()
    answer = app.client.put("/__admin/snapshot", data=json.dumps(document))
    assert answer.status_code == 200, answer.get_json()
    return app


def entry(token: str, status: str = "subscribed") -> dict[str, Any]:
    return {"resource_id": 5, "provider": FIREBASE, "subscription_id": token, "status": status}


class Decoded:
    """Counts the subscriptions that are decoded inside."""

    def __init__(self, app: InProcess) -> None:
        table = app.store.subscriptions
        self._decoders = ((table.state, "decode"), (table, "_decode"))
        self._decode = table.state.decode
        self.count = 0

    def __enter__(self) -> Decoded:
        for owner, name in self._decoders:
            setattr(owner, name, self._counted)
        return self

    def __exit__(self, *error: object) -> None:
        for owner, name in self._decoders:
            setattr(owner, name, self._decode)

    def _counted(self, document: bytes) -> Any:
        self.count += 1
        return self._decode(document)


class Calls:
    """Counts the calls of a function of a module or class inside."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, owner: Any, name: str) -> None:
        self.count, call = 0, getattr(owner, name)

        def counted(*given: Any, **named: Any) -> Any:
            self.count += 1
            return call(*given, **named)

        monkeypatch.setattr(owner, name, counted)


class Steps:
    """The most that a counter counts inside between two questions whether a step is over.

    In a thread they are the moments at which it may rest.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *counters: Decoded | Calls) -> None:
        self.counters, self.longest = counters, 0
        self._before = [one.count for one in counters]
        monkeypatch.setattr(Pacing, "long", property(lambda _: self.asked()))
        monkeypatch.setattr(Share, "sliced", lambda _, pieces: (one for one in pieces if not self.asked()))

    def asked(self) -> bool:
        """End a step."""
        now = [one.count for one in self.counters]
        self.longest = max(
            self.longest, *(is_now - was for is_now, was in zip(now, self._before, strict=True))
        )
        self._before = now
        return False
