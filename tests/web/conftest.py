"""A server for the tests that change nothing, and what they all look at."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.server import PAGE_TOKEN, Reply, Server, subscription

ANNA = "59db33d269d426509e9c4bf9"
#: The token that every bad request tries to bring in.
BAD = "bad-token"
#: What would be a good request but for what each test does to it.
GOOD = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(BAD)]}
GOOD_BODY = json.dumps(GOOD).encode()


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server with the default fixtures for all tests that change nothing."""
    server = Server(tmp_path_factory.mktemp("shared")).start()
    yield server
    server.kill()


@pytest.fixture
def untouched(shared_server: Server) -> Iterator[Server]:
    """The server; after the test it must be as before."""
    before = counts(shared_server)
    yield shared_server
    answer = shared_server.push(id=ANNA, subscriptions=[subscription(BAD, unsubscribe=True)])
    assert (answer["error"], "subscription_id" in answer["data"][0]) == (200, False)
    assert counts(shared_server) == before


def counts(server: Server) -> tuple[int, int]:
    """How many profiles and subscriptions there are."""
    health = server.get("/__admin/health").json
    return health["profiles"], health["subscriptions"]


def assert_error(reply: Reply, code: int, text: str | None = None) -> None:
    """The documented envelope of a request-level error (A3), with this text."""
    assert (reply.status, reply.headers["content-type"]) == (code, "application/json")
    assert list(reply.json) == ["data", "error", "error_text"]
    assert (reply.json["data"], reply.json["error"]) == ([], code)
    said = reply.json["error_text"]
    assert said
    assert not any(word in said for word in ("Traceback", "<", "File "))
    if text is not None:
        assert said == text
