"""The delivery of answers that do not leave at once and whole.

All waiting takes place on the event loop, so nobody else waits and no thread is held. The module needs only
the RSGI specification of granian.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import TYPE_CHECKING, Any

import granian.rsgi as rsgi

from emulator.messages import Answer, Delivery, Effect, failure, internal_error
from emulator.server import connections
from emulator.server.connections import AT_ONCE, Reader

if TYPE_CHECKING:
    from emulator.server.bridge import Request

#: Seconds that a ``slow_body`` takes, and the most pieces of it.
SLOW_BODY_S = 3.0
_SLOW_PIECES = 30
#: Seconds for the first half of a ``truncated_body`` to leave: what is unsent when a body ends is lost.
_HALF_LEAVES_S = 0.1
#: Seconds for the server to notice that its connection was cut.
_CUT_NOTICED_S = 0.5

#: The header of an answer that asks the client to try again later.
_LATER = ("Retry-After", "1")
#: Bytes of all larger answers that may wait for their clients at the same time.
MOST_UNREAD = 128 * 1024 * 1024

# Re-exported names that the library's types do not declare as such.
_CLIENT_LEFT: tuple[type[RuntimeError], ...] = (
    rsgi.ProtocolClosed,  # type: ignore[attr-defined]
    rsgi.ProtocolError,  # type: ignore[attr-defined]
)

#: The result of a delivery: the answer that was sent, and a word on what happened to it.
Outcome = tuple[Answer, str]


def is_large(answer: Answer) -> bool:
    """Whether an answer is delivered in pieces, as its client reads them."""
    return len(answer.body) > AT_ONCE


def send(proto: Any, method: str, answer: Answer) -> None:
    """Sends a whole answer at once. Where HTTP allows no body (HEAD, 204, 304) none is sent."""
    if method == "HEAD":
        # A view that handles HEAD returns an empty body and the length of the whole one.
        has_length = any(name.lower() == "content-length" for name, _ in answer.headers)
        headers = answer.headers if has_length else _with_length(answer.headers, len(answer.body))
        proto.response_empty(answer.status, headers)
    elif answer.status in (204, 304):
        proto.response_empty(answer.status, answer.headers)
    else:
        proto.response_bytes(answer.status, answer.headers, answer.body)


class Deliveries:
    """The answers of one server that are on their way.

    ``server_port`` is the port that clients connect to.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, server_port: int) -> None:
        self._loop = loop
        self._server_port = server_port
        self._under_way: set[asyncio.Task[None]] = set()
        self._hurry = asyncio.Event()
        self._unread = 0

    def start(
        self, request: Request, answer: Answer, on_done: Callable[[Answer, str], None]
    ) -> asyncio.Task[None]:
        """Starts a delivery; ``on_done`` gets the answer that was sent and a note ("": no problem)."""
        return self.begin(self._deliver(request, answer, on_done))

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Start a task that :meth:`give_up` cancels."""
        task = self._loop.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def hurry(self) -> None:
        """End all delays, send slow bodies at once, end streams: the server stops."""
        self._hurry.set()

    def give_up(self) -> None:
        """Cancels the tasks that still run."""
        for task in self._under_way:
            task.cancel()

    async def _deliver(
        self, request: Request, answer: Answer, on_done: Callable[[Answer, str], None]
    ) -> None:
        try:
            with (answer.delivery or Delivery()).busy:
                sent, note = await self._bring(request, answer)
        except asyncio.CancelledError:
            sent, note = failure("the server is stopping", 503, headers=[_LATER]), "stopped"
            send(request.proto, request.method, sent)
        except _CLIENT_LEFT:
            sent, note = answer, "client left"
        except Exception as error:
            sent, note = internal_error(error), ""
            send(request.proto, request.method, sent)
        on_done(sent, note)

    async def _bring(self, request: Request, answer: Answer) -> Outcome:
        answer = await answer.settled()
        delivery, body = answer.delivery or Delivery(), answer.body
        if delivery.delay_s > 0:
            await self._pause(delivery.delay_s)
        effect, pieces, method = delivery.effect, delivery.stream, request.method
        if effect == "connection_reset" or effect == "empty_response":
            return await self._break(effect, request, answer)
        if effect == "truncated_body":
            pieces = self._first_half(body)
        elif effect == "slow_body":
            pieces = self._trickle(body)
        elif is_large(answer):
            pieces = _cut_up(body)
        if pieces is None or method == "HEAD":
            send(request.proto, method, answer)
            return answer, effect or ""
        promised = max(len(body), 1) if effect == "truncated_body" else len(body)
        headers = answer.headers if delivery.stream is not None else _with_length(answer.headers, promised)
        unread = len(body) if is_large(answer) else 0
        if unread and self._unread and self._unread + unread > MOST_UNREAD:
            text = f"answers of {self._unread} bytes wait for clients that read none: ask for less, or later"
            answer = failure(text, 503)
            send(request.proto, method, answer)
            return answer, ""
        self._unread += unread
        try:
            note = await self._stream(request, answer.status, headers, pieces)
            return answer, note or effect or ""
        finally:
            self._unread -= unread

    async def _break(self, effect: Effect, request: Request, answer: Answer) -> Outcome:
        proto, address = request.proto, connections.address_of(request.scope.client)
        gone = asyncio.create_task(_client_gone(proto))
        found = connections.cut(address, self._server_port, reset=effect == "connection_reset")
        # If the request were released earlier, the server would send an answer of its own.
        await asyncio.wait([gone], timeout=_CUT_NOTICED_S)
        left = gone.done()
        gone.cancel()
        if not found:
            if left:
                return answer, "client left"
            answer = failure(f"fault {effect}: the client's connection cannot be found on this system")
            send(proto, request.method, answer)
            return answer, ""
        if not left:  # the client sent more than its request, and the server does not read it
            connections.hold_back(address, self._server_port)
            # A folder can be opened but not read: the answer breaks off before its first byte.
            proto.response_file(200, [], os.sep)
        return answer, effect

    async def _first_half(self, body: bytes) -> AsyncGenerator[bytes]:
        if len(body) > 1:
            yield body[: len(body) // 2]
        await self._pause(_HALF_LEAVES_S)
        # The server closes a connection whose body ends short of its Content-Length.

    async def _trickle(self, body: bytes) -> AsyncGenerator[bytes]:
        size = max(1, -(-len(body) // _SLOW_PIECES))
        for start in range(0, len(body), size):
            await self._pause(SLOW_BODY_S * size / len(body))
            yield body[start : start + size]

    async def _stream(
        self, request: Request, status: int, headers: list[tuple[str, str]], pieces: AsyncGenerator[bytes]
    ) -> str:
        """Sends pieces until the stream ends, the client leaves or the server stops; returns which."""
        reader = Reader(connections.address_of(request.scope.client), self._server_port)
        transport = request.proto.response_stream(status, headers)
        gone = asyncio.create_task(_client_gone(request.proto))
        stopping = asyncio.create_task(self._hurry.wait())
        # A live page has no end; a half of anything else would be useless.
        is_endless = any(value.startswith("text/event-stream") for _, value in headers)
        ends: list[asyncio.Task[Any]] = [gone, stopping] if is_endless else [gone]
        next_piece: asyncio.Task[bytes | None] | None = None
        try:
            while True:
                next_piece = asyncio.create_task(_next(pieces))
                await asyncio.wait([next_piece, *ends], return_when=asyncio.FIRST_COMPLETED)
                if gone.done():
                    return "client left"
                if not next_piece.done():
                    return "stopped"
                piece = next_piece.result()
                if piece is None:
                    return ""
                await transport.send_bytes(piece)
                if not await reader.has_taken(len(piece), ends):
                    return "client does not read"
        except _CLIENT_LEFT:
            return "client left"
        except Exception as error:
            internal_error(error)
            reader.leave()  # else half an answer would end like a whole one
            return "broken off"
        finally:
            reader.close()
            del transport  # an error's traceback would hold it and keep the body open
            gone.cancel()
            stopping.cancel()
            if next_piece is not None:
                next_piece.cancel()
                await asyncio.wait([next_piece])
            await pieces.aclose()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._hurry.wait(), seconds)
        except asyncio.TimeoutError:  # not the built-in one before Python 3.11
            return


async def _client_gone(proto: Any) -> None:
    await proto.client_disconnect()


async def _cut_up(body: bytes) -> AsyncGenerator[bytes]:
    for start in range(0, len(body), AT_ONCE):
        yield body[start : start + AT_ONCE]


async def _next(pieces: AsyncGenerator[bytes]) -> bytes | None:
    return await anext(pieces, None)


def _with_length(headers: list[tuple[str, str]], length: int) -> list[tuple[str, str]]:
    others = [(name, value) for name, value in headers if name.lower() != "content-length"]
    return [*others, ("content-length", str(length))]
