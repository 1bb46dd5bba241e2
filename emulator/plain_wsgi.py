"""The application under a plain WSGI server (waitress, gunicorn, ``flask run``), threaded ones too."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from werkzeug.datastructures import EnvironHeaders
from werkzeug.exceptions import ClientDisconnected
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wsgi import get_content_length, get_input_stream

from emulator.bridge import DRAINED, IN_MEMORY
from emulator.delivery import failure, internal_error
from emulator.emulator import Emulator
from emulator.web.limits import body_limit
from emulator.wire import BODY_PROBLEM_KEY, BRIDGE_KEY, Answer, BodyProblem, Delivery, Incoming
from emulator.wsgi_call import call_application

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

    def __init__(self, application: WSGIApplication, emulator: Emulator) -> None:
        self._application = application
        self._emulator = emulator
        self._process = os.getpid()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if BRIDGE_KEY in environ:
            return self._application(environ, start_response)
        settings = self._emulator.settings
        folder = None if settings.durability == "none" else str(settings.state)
        try:
            with SpooledTemporaryFile(IN_MEMORY, dir=folder) as body:
                problem = _read_body(environ, body)
                body.seek(0)
                answer = self._answer(environ, body, problem)
            answer = self._delivered(answer)
        except Exception as error:
            answer = internal_error(error)
        return self._send(answer, environ, start_response)

    def _answer(self, environ: WSGIEnvironment, body: IO[bytes], problem: BodyProblem | None) -> Answer:
        if os.getpid() != self._process:
            return failure(_FORKED)
        path = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
        exchange = self._emulator.exchange
        if exchange.accepts(path):
            incoming = _incoming(environ, path, body.read(), problem)
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
        if delivery.wait is not None:
            instead = self._emulator.loop_thread.run(_completed(delivery))
            if instead is not None:
                answer, delivery = instead, instead.delivery or Delivery()
        time.sleep(delivery.delay_s)
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
            return self._streamed(answer.delivery.stream)
        if not any(name.lower() == "content-length" for name, _ in headers) and answer.status not in (
            204,
            304,
        ):
            headers = [*headers, ("Content-Length", str(len(answer.body)))]
        start_response(status, headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer.body]

    def _streamed(self, pieces: AsyncIterator[bytes]) -> Iterator[bytes]:
        run = self._emulator.loop_thread.run
        try:
            while (piece := run(_next(pieces))) is not None:
                yield piece
        finally:
            if isinstance(pieces, AsyncGenerator):
                run(_closed(pieces))


def _read_body(environ: WSGIEnvironment, body: IO[bytes]) -> BodyProblem | None:
    """Copies the request's body into ``body``, as far as its limit allows; what is wrong with it."""
    limit = body_limit(environ.get("PATH_INFO", ""))
    if (get_content_length(environ) or 0) > limit + DRAINED:
        return "too_large"
    stream, size = get_input_stream(environ), 0
    while True:
        try:
            piece = stream.read(_PIECE)
        except (ClientDisconnected, OSError):
            return "cut_off"
        size += len(piece)
        if not piece or size > limit + DRAINED:
            return "too_large" if size > limit else None
        if size <= limit:
            body.write(piece)


def _incoming(environ: WSGIEnvironment, path: str, body: bytes, problem: BodyProblem | None) -> Incoming:
    return Incoming(
        environ["REQUEST_METHOD"],
        path,
        environ.get("QUERY_STRING", ""),
        {name.lower(): value for name, value in EnvironHeaders(environ).items()},
        body,
        f"{environ.get('REMOTE_ADDR', '')}:{environ.get('REMOTE_PORT', 0)}",
        problem,
    )


async def _completed(delivery: Delivery) -> Answer | None:
    return await delivery.wait if delivery.wait is not None else None


async def _next(pieces: AsyncIterator[bytes]) -> bytes | None:
    return await anext(pieces, None)


async def _closed(pieces: AsyncGenerator[bytes, Any]) -> None:
    await pieces.aclose()
