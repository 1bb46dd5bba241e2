"""A relay before a server, which can fall silent: it takes connections and bytes, and passes none on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

T = TypeVar("T")


class Relay:
    """A relay at ``port``; see :func:`relay_to`."""

    def __init__(self, target: int, loop: asyncio.AbstractEventLoop) -> None:
        self.port = 0
        self._target = target
        self._loop = loop
        self._passes = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()

    def fall_silent(self) -> None:
        """Pass nothing on any more; new connections are taken."""
        self.run(self._set(self._passes.clear))

    def speak(self) -> None:
        """Pass on what has come meanwhile, and what comes."""
        self.run(self._set(self._passes.set))

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` on the relay's loop returns."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _set(self, change: Any) -> None:
        change()

    async def listen(self) -> None:
        """Begin, and pass on."""
        self._passes.set()
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def end(self) -> None:
        """Listen no more, and cut all connections."""
        self._server.close()
        left = asyncio.all_tasks() - {asyncio.current_task()}
        for task in left:
            task.cancel()
        for one in self._open:
            one.transport.abort()
        ends = (one.wait_closed() for one in self._open)
        await asyncio.gather(*left, *ends, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        await self._passes.wait()
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:
            writer.close()
            return
        self._open.add(far_writer)
        await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(1 << 16):
                await self._passes.wait()
                writer.write(data)
                await writer.drain()
        writer.close()


@contextmanager
def relay_to(port: int) -> Iterator[Relay]:
    """A relay to this port of this machine."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    relay = Relay(port, loop)
    relay.run(relay.listen())
    try:
        yield relay
    finally:
        relay.run(relay.end())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
