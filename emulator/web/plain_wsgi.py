"""The application under a plain WSGI server (waitress, gunicorn, ``flask run``), threaded ones too."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wsgi import get_content_length, get_input_stream

from emulator.emulator import Emulator
from emulator.messages import (
    BODY_PROBLEM_KEY,
    BRIDGE_KEY,
    Answer,
    BodyProblem,
    Delivery,
    Incoming,
    failure,
    internal_error,
)
from emulator.web.limits import body_limit
from emulator.web.spool import DRAINED, IN_MEMORY, Spool
from emulator.web.wsgi import call_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PIECE = 64 << 10
_FORKED = (
    "the state was opened by the process that this one was forked from: call create_app in one process only"
)


class PlainWsgi:
    """WSGI middleware that lets one request at a time touch the state, whichever thread brings it.

    The request's body is read before, and the answer is delivered after: a slow client, a delay and a wait
    hold nobody up. Requests from the emulator's own server pass through: its loop does the same.
    """

    def __init__(self, application: WSGIApplication, emulator: Emulator, spool: Spool) -> None:
        self._application = application
        self._emulator = emulator
        self._spool = spool
        self._process = os.getpid()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if BRIDGE_KEY in environ:
            return self._application(environ, start_response)
        try:
            answer = self._delivered(self._read_and_answer(environ))
        except Exception as error:
            answer = internal_error(error)
        return self._send(answer, environ, start_response)

    def _read_and_answer(self, environ: WSGIEnvironment) -> Answer:
        limit = body_limit(environ.get("PATH_INFO", ""))
        length = get_content_length(environ)
        if limit <= IN_MEMORY or (length is not None and length <= IN_MEMORY):
            return self._answer_read(environ, io.BytesIO(), limit)
        asked = self._answer(dict(environ), io.BytesIO(), "unread")
        if asked.status != 100:
            return asked
        try:
            return self._answer_read(environ, self._spool.file(), limit)
        finally:
            self._spool.give_place()

    def _answer_read(self, environ: WSGIEnvironment, body: IO[bytes], limit: int) -> Answer:
        try:
            problem = _read_body(environ, body, limit)
            if isinstance(problem, OSError):
                return self._answer(environ, io.BytesIO(), problem)
            body.seek(0)
            return self._answer(environ, body, problem)
        finally:
            with suppress(OSError):  # what a full disk did not take is tried once more
                body.close()

    def _answer(self, environ: WSGIEnvironment, body: IO[bytes], problem: BodyProblem | None) -> Answer:
        if os.getpid() != self._process:
            return failure(_FORKED)
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        exchange = self._emulator.exchange
        incoming = _incoming(environ, path, problem)
        if exchange.accepts(incoming):
            incoming.body = body.read()
            with self._emulator.turn:
                return exchange.handle(incoming)
        environ["wsgi.input"], environ["wsgi.input_terminated"] = body, True
        if problem is not None:
            environ[BODY_PROBLEM_KEY] = problem
        with self._emulator.turn:
            return call_application(self._application, environ)

    def _delivered(self, answer: Answer) -> Answer:
        """Waits as long as the delivery says; what needs the connection becomes an answer that says so."""
        delivery = answer.delivery or Delivery()
        if delivery.wait is not None or delivery.delay_s:
            answer = self._emulator.loop_thread.run(_completed(answer, delivery))
            delivery = answer.delivery or Delivery()
        if delivery.effect is not None:
            text = f"fault {delivery.effect} needs the emulator's own server (python run.py)"
            return failure(f"{text}; this server cannot do it")
        return answer

    def _send(
        self, answer: Answer, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        status = f"{answer.status} {HTTP_STATUS_CODES.get(answer.status, 'Unknown')}"
        headers = answer.headers
        if answer.delivery is not None and answer.delivery.stream is not None:
            start_response(status, headers)
            return self._streamed(_held(answer.delivery.stream, answer.delivery))
        if not any(name.lower() == "content-length" for name, _ in headers) and answer.status not in (
            204,
            304,
        ):
            headers = [*headers, ("Content-Length", str(len(answer.body)))]
        start_response(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _streamed(self, pieces: AsyncGenerator[bytes]) -> Iterator[bytes]:
        run = self._emulator.loop_thread.run
        try:
            while (piece := run(_next(pieces))) is not None:
                yield piece
        finally:
            run(_closed(pieces))


def _read_body(environ: WSGIEnvironment, body: IO[bytes], limit: int) -> BodyProblem | None:
    """Copies the request's body into ``body``, as far as its limit allows; what is wrong with it."""
    if (get_content_length(environ) or 0) > limit + DRAINED:
        return "too_large"
    stream, size = get_input_stream(environ), 0
    problem: BodyProblem | None = None
    while True:
        try:
            piece = stream.read(_PIECE)
        except (ClientDisconnected, OSError):
            return "cut_off"
        size += len(piece)
        if not piece or size > limit + DRAINED:
            return problem or ("too_large" if size > limit else None)
        if size <= limit and problem is None:
            try:
                body.write(piece)
            except OSError as error:
                problem = error


def _incoming(environ: WSGIEnvironment, path: str, problem: BodyProblem | None) -> Incoming:
    return Incoming(
        environ["REQUEST_METHOD"],
        path,
        environ.get("QUERY_STRING", ""),
        {name.lower(): value for name, value in EnvironHeaders(environ).items()},
        b"",
        f"{environ.get('REMOTE_ADDR', '')}:{environ.get('REMOTE_PORT', 0)}",
        problem,
    )


async def _completed(answer: Answer, delivery: Delivery) -> Answer:
    """The answer when its wait is over, or the one that takes its place."""
    with delivery.busy:
        instead = await delivery.wait if delivery.wait is not None else None
        if instead is not None:
            answer, delivery = instead, instead.delivery or Delivery()
        await asyncio.sleep(delivery.delay_s)
    return answer


async def _held(pieces: AsyncIterator[bytes], delivery: Delivery) -> AsyncGenerator[bytes]:
    """The pieces, their workspace in use until the last one."""
    with delivery.busy:
        try:
            async for piece in pieces:
                yield piece
        finally:
            if isinstance(pieces, AsyncGenerator):
                await pieces.aclose()


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def _closed(pieces: AsyncGenerator[bytes]) -> None:
    await pieces.aclose()
