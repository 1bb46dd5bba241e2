"""Runs the server: binds, starts granian in this process, stops it cleanly.

One process, one event loop in the main thread. Granian (Rust) speaks HTTP in threads of its own and
hands requests to the :class:`~emulator.server.bridge.Bridge`.
"""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

import psutil

from emulator.endpoint.exchange import Exchange
from emulator.loop.shared_loop import SharedLoop
from emulator.server import connections
from emulator.server.access_log import AccessLog
from emulator.server.bridge import Bridge
from emulator.server.delivery import Deliveries
from emulator.server.tls import Certificate
from emulator.server.wsgi import WsgiCall
from emulator.web.bodies import Spool

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from emulator.server.granian_internal import InternalGranian
    from emulator.server.granian_public import PublicGranian

#: Seconds that what is under way gets to end by itself after the first signal to stop.
GRACE_S = 2.0
#: Seconds that granian gets to let go of connections that were cut.
_LAST_S = 1.0
#: Seconds that an access-log line may wait in memory.
_LOG_EVERY_S = 0.05
#: The environment variable that, set to "public", makes granian's documented names serve: for tests.
DOOR = "EMULATOR_GRANIAN"


def serve(
    app: WSGIApplication,
    exchange: Exchange,
    *,
    host: str,
    port: int,
    body_limit: Callable[[str], int],
    access_log: AccessLog,
    on_ready: Callable[[int], object],
    on_stop: Callable[[], object],
    certificate: Certificate | None = None,
    spool: Spool | None = None,
) -> float:
    """Serves until SIGTERM or SIGINT (a second one hurries), in the main thread; then returns
    when it was told to stop (:func:`time.monotonic`).

    ``port`` 0 takes a free one; ``on_ready`` gets the port, on the running loop, when requests are
    answered. ``on_stop`` is called when the last answer is out and the loop rests. ``spool`` takes large
    bodies, after the application was asked for each; without one they stay in memory. With a ``certificate``
    it is HTTPS. Raises :class:`OSError`, before anything is started, when the port is taken or the host is
    not ours.
    """
    listener = connections.listen(host, port)
    real_port: int = listener.getsockname()[1]
    loop = SharedLoop()
    asyncio.set_event_loop(loop)
    deliveries = Deliveries(loop, real_port)
    application = WsgiCall(app, host, real_port)
    bridge = Bridge(loop, exchange, application, body_limit, deliveries, access_log, spool)
    access_log.on_first_line = lambda: loop.call_later(_LOG_EVERY_S, access_log.flush)
    gc.freeze()  # what is there now lives as long as the process: no collection has to walk it
    threads_before = _native_threads()
    granian = choose_granian(loop, bridge, listener, certificate)
    try:
        told_at = loop.run_until_complete(_serve(granian, deliveries, real_port, on_ready))
        on_stop()
    finally:
        access_log.flush()
        loop.run_until_complete(_wind_up(threads_before))
        asyncio.set_event_loop(None)
        loop.close()
    return told_at


def choose_granian(
    loop: SharedLoop, bridge: Bridge, listener: socket.socket, certificate: Certificate | None
) -> InternalGranian | PublicGranian:
    """Granian on ``listener``: by its internal names where there are such, else by its documented ones."""
    if sys.platform != "win32" and os.environ.get(DOOR) != "public":
        with suppress(ImportError):  # a granian without those names
            from emulator.server.granian_internal import InternalGranian  # noqa: PLC0415

            return InternalGranian(loop, bridge, listener, certificate)
    from emulator.server.granian_public import PublicGranian  # noqa: PLC0415 (takes long to load)

    return PublicGranian(bridge.serve, listener, certificate)


async def _serve(
    granian: InternalGranian | PublicGranian,
    deliveries: Deliveries,
    port: int,
    on_ready: Callable[[int], object],
) -> float:
    stop, hurry = asyncio.Event(), asyncio.Event()
    with _signals(stop, hurry):
        await granian.start()
        try:
            on_ready(port)
            await stop.wait()
            told_at = monotonic()
        finally:
            granian.stop()
            deliveries.hurry()
            await _wait_for_one(GRACE_S, granian.ended, hurry)
            if not granian.ended.is_set():
                deliveries.give_up()
                connections.cut_all(port)
                await _wait_for_one(_LAST_S, granian.ended)
    return told_at


async def _wind_up(threads_before: int) -> None:
    """Ends what others have left on the loop, and waits for granian's threads to be gone.

    A thread that still wants Python when Python ends takes the process down with it.
    """
    loop = asyncio.get_running_loop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()
    for attempt in range(round(_LAST_S * 1000)):
        if _native_threads() <= threads_before:
            return
        if attempt == 100:
            gc.collect()  # a request in a reference cycle keeps them
        await asyncio.sleep(0.001)


def _native_threads() -> int:
    """The threads of this process that Python did not start."""
    started_here = [t for t in threading.enumerate() if not isinstance(t, threading._DummyThread)]
    return psutil.Process().num_threads() - len(started_here)


async def _wait_for_one(seconds: float, *events: asyncio.Event) -> None:
    waits = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()


@contextmanager
def _signals(stop: asyncio.Event, hurry: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()

    def on_signal(*_: object) -> None:
        (hurry if stop.is_set() else stop).set()

    before = {
        number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(on_signal))
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
