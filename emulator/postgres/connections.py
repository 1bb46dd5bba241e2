"""The connections to the database."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psycopg
from psycopg import AsyncConnection
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool

from emulator.store.errors import Unavailable

#: Seconds after which a request is refused because the database cannot be reached, and while that is known.
_WAIT_S, _KNOWN_S = 3.0, 0.25
#: Milliseconds that one emulator may rest inside a turn, and that another may wait for its end.
IDLE_MS, LOCK_MS = 5000, 15000
#: Connections of one emulator: turns in so many workspaces at the same time.
_MOST = 8
#: Seconds that the database may take to carry out a statement.
ANSWER_S = 20.0
_PASSWORD = re.compile(r"(password=)[^&]*", re.I)


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    address, mark, query = url.partition("?")
    before, at, place = address.rpartition("@")
    user, colon, _ = before.partition("//")[2].partition(":")
    shown = f"{address.partition('//')[0]}//{user}:…@{place}" if at and colon else address
    return shown + mark + _PASSWORD.sub(r"\1…", query)


class Connections:
    """The connections of one emulator. ``trouble``: why the database could not be reached last."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: AsyncConnectionPool | None = None
        self.trouble: str | None = None

    @asynccontextmanager
    async def one(self) -> AsyncIterator[AsyncConnection]:
        """A connection, which the database may have closed meanwhile. Raises :class:`Unavailable`."""
        pool = await self._opened()
        try:
            connection = await pool.getconn(_WAIT_S if self.trouble is None else _KNOWN_S)
        except psycopg.Error as error:
            raise self.unavailable(error) from error
        try:
            yield connection
            self.trouble = None
        finally:
            if connection.info.transaction_status != TransactionStatus.IDLE:
                await connection.close()  # whatever it was at is undone
            await pool.putconn(connection)

    @property
    def is_open(self) -> bool:
        """Whether there are connections to close."""
        return self._pool is not None

    async def close(self) -> None:
        """Close all of them."""
        if self._pool is not None:
            await self._pool.close(1.0)
            self._pool = None

    def unavailable(self, error: Exception) -> Unavailable:
        """Note that the database cannot be used, and return what to raise."""
        said = str(error or type(error).__name__).strip().splitlines()
        self.trouble = f"the database cannot be reached ({without_password(self._url)}): {said[0]}"
        return Unavailable(self.trouble, error)

    async def _opened(self) -> AsyncConnectionPool:
        if self._pool is None:
            self._pool = AsyncConnectionPool(
                self._url,
                kwargs={"autocommit": True, "connect_timeout": 2, "application_name": "push-emulator"},
                min_size=1,
                max_size=_MOST,
                open=False,
                configure=configure,
                reconnect_timeout=1.0,
            )
            await self._pool.open()
        return self._pool


async def configure(connection: AsyncConnection) -> None:
    """Have the database end what a frozen emulator has begun, and a wait that takes too long."""
    await connection.execute(f"SET idle_in_transaction_session_timeout = {IDLE_MS}")
    await connection.execute(f"SET lock_timeout = {LOCK_MS}")
    await connection.execute("SET client_min_messages = error")
