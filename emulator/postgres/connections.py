"""The connections to the database."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from time import monotonic
from typing import Any, TypeVar

import psycopg
from psycopg import AsyncConnection, errors
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from emulator.postgres.texts import first_line, without_password
from emulator.store.errors import DatabaseUnavailable, EmulatorEnds

T = TypeVar("T")
#: Seconds after which a request is refused because the database cannot be reached, and while that is known.
_WAIT_S, _KNOWN_S = 3.0, 0.25
#: Seconds between two signs of life inside a turn.
_ALIVE_S = 1.0
#: Milliseconds that one emulator may rest inside a turn, and that another may wait for its end.
IDLE_MS, LOCK_MS = 5000, 15000
#: Seconds in which the connections that are being made are waited for at the end.
_CLOSING_S = 0.2
#: Connections of one emulator: turns in so many workspaces at the same time.
_MOST = 8
#: Seconds after which a connection is given up on which the database says nothing.
ANSWER_S = 20.0
#: The first statements of each connection.
CONNECTING: dict[str, Any] = {
    "autocommit": True,
    "application_name": "push-emulator",
    "client_encoding": "utf8",
    # A machine that is gone says nothing: the system gives its connections up after about 6 seconds.
    "keepalives_idle": 3,
    "keepalives_interval": 1,
    "keepalives_count": 3,
    "tcp_user_timeout": 6000,
}
#: Bytes of a test whether the database has room: more than the free space in its present pages.
_ROOM = 128 * 1024
#: The database does not know whether it has committed (CockroachDB).
_UNKNOWN = "40003"
_ENDS = "the emulator ends"
# The pool logs several lines for each attempt to connect; ``trouble`` says it once.
logging.getLogger("psycopg.pool").setLevel(logging.CRITICAL)


def is_refusal(error: Exception) -> bool:
    """Whether the database has answered with an error: then nothing of the transaction is in it."""
    if not isinstance(error, psycopg.Error) or error.sqlstate == _UNKNOWN:
        return False
    return (error.diag.severity_nonlocalized or error.diag.severity) == "ERROR"


class TimedConnection(AsyncConnection[Any]):
    """A connection that closes itself where the database says nothing for :data:`ANSWER_S` seconds."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.made = monotonic()

    async def wait(self, gen: PQGen[T], *arguments: Any, **options: Any) -> T:
        return await super().wait(self._in_time(gen), *arguments, **options)

    def _in_time(self, gen: PQGen[T]) -> PQGen[T]:
        since = monotonic()
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted  # 0 where no data came for a while: psycopg asks several times a second
                if ready:
                    since = monotonic()
                elif problem := self._problem(monotonic() - since):
                    self.pgconn.finish()
                    raise psycopg.OperationalError(problem)
                wanted = gen.send(ready)
        except StopIteration as ended:
            result: T = ended.value
            return result

    def _problem(self, silent_s: float) -> str | None:
        """Why to wait no longer."""
        return f"it has said nothing for {ANSWER_S:g} s" if silent_s > ANSWER_S else None


