"""The run of the server: binds, starts granian in this process, stops it cleanly.

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
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from time import monotonic
from typing import TYPE_CHECKING

import psutil

from emulator.endpoint.exchange import Exchange
from emulator.loop.shared_loop import SharedLoop
from emulator.server import connections
from emulator.server.access_log import AccessLog
from emulator.server.bridge import Bridge, WsgiCall
from emulator.server.delivery import Deliveries
from emulator.server.memory import share_one_arena
from emulator.server.tls import Certificate
from emulator.web.bodies import InTurn, Spool

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from emulator.server.granian_internal import InternalGranian
    from emulator.server.granian_public import PublicGranian

#: Seconds that running requests may take after the first signal to stop.
GRACE_S = 2.0
#: Seconds in which the answers to requests that are given up leave.
_ANSWERED_S = 0.3
#: Seconds that granian may take to release connections that were cut.
_LAST_S = 1.0
#: Seconds that an access-log line may wait in memory.
_LOG_EVERY_S = 0.05
#: The environment variable whose value "public" selects granian's documented names: for tests.
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
    in_turn: InTurn | None = None,
    on_last: Callable[[], Awaitable[object]] | None = None,
) -> float:
    """Serves in the main thread until SIGTERM or SIGINT (a second one hurries); returns the time of the first
    signal (:func:`time.monotonic`).

    ``port`` 0 takes a free one; ``on_ready`` gets the port, on the running loop, when the server answers
    requests. ``on_stop`` is called after the last answer, when the loop is idle. ``spool`` takes large
    bodies that the application accepts; without a spool they stay in memory. ``in_turn``: see
    :class:`~emulator.server.bridge.Bridge`; ``on_last`` is awaited after ``on_stop``. With a
    ``certificate`` the server speaks HTTPS. Raises :class:`OSError`, before anything is started, if the port
    is taken or the host is not ours.
    """
    listeners = connections.listen(host, port)
    real_port: int = listeners[0].getsockname()[1]
    loop = SharedLoop()
    asyncio.set_event_loop(loop)
    deliveries = Deliveries(loop, real_port)
    application = WsgiCall(app, host, real_port)
    bridge = Bridge(loop, exchange, application, body_limit, deliveries, access_log, spool, in_turn)
    access_log.on_first_line = lambda: loop.call_later(_LOG_EVERY_S, access_log.flush)
    gc.freeze()  # present objects live as long as the process: the garbage collector can skip them
    share_one_arena()
    threads_before = _native_threads()
    granians = [choose_granian(loop, bridge, one, certificate) for one in listeners]
    try:
        told_at = loop.run_until_complete(_serve(granians, deliveries, real_port, on_ready))
        on_stop()
        if on_last is not None:
            loop.run_until_complete(on_last())
    finally:
        access_log.flush()
        loop.run_until_complete(wind_up(threads_before))
        asyncio.set_event_loop(None)
        loop.close()
    return told_at


def choose_granian(
    loop: SharedLoop, bridge: Bridge, listener: socket.socket, certificate: Certificate | None
) -> InternalGranian | PublicGranian:
    """Granian on ``listener``: by its internal names if it has them, else by its documented ones."""
    if sys.platform != "win32" and os.environ.get(DOOR) != "public":
        with suppress(ImportError):  # a granian without those names
            from emulator.server.granian_internal import InternalGranian  # noqa: PLC0415

            return InternalGranian(loop, bridge, listener, certificate)
    from emulator.server.granian_public import PublicGranian  # noqa: PLC0415 (takes long to load)

    return PublicGranian(bridge.serve, listener, certificate)


async def _serve(
    granians: list[InternalGranian | PublicGranian],
    deliveries: Deliveries,
    port: int,
    on_ready: Callable[[int], object],
) -> float:
    stop, hurry = asyncio.Event(), asyncio.Event()
    with _signals(stop, hurry):
        started = []
        try:
            for granian in granians:
                await granian.start()
                started.append(granian)
            on_ready(port)
            await stop.wait()
            told_at = monotonic()
        finally:
            for granian in started:
                granian.stop()
            deliveries.hurry()
            ends, hurried = asyncio.create_task(_ends(started)), asyncio.create_task(hurry.wait())
            await asyncio.wait([ends, hurried], timeout=GRACE_S, return_when=asyncio.FIRST_COMPLETED)
            if not ends.done():
                deliveries.give_up()
                await asyncio.wait([ends], timeout=_ANSWERED_S)
                connections.cut_all(port)
                await asyncio.wait([ends], timeout=_LAST_S)
    return told_at


async def wind_up(threads_before: int) -> None:
    """Ends the remaining tasks of the loop, and waits for the end of granian's threads.

    A thread that calls Python after Python's end crashes the process.
    """
    loop = asyncio.get_running_loop()
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    await loop.shutdown_asyncgens()
    await loop.shutdown_default_executor()
    until = monotonic() + _LAST_S
    collect_at = until - 0.9 * _LAST_S
    while _native_threads() > threads_before and monotonic() < until:
        if monotonic() > collect_at:
            gc.collect()  # a request in a reference cycle keeps them alive
            collect_at = until
        await asyncio.sleep(0.001)


def _native_threads() -> int:
    """The threads of this process that Python did not start."""
    started_here = [t for t in threading.enumerate() if not isinstance(t, threading._DummyThread)]
    return psutil.Process().num_threads() - len(started_here)


async def _ends(granians: list[InternalGranian | PublicGranian]) -> None:
    for one in granians:
        await one.ended.wait()


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
