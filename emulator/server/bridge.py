"""From granian to the application and back: reads a request's body, has it answered, sends the answer.

A request goes to the *exchange* (framework-free: bytes in, bytes out) if that accepts its path, else
to the WSGI application. Both are called right here, synchronously, with the loop's turn held: one
request at a time.
"""

from __future__ import annotations

import asyncio
import io
import sys
import traceback
from collections.abc import Callable, Container
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from time import perf_counter
from typing import IO, TYPE_CHECKING, Any, Protocol

from msgspec import Struct

from emulator.loop.shared_loop import SharedLoop
from emulator.messages import Answer, BodyProblem, Incoming, internal_error
from emulator.server.access_log import AccessLog, Served
from emulator.server.delivery import Deliveries, is_large, on_loop, send
from emulator.server.wsgi import WsgiCall
from emulator.web.spool import DRAINED, IN_MEMORY, Spool

if TYPE_CHECKING:
    from granian.rsgi import Scope


class Exchange(Protocol):
    """Answers requests without a framework."""

    def accepts(self, incoming: Incoming) -> bool:
        """Whether the request, its body not read yet, is answered here rather than by the application."""

    def handle(self, incoming: Incoming) -> Answer:
        """The answer; called with the loop's turn held, must not block."""


class _Request(Struct):
    scope: Scope
    proto: Any
    method: str
    path: str
    headers: list[tuple[str, str]]
    by_name: dict[str, str]
    since: float


