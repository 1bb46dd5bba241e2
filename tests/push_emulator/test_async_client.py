"""The client for asyncio: the same calls with the same answers, without blocking the loop."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from push_emulator import (
    AsyncEmulatorClient,
    EmulatorClient,
    EmulatorError,
    LocalServer,
    VerificationFailed,
    subscription,
)
from tests.server import PAGE_TOKEN


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with LocalServer() as server:
        yield server.url


def run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(work, 60))


def test_every_kind_of_call_is_awaited(url: str, tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text("token\nt5\n")
    plan: dict[str, Any] = {"resource": 5, "provider": "ios-apns", "match": "push", "token_column": "token"}

    async def work() -> None:
        async with AsyncEmulatorClient(url, "calls") as client:
            assert (await client.push(PAGE_TOKEN, [subscription("t1")])).ok
            assert (await client.health()).workspace == "calls"
            armed = await client.faults.arm(status=503, times=1)
            assert await client.faults.all() == [armed]
            assert (await client.push(PAGE_TOKEN, [subscription("t2")])).status == 503
            assert await client.faults.clear() == 1
            assert await client.requests.count({"subscription_id": "t1"}) == 1
            assert len([one async for one in client.requests.all(limit=1)]) == 2
            assert (await client.clock.freeze("2026-01-01T00:00Z")).frozen
            for content in (file, b"token\nt6\n"):
                started = await client.imports.start(content, **plan)
                assert (await client.imports.wait(started.id)).state == "finished"
            assert "emulator_requests_total" in await client.metrics()
            assert client.url == f"{url}/w/calls"
            other = client.in_workspace("other")
            assert (other.workspace, await other.requests.clear()) == ("other", 0)
            await client.reset()
            assert await client.workspaces.delete_all(["calls", "none"]) == ["calls"]

    run(work())


def test_the_loop_runs_while_many_verifications_wait(url: str) -> None:
    """More at once than a pool of threads has."""
    tokens = [f"t{number}" for number in range(80)]

    async def work() -> None:
        async with AsyncEmulatorClient(url, "waits") as client:
            waits = [
                asyncio.ensure_future(client.requests.verify({"subscription_id": one}, within=30))
                for one in tokens
            ]
            await asyncio.sleep(0)
            for one in tokens:
                await client.push(PAGE_TOKEN, [subscription(one)])
            assert await asyncio.gather(*waits) == [1] * len(tokens)

    run(work())


def test_errors_are_those_of_the_client(url: str) -> None:
    async def work() -> None:
        async with AsyncEmulatorClient(url, "errors") as client:
            with pytest.raises(EmulatorError, match=r"400: then\.status: must be 400 to 599"):
                await client.faults.arm(status=200)
            with pytest.raises(VerificationFailed, match="expected at least 1 request with status=200"):
                await client.requests.verify({"status": 200})
            await client.faults.arm("connection_reset")
            with pytest.raises(httpx.TransportError):
                await client.push(PAGE_TOKEN, [subscription("t1")])
            with pytest.raises(EmulatorError, match="import i9 not found"):
                await client.imports.get("i9")
        async with AsyncEmulatorClient("http://127.0.0.1:9") as nobody:
            with pytest.raises(EmulatorError, match=r"GET http://127\.0\.0\.1:9/"):
                await nobody.health()

    run(work())


def test_both_clients_see_the_same_workspace(url: str) -> None:
    async def work() -> None:
        async with AsyncEmulatorClient(url, "same") as client:
            await client.push(PAGE_TOKEN, [subscription("t1")])

    run(work())
    with EmulatorClient(url, "same") as client:
        assert [one.subscriptions[0]["subscription_id"] for one in client.requests.all()] == ["t1"]
