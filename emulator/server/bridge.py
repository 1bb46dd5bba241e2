"""The bridge between granian and the application: reads a request's body, gets its answer, sends the answer.

A request goes to the *exchange* (framework-free: bytes in, bytes out) if the exchange accepts its path, else
to the WSGI application. The bridge calls both synchronously and holds the lock of the loop: one request at a
time.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct

from emulator.endpoint.exchange import Exchange
from emulator.loop.shared_loop import SharedLoop
from emulator.messages import (
    BODY_PROBLEM_KEY,
    BRIDGE_KEY,
    SINCE_KEY,
    Answer,
    BodyProblem,
    Incoming,
    internal_error,
)
from emulator.server.access_log import AccessLog, Served
from emulator.server.delivery import Deliveries, is_large, send
from emulator.web.bodies import InTurn, Spool, answer_body, own
from emulator.web.wsgi_answer import call_application

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication
    from granian.rsgi import Scope


class Request(Struct):
    """One request from granian. ``length``: the bytes of its body, -1 if unknown (chunked)."""

    scope: Scope
    proto: Any
    length: int
    method: str
    path: str
    headers: dict[str, str]
    since: float
    pieces: Any = None
    delivery: asyncio.Task[None] | None = None


class WsgiCall:
    """Calls ``application`` for one request after the other.

    ``host`` and ``port`` are where the server listens (SERVER_NAME, SERVER_PORT).
    """

    def __init__(self, application: WSGIApplication, host: str, port: int) -> None:
        self._application = application
        self._base: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_SOFTWARE": "emulator",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            # The body has been read and counted: the application may read to its end.
            "wsgi.input_terminated": True,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            BRIDGE_KEY: True,
        }

    def __call__(self, request: Request, body: bytes | IO[bytes], problem: BodyProblem | None) -> Answer:
        """The application's answer, with the delivery from its environment."""
        environ = self._base.copy()
        environ["wsgi.input"] = io.BytesIO(body) if isinstance(body, bytes) else body
        environ[BODY_PROBLEM_KEY] = problem
        environ[SINCE_KEY] = request.since
        environ["REQUEST_METHOD"] = request.method
        environ["PATH_INFO"] = _as_wsgi(request.path)
        scope = request.scope
        environ["QUERY_STRING"] = _as_wsgi(scope.query_string)
        host, _, port = scope.client.rpartition(":")
        environ["REMOTE_ADDR"] = host.strip("[]")
        environ["REMOTE_PORT"] = port
        environ["wsgi.url_scheme"] = scope.scheme
        for name, value in request.headers.items():
            environ[_variable(name)] = value
        return call_application(self._application, environ)


@dataclass
class Bridge:
    """Answers granian's requests, one after the other.

    ``body_limit(path)`` returns the most bytes of a body for this path. Where the limit exceeds what is kept
    in memory, the application is asked before the body is read, and an accepted body goes to the ``spool``.
    ``in_turn``: has a request answered when its turn comes.
    """

    loop: SharedLoop
    exchange: Exchange
    application: WsgiCall
    body_limit: Callable[[str], int]
    deliveries: Deliveries
    log: AccessLog
    spool: Spool | None = None
    in_turn: InTurn | None = None

    async def serve(self, scope: Scope, proto: Any) -> None:
        """Answer one request: an RSGI application."""
        request = self.request(scope, proto, perf_counter())
        self.loop.act_as_running()
        await self.read(request)

    def request(self, scope: Scope, proto: Any, since: float) -> Request:
        """The request from granian, in any thread; ``since``: when (:func:`time.perf_counter`)."""
        fields = scope.headers
        pairs = fields.items()
        headers = dict(pairs)
        if len(headers) != len(fields):  # type: ignore[arg-type]  # it is sized all the same
            # Granian omits values that are not ASCII: an unreadable origin must be refused, not ignored.
            names = fields.keys()
            pairs += [(name, "?") for name in names if name not in headers]
        if len(headers) != len(pairs):
            headers = _joined(pairs)
        length = -1 if "transfer-encoding" in headers else int(fields.get("content-length") or 0)
        return Request(scope, proto, length, scope.method, scope.path, headers, since)

    def read(self, request: Request) -> asyncio.Task[None]:
        """Start to read a request's body and to answer it; the caller holds the lock."""
        return self.deliveries.begin(self._read(request))

    async def _read(self, request: Request) -> None:
        expects = "expect" in request.headers
        answer = await answer_body(
            partial(self._ask, request),
            partial(_read_piece, request),
            request.length,
            self.body_limit(request.path),
            expects=expects,
            drains=not expects,
            spool=self.spool,
        )
        self._send(request, answer)
        if request.delivery is not None:
            await request.delivery

    def answer(self, request: Request, body: bytes, problem: BodyProblem | None) -> None:
        """Answer a request whose body has been read; the caller holds the lock."""
        self._send(request, self._ask(request, body, problem))

    def _ask(self, request: Request, body: bytes | IO[bytes], problem: BodyProblem | None) -> Answer:
        try:
            query, headers = request.scope.query_string, request.headers
            path, client = request.path, request.scope.client
            incoming = Incoming(request.method, path, query, headers, b"", client, problem)
            if self.in_turn is None:
                return self._answer(request, incoming, body)
            if not isinstance(body, bytes):
                body = own(body)
            return self.in_turn(incoming, body, partial(self._answer, request, incoming, body))
        except BaseException as error:
            return internal_error(error)

    def _answer(self, request: Request, incoming: Incoming, body: bytes | IO[bytes]) -> Answer:
        try:
            if self.exchange.accepts(incoming):
                incoming.body = body if isinstance(body, bytes) else body.read()
                return self.exchange.handle(incoming)
            return self.application(request, body, incoming.problem)
        except BaseException as error:
            # SystemExit too: a view that asks the process to end does not get it.
            return internal_error(error)

    def _send(self, request: Request, answer: Answer) -> None:
        if answer.delivery is None and not is_large(answer):
            # A stored error would keep the request alive and with it a body that is not read to its end:
            # granian would wait for us to read it, and the client for us to take it.
            send(request.proto, request.method, answer)
            request.proto = request.pieces = None
            self._record(request, answer, "")
        else:
            request.delivery = self.deliveries.start(request, answer, partial(self._record, request))

    def _record(self, request: Request, answer: Answer, note: str) -> None:
        if not self.log.quiet:
            took_ms, client = (perf_counter() - request.since) * 1000, request.scope.client
            status, summary = answer.status, answer.summary
            self.log.record(Served(request.method, request.path, status, summary, took_ms, client, note))


async def _read_piece(request: Request) -> bytes:
    if request.pieces is None:
        request.pieces = aiter(request.proto)
    try:  # not anext() with a default: on granian's awaitables it takes the process down
        piece: bytes = await anext(request.pieces)
        if piece:
            return piece
        await anext(request.pieces)
    except StopAsyncIteration:
        return b""
    raise ConnectionError("the end of a body comes as one empty piece, a broken one as two")


def _joined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    """The headers by name, with the values of repeated headers joined."""
    headers: dict[str, str] = {}
    for name, value in pairs:
        parting = "; " if name == "cookie" else ", "
        headers[name] = f"{headers[name]}{parting}{value}" if name in headers else value
    return headers


@lru_cache(500)
def _variable(name: str) -> str:
    variable = name.upper().replace("-", "_")
    return variable if name in ("content-type", "content-length") else f"HTTP_{variable}"


def _as_wsgi(text: str) -> str:
    # WSGI expects the UTF-8 bytes, each as the character with its number (PEP 3333).
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