class Bridge:
    """Answers granian's requests, one after the other; :meth:`take` is what granian calls.

    ``body_limit(path)`` gives the bytes that a body sent there may have. Where that is more than is kept in
    memory, the application is asked before the body is read, and what it wants goes to the ``spool``.
    """

    def __init__(
        self,
        loop: SharedLoop,
        exchange: Exchange,
        application: WsgiCall,
        body_limit: Callable[[str], int],
        deliveries: Deliveries,
        access_log: AccessLog,
        spool: Spool | None = None,
    ) -> None:
        self._spool = spool
        self._loop = loop
        self._turn = loop.turn
        self._exchange = exchange
        self._application = application
        self._body_limit = body_limit
        self._deliveries = deliveries
        self._log = access_log
        self._context = copy_context()
        self._reading: set[asyncio.Task[None]] = set()

    def take(self, watcher: Any) -> None:
        """Takes one request, in the thread in which granian hands it over; mistakes of ours are printed."""
        since = perf_counter()
        try:
            scope: Scope = watcher.scope
            fields = scope.headers
            headers = fields.items()
            by_name = dict(headers)
            if len(by_name) != len(fields):  # type: ignore[arg-type]  # it is sized all the same
                headers += _unreadable(by_name, fields.keys())
            if len(by_name) != len(headers):
                by_name = _joined(headers)
            request = _Request(scope, watcher.proto, scope.method, scope.path, headers, by_name, since)
            self._read(request, fields.get("content-length"))
        except BaseException:
            # Without an answer the server itself sends a 500.
            traceback.print_exc(file=sys.stderr)

    def give_up(self) -> None:
        """Stops waiting for bodies that do not come."""
        for task in self._reading:
            task.cancel()

    def _read(self, request: _Request, declared: str | None) -> None:
        length = -1 if "transfer-encoding" in request.by_name else int(declared or 0)
        if length == 0:
            with self._turn:
                self._loop.act_as_running()
                self._answer(request, b"", None)
            return
        limit = self._body_limit(request.path)
        if 0 < length <= limit and length <= IN_MEMORY:
            whole: Any = request.proto()
            whole.add_done_callback(partial(self._answer_whole, request), context=self._context)
            return
        with self._turn:
            task = self._loop.create_task(self._read_in_pieces(request, length, limit))
            self._reading.add(task)
            task.add_done_callback(self._reading.discard)

    def _answer_whole(self, request: _Request, whole: Any) -> None:
        try:
            with self._turn:
                self._loop.act_as_running()
                try:
                    body = whole.result()
                except Exception:
                    self._answer(request, b"", "cut_off")
                else:
                    self._answer(request, body, None)
        except BaseException:
            traceback.print_exc(file=sys.stderr)

    async def _read_in_pieces(self, request: _Request, length: int, limit: int) -> None:
        spool = self._spool if limit > IN_MEMORY else None
        if spool is None:
            await self._read_and_answer(request, io.BytesIO(), length, limit)
            return
        asked = self._ask(request, b"", "unread")
        if asked.status != 100:
            await self._copy_body(request, io.BytesIO(), length, 0)
            self._send(request, asked)
            return
        try:
            await self._read_and_answer(request, spool.file(), length, limit)
        finally:
            spool.give_place()

    async def _read_and_answer(self, request: _Request, body: IO[bytes], length: int, limit: int) -> None:
        try:
            problem = await self._copy_body(request, body, length, limit)
            try:
                body.seek(0)
            except OSError as error:
                problem = error
            self._answer(request, b"" if isinstance(problem, OSError) else body, problem)
        finally:
            with suppress(OSError):  # what a full disk did not take is tried once more
                body.close()

    async def _copy_body(
        self, request: _Request, body: IO[bytes], length: int, limit: int
    ) -> BodyProblem | None:
        """Reads the body into ``body`` as far as ``limit`` allows. ``length`` -1: not known (chunked)."""
        if length > limit and "expect" in request.by_name:
            return "too_large"  # the client waits for leave to send it and gets the answer instead
        size, empties = 0, 0
        problem: BodyProblem | None = None
        pieces = aiter(request.proto)
        while True:
            try:
                piece: bytes = await on_loop(self._loop, pieces.__anext__())
            except StopAsyncIteration:
                break
            empties += not piece
            size += len(piece)
            if size > limit:
                problem = problem or "too_large"
                if size > limit + DRAINED:
                    break
                continue
            try:
                body.write(piece)
            except OSError as error:
                problem, limit = error, 0
        if problem is not None:
            if problem == "too_large":
                body.truncate(0)
            return problem
        # The end of a body comes as one empty piece, a broken one as two.
        return "cut_off" if empties > 1 or 0 < size < length else None

    def _answer(self, request: _Request, body: bytes | IO[bytes], problem: BodyProblem | None) -> None:
        self._send(request, self._ask(request, body, problem))

    def _ask(self, request: _Request, body: bytes | IO[bytes], problem: BodyProblem | None) -> Answer:
        scope, method, path = request.scope, request.method, request.path
        try:
            query, headers = scope.query_string, request.by_name
            incoming = Incoming(method, path, query, headers, b"", scope.client, problem)
            if self._exchange.accepts(incoming):
                incoming.body = body if isinstance(body, bytes) else body.read()
                return self._exchange.handle(incoming)
            return self._application(scope, method, path, request.headers, body, problem)
        except BaseException as error:
            # SystemExit too: a view that asks the process to end does not get it.
            return internal_error(error)

    def _send(self, request: _Request, answer: Answer) -> None:
        scope, method = request.scope, request.method
        if answer.delivery is None and not is_large(answer):
            send(request.proto, method, answer)
            # An error that somebody keeps would keep this frame and, with it, a body that is not read to its
            # end: granian would wait for us to read it, and the client for us to take it.
            request.proto = None
            self._record(request, answer, "")
        else:
            self._deliveries.start(
                request.proto, method, scope.client, answer, partial(self._record, request)
            )

    def _record(self, request: _Request, answer: Answer, note: str) -> None:
        log = self._log
        if not log.quiet:
            milliseconds = (perf_counter() - request.since) * 1000
            client = request.scope.client
            log.record(
                Served(
                    request.method, request.path, answer.status, answer.summary, milliseconds, client, note
                )
            )


def _unreadable(readable: Container[str], names: list[str]) -> list[tuple[str, str]]:
    # Granian leaves out values that are not ASCII: a workspace or an origin that nobody can read must be
    # refused, not go unseen.
    return [(name, "?") for name in names if name not in readable]


def _joined(headers: list[tuple[str, str]]) -> dict[str, str]:
    """The headers by name, the values of those that came several times in one."""
    by_name: dict[str, str] = {}
    for name, value in headers:
        parting = "; " if name == "cookie" else ", "
        by_name[name] = f"{by_name[name]}{parting}{value}" if name in by_name else value
    return by_name
