"""Granian by its documented names: slower, for Windows and for a granian that lacks the internal names."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.server.embed import Server

from emulator.server.connections import BACKLOG, HEAD_BYTES
from emulator.server.tls import Certificate, is_every_address

if TYPE_CHECKING:
    from granian.rsgi import Scope


class PublicGranian:
    """Granian's embedded server at the address of ``listener``, with ``answer`` as its RSGI application.

    Granian opens a socket of its own: the port is free for a moment, and on Linux another program can share
    it. ``ended`` is set when its last connection is closed.
    """

    def __init__(
        self,
        answer: Callable[[Scope, Any], Awaitable[None]],
        listener: socket.socket,
        certificate: Certificate | None,
    ) -> None:
        self.ended = asyncio.Event()
        self._host, self._port = listener.getsockname()[:2]
        listener.close()
        self._server = Server(
            answer,
            address=self._host,
            port=self._port,
            interface=Interfaces.RSGI,
            http=HTTPModes.http1,
            http1_settings=HTTP1Settings(max_buffer_size=HEAD_BYTES),
            websockets=False,
            backlog=BACKLOG,
            log_enabled=False,
            ssl_cert=certificate.chain if certificate else None,
            ssl_key=certificate.key if certificate else None,
            ssl_protocol_min=SSLProtocols.tls12,
        )

    async def start(self) -> None:
        """Accept connections. Raises :class:`OSError` where the port was taken meanwhile."""
        self._task = asyncio.create_task(self._server.serve())
        self._task.add_done_callback(lambda _: self.ended.set())
        host = "localhost" if is_every_address(self._host) else self._host
        while not self._task.done():
            try:
                _, writer = await asyncio.open_connection(host, self._port)
            except OSError:
                await asyncio.sleep(0.005)
            else:
                writer.close()
                return
        raise OSError(f"cannot listen at {self._host}:{self._port}") from self._task.exception()

    def stop(self) -> None:
        """Accept no more connections, and close the idle ones."""
        self._server.stop()  # type: ignore[no-untyped-call]
