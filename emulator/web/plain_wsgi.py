"""The application under a plain WSGI server (waitress, gunicorn, ``flask run``), threaded ones too."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Iterable, Iterator
from contextlib import aclosing
from functools import partial
from time import perf_counter
from typing import IO, TYPE_CHECKING

from werkzeug.datastructures import EnvironHeaders, Headers
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wsgi import get_content_length, get_input_stream

from emulator.emulator import Emulator
from emulator.loop.pacing import at_once
from emulator.messages import (
    BODY_PROBLEM_KEY,
    BRIDGE_KEY,
    SINCE_KEY,
    Answer,
    BodyProblem,
    Delivery,
    Incoming,
    failure,
    internal_error,
)
from emulator.web.bodies import Spool, answer_body, body_limit, own
from emulator.web.wsgi_answer import call_application

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_PIECE = 64 << 10
_FORKED = (
    "the state was opened by the process that this one was forked from: call create_app in one process only"
)


class PlainWsgi:
    """WSGI middleware that lets one request at a time use the state, in any thread.

    It reads the request's body before and delivers the answer afterwards: a slow client, a delay and a wait
    do not block others. Requests from the emulator's own server pass through: its loop does the same.
    """

    def __init__(self, application: WSGIApplication, emulator: Emulator, spool: Spool) -> None:
        self._application = application
        self._emulator = emulator
        self._spool = spool
        self._process = os.getpid()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if BRIDGE_KEY in environ:
            return self._application(environ, start_response)
        environ[SINCE_KEY] = perf_counter()
        try:
            answer = self._delivered(self._read_and_answer(environ))
        except Exception as error:
            answer = internal_error(error)
        return self._send(answer, environ, start_response)

    def _read_and_answer(self, environ: WSGIEnvironment) -> Answer:
        stream, length = get_input_stream(environ), get_content_length(environ)

        async def read() -> bytes:
            try:
                return stream.read(_PIECE)
            except (ClientDisconnected, OSError) as error:
                raise ConnectionError from error

        return at_once(
            answer_body(
                partial(self._ask, environ),
                read,
                -1 if length is None else length,
                body_limit(environ.get("PATH_INFO", "")),
                expects="HTTP_EXPECT" in environ,
                drains=False,
                spool=self._spool,
            )
        )

    def _ask(self, environ: WSGIEnvironment, body: IO[bytes], problem: BodyProblem | None) -> Answer:
        if os.getpid() != self._process:
            return failure(_FORKED)
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        exchange = self._emulator.exchange
        incoming = Incoming(
            environ["REQUEST_METHOD"],
            path,
            environ.get("QUERY_STRING", ""),
            {name.lower(): value for name, value in EnvironHeaders(environ).items()},
            b"",
            f"{environ.get('REMOTE_ADDR', '')}:{environ.get('REMOTE_PORT', 0)}",
            problem,
        )
        if self._emulator.shared is not None:
            body = own(body)

        def work() -> Answer:
            try:
                if exchange.accepts(incoming):
                    incoming.body = body.read()
                    return exchange.handle(incoming)
                own_input = {"wsgi.input": body, "wsgi.input_terminated": True, BODY_PROBLEM_KEY: problem}
                return call_application(self._application, {**environ, **own_input})
            except Exception as error:
                return internal_error(error)

        with self._emulator.turn:
            return self._emulator.answer(incoming, body, work)

    def _delivered(self, answer: Answer) -> Answer:
        """Waits as the delivery demands; a fault that needs the connection becomes an error answer."""
        if answer.delivery is not None and answer.delivery.stream is None:
            answer = self._emulator.loop_thread.run(_completed(answer, answer.delivery))
        if answer.delivery is not None and answer.delivery.effect is not None:
            text = f"fault {answer.delivery.effect} needs the emulator's own server (python run.py)"
            return failure(f"{text}; this server cannot do it")
        return answer

    def _send(
        self, answer: Answer, environ: WSGIEnvironment, start_response: StartResponse
    ) -> Iterable[bytes]:
        status = f"{answer.status} {HTTP_STATUS_CODES.get(answer.status, 'Unknown')}"
        headers, delivery = answer.headers, answer.delivery
        if delivery is not None and delivery.stream is not None:
            start_response(status, headers)
            return self._streamed(_held(delivery.stream, delivery))
        if "Content-Length" not in Headers(headers) and answer.status not in (204, 304):
            headers = [*headers, ("Content-Length", str(len(answer.body)))]
        start_response(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _streamed(self, pieces: AsyncGenerator[bytes]) -> Iterator[bytes]:
        run = self._emulator.loop_thread.run
        try:
            while (piece := run(anext(pieces, None))) is not None:
                yield piece
        finally:
            run(pieces.aclose())


async def _completed(answer: Answer, delivery: Delivery) -> Answer:
    """The answer after its wait, or the one that replaces it."""
    with delivery.busy:
        answer = await answer.settled()
        await asyncio.sleep((answer.delivery or Delivery()).delay_s)
    return answer


async def _held(pieces: AsyncGenerator[bytes], delivery: Delivery) -> AsyncGenerator[bytes]:
    """The pieces; their workspace is in use until the last one."""
    with delivery.busy:
        async with aclosing(pieces):
            async for piece in pieces:
                yield piece
