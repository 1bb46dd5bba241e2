"""The application in this process, in memory: for tests of what it answers, not how it is served."""

from __future__ import annotations

import secrets
from types import TracebackType
from typing import Any

from flask import Flask
from werkzeug.test import TestResponse

from emulator.app import attach, routes
from emulator.emulator import Emulator
from emulator.settings import Settings
from emulator.web.bodies import Spool
from tests.server import PAGE_TOKEN, new_database, subscription

#: The routes that serve no emulator at present: to make them takes most of the time of a new application.
_free_routes: list[Flask] = []


class InProcess:
    """A fresh application, without files; a context manager. ``settings`` are those of ``serve``."""

    def __init__(self, **settings: Any) -> None:
        given = Settings(durability="none", database=new_database(secrets.token_hex(8)), **settings)
        self.emulator = Emulator(given)
        self.app = _free_routes.pop() if _free_routes else routes()
        attach(self.app, self.emulator, Spool(given))
        self.client = self.app.test_client()

    def __enter__(self) -> InProcess:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.emulator.close()
        _free_routes.append(self.app)

    @property
    def store(self) -> Any:
        """The state of the default workspace."""
        return self.emulator.workspaces.default.store

    @property
    def counts(self) -> tuple[int, int]:
        """How many profiles and subscriptions there are."""
        health = self.client.get("/__admin/health").get_json()
        return health["profiles"], health["subscriptions"]

    def post(self, body: Any, path: str = "/push_subscribe", **headers: str) -> TestResponse:
        """POST bytes as they are, or a document as JSON; a header's name with ``_`` for ``-``."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if isinstance(body, bytes):
            return self.client.post(path, data=body, headers=sent)
        return self.client.post(path, json=body, headers=sent)

    def push(self, *tokens: str, resource_token: str = PAGE_TOKEN, **parameters: Any) -> Any:
        """The answer to a request; a plain token is a subscription to android-firebase."""
        entries = [subscription(token) for token in tokens]
        return self.post(
            {"resource_token": resource_token, "subscriptions": entries, **parameters}
        ).get_json()