class Connections:
    """The connections of one emulator."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._pool: AsyncConnectionPool[TimedConnection] | None = None
        self._closed_on: asyncio.AbstractEventLoop | None = None
        self._away: str | None = None
        self._refused: str | None = None
        self._not_connected: psycopg.Error | None = None
        self._stale_until = 0.0

    @property
    def trouble(self) -> str | None:
        """Why the database could not be reached, or refused a change, when it was last asked."""
        return self._away or self._refused

    @asynccontextmanager
    async def one(self) -> AsyncIterator[AsyncConnection]:
        """A connection, which the database may have closed meanwhile.

        Raises :class:`~emulator.store.errors.Unavailable`.
        """
        try:
            pool = await self._opened()
            connection = await self._free_one(pool)
        except psycopg.Error as error:
            raise self.unavailable(error) from error
        try:
            yield connection
            self._away = None
        finally:
            if connection.info.transaction_status == TransactionStatus.INERROR:
                with suppress(psycopg.Error):
                    await connection.rollback()
            if connection.info.transaction_status != TransactionStatus.IDLE:
                await connection.close()  # its open transaction is undone
            await pool.putconn(connection)

    @asynccontextmanager
    async def one_to_ask(self) -> AsyncIterator[AsyncConnection]:
        """:meth:`one`, outside of turns: a refusal of the database is :class:`Unavailable`, too."""
        try:
            async with self.one() as connection:
                yield connection
        except psycopg.Error as error:
            raise self.unavailable(error) from error

    async def _free_one(self, pool: AsyncConnectionPool[TimedConnection]) -> TimedConnection:
        until = monotonic() + LOCK_MS / 1000
        while True:
            try:
                connection = await pool.getconn(_WAIT_S if self._away is None else _KNOWN_S)
                if connection.made > self._stale_until:
                    return connection
                await connection.close()
                await pool.putconn(connection)
            except PoolTimeout:
                # All connections may wait for workspaces that a hanging emulator has locked.
                if self._not_connected is not None or monotonic() > until:
                    raise

    @property
    def is_open(self) -> bool:
        """Whether there are connections to close."""
        return self._pool is not None

    def check_not_ended(self) -> None:
        """Raise :class:`~emulator.store.errors.EmulatorEnds` on a loop for which :meth:`end` was called.

        A pool, or a task that goes on, would hold up the end of the loop.
        """
        if self._has_ended:
            raise EmulatorEnds(_ENDS)

    @property
    def _has_ended(self) -> bool:
        return asyncio.get_running_loop() is self._closed_on

    def end(self) -> None:
        """Give no connection to the tasks of this loop any more, and answer those that have one no longer."""
        self._closed_on = asyncio.get_running_loop()

    async def close(self) -> None:
        """:meth:`end`, and close all of them."""
        self.end()
        pool, self._pool = self._pool, None
        if pool is not None:
            await pool.close(_CLOSING_S)

    def unavailable(self, error: Exception) -> DatabaseUnavailable:
        """Note that the database cannot be used, and return what to raise."""
        if self._has_ended:
            return EmulatorEnds(_ENDS, error)
        if isinstance(error, PoolTimeout) and self._not_connected is not None:
            error = self._not_connected
        said, place = first_line(error), without_password(self._url)
        if isinstance(error, errors.ReadOnlySqlTransaction):  # its session may stay so
            self._stale_until = monotonic()
        if is_refusal(error):
            self._refused = text = f"the database refuses this ({place}): {said}"
        else:
            self._away = text = f"the database cannot be reached ({place}): {said}"
        return DatabaseUnavailable(text, error)

    def note_commit(self) -> None:
        """The database takes changes."""
        self._refused = None

    async def try_again(self) -> None:
        """Find out whether the database takes changes again, if it has refused one.

        Raises :class:`~emulator.store.errors.Unavailable`.
        """
        if self._refused is None:
            return
        async with self.one_to_ask() as connection:
            await connection.execute("BEGIN")
            room = secrets.token_bytes(_ROOM)
            await connection.execute("INSERT INTO emulator_secrets VALUES ('room', %s)", (room,))
            await connection.execute("ROLLBACK")
        self.note_commit()

    async def _opened(self) -> AsyncConnectionPool[TimedConnection]:
        pool = self._pool
        self.check_not_ended()
        if pool is None:
            self._pool = pool = AsyncConnectionPool(
                self._url,
                connection_class=self._noting(),
                kwargs=CONNECTING | {"connect_timeout": 2},
                min_size=1,
                max_size=_MOST,
                open=False,
                configure=configure,
                reconnect_timeout=1.0,
            )
            await pool.open()
        return pool

    def _noting(self) -> type[TimedConnection]:
        """Connections that note why there is none: the pool only says that it took too long.

        Where one of them says nothing, those that were made before are not used again.
        """
        pool = self

        class Noting(TimedConnection):
            @classmethod
            async def connect(cls, conninfo: str = "", **options: Any) -> Noting:
                try:
                    made = await super().connect(conninfo, **options)
                except psycopg.Error as error:
                    pool._not_connected = error
                    raise
                pool._not_connected = None
                return made

            def _problem(self, silent_s: float) -> str | None:
                if pool._has_ended:
                    return _ENDS
                problem = super()._problem(silent_s)
                if problem is not None:
                    pool._stale_until = monotonic()
                return problem

        return Noting


async def configure(connection: AsyncConnection) -> None:
    """Set what turns rely on, whatever the database or the role has set.

    The database ends what a frozen emulator has begun, and a wait for a lock that takes too long; it has
    written down what it says that it has committed.
    """
    await connection.execute(
        f"SET idle_in_transaction_session_timeout = {IDLE_MS}; SET lock_timeout = {LOCK_MS}; "
        "SET statement_timeout = 0; SET client_min_messages = error; SET standard_conforming_strings = on; "
        "SELECT set_config('synchronous_commit', 'on', false)"
        " WHERE current_setting('synchronous_commit') = 'off'"
    )


async def kept_alive(connection: AsyncConnection, work: Awaitable[T]) -> T:
    """Do ``work``, while the database is told that this emulator is not frozen; answers what it returns."""
    task = asyncio.ensure_future(work)
    try:
        while not (await asyncio.wait([task], timeout=_ALIVE_S))[0]:
            await connection.execute("SELECT 1")
    except BaseException:
        task.cancel()
        raise
    return task.result()
