"""The client for asyncio: the calls of :class:`EmulatorClient`, sent without blocking the event loop."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import httpx

from push_emulator.answers import Page, PushAnswer
from push_emulator.calls import (
    LOOK_EVERY_S,
    NO_ANSWER,
    TIMEOUT_S,
    Calls,
    opened,
    push_answer,
    read,
    successful,
    unanswered,
)
from push_emulator.emulator_client import EmulatorClient
from push_emulator.errors import EmulatorError

__tracebackhide__ = True
T = TypeVar("T")


class AsyncEmulatorClient:
    """:class:`EmulatorClient` for asyncio: the same methods with the same parameters, each awaited.

    ``all`` of a list is for ``async for``. Close it with ``await client.aclose()``, or use it in an
    ``async with``. The parameters are those of :class:`EmulatorClient`.
    """

    def __init__(
        self,
        url: str,
        workspace: str | None = None,
        admin_token: str | None = None,
        timeout_s: float = TIMEOUT_S,
        verify: bool | ssl.SSLContext = True,
    ) -> None:
        self._use(_AsyncCalls(url, workspace, admin_token, timeout_s, verify))

    def _use(self, calls: _AsyncCalls) -> None:
        self._calls = calls
        # Its methods return what the calls return: here that is to be awaited.
        self._client = EmulatorClient.over(calls)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)

    def in_workspace(self, name: str) -> AsyncEmulatorClient:
        """A client for another workspace of the server; it works as long as this one is not closed."""
        client = AsyncEmulatorClient.__new__(AsyncEmulatorClient)
        client._use(self._calls.to(name))
        return client

    async def aclose(self) -> None:
        """Close the connections."""
        if self._calls.owned:
            await self._calls.http.aclose()

    async def __aenter__(self) -> AsyncEmulatorClient:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.aclose()


def beside(client: EmulatorClient) -> AsyncEmulatorClient:
    """A client for asyncio to the workspace of another client."""
    calls = client._calls
    return AsyncEmulatorClient(
        calls.server_url, calls.workspace, calls.admin_token, calls.timeout_s, calls.verify
    )


class _AsyncTransport(httpx.AsyncHTTPTransport):
    """httpx's own, whatever a test replaces in it later."""

    handle_async_request = httpx.AsyncHTTPTransport.handle_async_request


class _AsyncCalls(Calls):
    """The calls of :class:`Calls`, each of which is awaited."""

    http: httpx.AsyncClient  # type: ignore[assignment]

    def _connect(self, secure: bool) -> httpx.AsyncClient:
        transport = _AsyncTransport(trust_env=secure, verify=self.verify if secure else False)
        return httpx.AsyncClient(timeout=self.timeout_s, trust_env=False, transport=transport)

    async def upload(  # type: ignore[override]
        self, kind: type[T], path: str, file: Path | bytes, name: str, data: Mapping[str, str]
    ) -> T:
        with opened(file) as content:
            form = {"files": {"file": (name, content)}, "data": data}
            return await self._admin(lambda answer: read(answer, kind), "POST", path, **form)

    async def repeat(  # type: ignore[override]
        self, kind: type[T], path: str, done: Callable[[T], bool], timeout_s: float, otherwise: str
    ) -> T:
        for _ in range(int(timeout_s / LOOK_EVERY_S) + 1):
            answer = await self._admin(lambda answer: read(answer, kind), "GET", path)
            if done(answer):
                return answer
            await asyncio.sleep(LOOK_EVERY_S)
        raise EmulatorError(0, 0, otherwise)

    async def all(  # type: ignore[override]
        self, kind: type[Page[T]], path: str, params: Mapping[str, Any]
    ) -> AsyncIterator[T]:
        cursor: Any = None
        while True:
            asked = {**params, "cursor": cursor}
            page = await self._admin(lambda answer: read(answer, kind), "GET", path, params=asked)
            for item in page.items:
                yield item
            cursor = page.next
            if cursor is None:
                return

    async def push(self, document: Any, headers: Mapping[str, str]) -> PushAnswer:  # type: ignore[override]
        url = f"{self.url}/push_subscribe"
        try:
            return push_answer(await self.http.post(url, json=document, headers=headers))
        except httpx.TransportError as error:
            raise error.with_traceback(None) from None

    async def _admin(  # type: ignore[override]
        self, then: Callable[[httpx.Response], T], *call: Any, **options: Any
    ) -> T:
        asked = self._request(*call, **options)
        try:
            answer = await self.http.request(**asked)
        except NO_ANSWER as error:
            raise unanswered(asked, error) from None
        return then(successful(answer))
