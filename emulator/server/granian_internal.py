"""Granian by its internal names: a request is answered in the thread in which it arrives.

That is more than twice as fast as :mod:`emulator.server.granian_public`. The emulator expects this of each
name (``tests/test_granian.py`` fails if a new granian behaves differently):

- ``CallbackScheduler``: its ``_schedule_fn(watcher)`` is called for each request, in the one Python
  thread of a worker; ``watcher.scope`` and ``watcher.proto`` are those of RSGI.
- ``proto()``: what ``add_done_callback`` was given is called by the loop's ``call_soon`` or
  ``call_soon_threadsafe``, in the thread in which the body came; ``result()`` raises where it was cut off.
- ``SocketHolder``: takes a listening socket's descriptor, whether it is a Unix socket, and the backlog.
- ``RSGIWorker``: takes the keywords below; ``serve_async(scheduler, loop, signal)`` returns when it listens.
- ``WorkerSignal``: ``set()`` stops the worker; the callback of ``add_cb`` is called when it has ended.
"""

import asyncio
import logging
import socket
import sys
import traceback
from contextvars import copy_context
from time import perf_counter
from typing import Any

from granian._granian import CallbackScheduler, RSGIWorker, SocketHolder, WorkerSignal
from granian.http import HTTP1Settings

from emulator.loop.shared_loop import AtOnce, SharedLoop
from emulator.server.bridge import Bridge, Request
from emulator.server.connections import BACKLOG, HEAD_BYTES
from emulator.server.tls import Certificate
from emulator.web.bodies import IN_MEMORY


class InternalGranian:
    """One worker of granian's, on ``listener``; ``ended`` is set when its last connection is gone."""

    def __init__(
        self, loop: SharedLoop, bridge: Bridge, listener: socket.socket, certificate: Certificate | None
    ) -> None:
        self.ended = asyncio.Event()
        self._loop = loop
        self._turn = loop.turn
        self._bridge = bridge
        self._context = copy_context()
        self._signal = WorkerSignal()
        self._signal.add_cb(lambda: loop.call_soon_threadsafe(self.ended.set))
        # Granian's own messages would go to the terminal among ours.
        logging.getLogger("_granian").setLevel(logging.CRITICAL + 1)
        # The type stubs know neither the keywords nor the defaults.
        scheduler: Any = CallbackScheduler
        self._scheduler = scheduler(loop, None, None, None, None)
        self._scheduler._schedule_fn = self._take
        worker: Any = RSGIWorker
        self._worker = worker(
            worker_id=1,
            sock=(None, _held(listener)),
            ipc=None,
            backpressure=BACKLOG,
            http_mode="1",
            http1_opts=HTTP1Settings(max_buffer_size=HEAD_BYTES),
            websockets_enabled=False,
            ssl_enabled=certificate is not None,
            ssl_cert=str(certificate.chain) if certificate else None,
            ssl_key=str(certificate.key) if certificate else None,
            ssl_protocol_min="tls1.2",
        )

    async def start(self) -> None:
        """Accept connections."""
        self._worker.serve_async(self._scheduler, self._loop, self._signal)

    def stop(self) -> None:
        """Accept no more connections, and close the idle ones."""
        self._signal.set()

    def _take(self, watcher: Any) -> None:
        since = perf_counter()
        try:
            request = self._bridge.request(watcher.scope, watcher.proto, since)
            length = request.length
            if length == 0:
                with self._turn:
                    self._loop.act_as_running()
                    self._bridge.answer(request, b"", None)
            elif 0 < length <= IN_MEMORY and length <= self._bridge.body_limit(request.path):
                whole: Any = request.proto()
                whole.add_done_callback(AtOnce(self._answer, request), context=self._context)
            else:
                with self._turn:
                    self._bridge.read(request)
        except BaseException:
            # Without an answer the server itself sends a 500.
            traceback.print_exc(file=sys.stderr)

    def _answer(self, request: Request, whole: Any) -> None:
        try:
            with self._turn:
                self._loop.act_as_running()
                try:
                    body = whole.result()
                except Exception:
                    self._bridge.answer(request, b"", "cut_off")
                else:
                    self._bridge.answer(request, body, None)
        except BaseException:
            traceback.print_exc(file=sys.stderr)


def _held(listener: socket.socket) -> Any:
    """The listening socket for granian: other programs could share the port of a socket of its own."""
    holder: Any = SocketHolder
    if sys.platform.startswith(("linux", "freebsd")):
        return holder(listener.detach(), False, BACKLOG)
    return holder(listener.detach(), False)
