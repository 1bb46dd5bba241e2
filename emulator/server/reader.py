"""A client that reads a long answer, as the operating system sees it.

Granian takes every piece of an answer that it is given and keeps it until the client reads it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Collection
from time import monotonic
from typing import Any

from emulator.server import connections

#: Bytes that are given to the server without asking whether the client reads them.
AT_ONCE = 512 * 1024
#: Seconds that the client may take for so many.
PATIENCE_S = 60.0
#: Seconds between two looks at how far it is, at first and later.
_LOOK_S, _SELDOM_S = 0.001, 0.05


class Reader:
    """The client at the other end of one connection. Close it at the end."""

    def __init__(self, client: connections.Address, server_port: int) -> None:
        self._client = client
        self._server_port = server_port
        self._connection: socket.socket | None = None
        self._given = 0

    async def has_taken(self, size: int, ends: Collection[asyncio.Future[Any]]) -> bool:
        """Say that it was given so much, and wait until it can be given more, or until one of ``ends``.

        False: it read nothing for too long, and its connection is cut.
        """
        self._given += size
        if self._given < AT_ONCE:
            return True
        self._given = 0
        if self._connection is None:
            self._connection = connections.duplicate(self._client, self._server_port)
        deadline, pause = monotonic() + PATIENCE_S, _LOOK_S
        while True:
            done, _ = await asyncio.wait(ends, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if done or self._connection is None or not connections.unsent_bytes(self._connection):
                return True
            if monotonic() > deadline:
                self.leave()
                return False
            pause = min(2 * pause, _SELDOM_S)

    def leave(self) -> None:
        """Cut the connection."""
        connections.cut(self._client, self._server_port, reset=False)

    def close(self) -> None:
        """Look no more."""
        if self._connection is not None:
            self._connection.close()
