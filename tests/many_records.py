"""A state in which one profile has many subscriptions and many profiles have one token; counts of reads."""

from __future__ import annotations

import json
from typing import Any

import pytest

from emulator.loop.pacing import Pacing
from tests.in_process import InProcess

ROLE, FIREBASE = "Bearer rtoken@role", "android-firebase"
#: Records of the profile ``owner``, and holders of each token.
FEW, MANY = 20, 2000


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


class Steps:
    """Counts the most subscriptions that are decoded inside between two questions whether a step is over."""

    def __init__(self, app: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
        self.decoded, self.longest, self._before = Decoded(app), 0, 0
        monkeypatch.setattr(Pacing, "long", property(lambda _: self._asked()))

    def __enter__(self) -> Steps:
        self.decoded.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._asked()
        self.decoded.__exit__(*error)

    def _asked(self) -> bool:
        self.longest = max(self.longest, self.decoded.count - self._before)
        self._before = self.decoded.count
        return False
