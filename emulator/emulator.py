"""The whole emulator behind its web interface: the fixtures, the state directory, the workspaces."""

from __future__ import annotations

import atexit
import os
from collections.abc import Callable
from typing import IO, TYPE_CHECKING

from emulator.endpoint.exchange import Exchange
from emulator.fixtures.load import load_fixtures
from emulator.loop.gc_pause import collections_paused
from emulator.loop.shared_loop import LoopLock, LoopThread
from emulator.messages import Answer, Incoming
from emulator.settings import Settings
from emulator.store.errors import StateError
from emulator.store.fixture_set import FixtureSet
from emulator.store.freeing import begin_freeing
from emulator.store.lock import StateLock
from emulator.workspaces.closing import CLOSING_S
from emulator.workspaces.registry import Workspaces

if TYPE_CHECKING:
    from emulator.postgres.opening import DatabaseState


class Emulator:
    """Everything that lives while the server runs.

    Under another server each user of it holds the lock ``turn``, and coroutines run in ``loop_thread``.

    Raises :class:`~emulator.fixtures.load.FixtureError`, :class:`~emulator.store.errors.StateError` and
    :class:`OSError`; then nothing is left open.
    """

    def __init__(self, settings: Settings) -> None:
        begin_freeing()
        self.settings = settings
        self.turn = LoopLock()
        self.loop_thread = LoopThread(self.turn)
        self._process: int | None = os.getpid()
        self._lock = None if settings.folder is None else StateLock(settings.folder)
        self.shared: DatabaseState | None = None
        try:
            with collections_paused():
                fixtures = load_fixtures(settings.fixtures, settings.platform, notes=settings.folder)
                if settings.database is None:
                    self.workspaces = Workspaces(settings, fixtures, self._lock)
                else:
                    self.shared = _open_shared(settings, fixtures)
                    self.workspaces = self.shared.workspaces
        except BaseException:
            self._release()
            raise
        self.exchange = Exchange(self.workspaces)

    def answer(self, incoming: Incoming, body: bytes | IO[bytes], work: Callable[[], Answer]) -> Answer:
        """The answer that ``work`` gives to a request, at once or in a turn of its workspace."""
        if self.shared is None or incoming.problem == "unread":
            return work()
        return self.shared.turns.answer(incoming, body, work, self.exchange.refuse)

    def close(self, seconds: float = CLOSING_S) -> None:
        """Write as many states as this many seconds allow, and release the directory.

        A second call and a call in a fork do nothing.
        """
        if self._process != os.getpid():
            return
        self._process = None
        atexit.unregister(self.close)
        if self.shared is not None and self.shared.turns.connections.is_open:
            self.loop_thread.run(self.close_connections())
        self.loop_thread.stop()
        with self.turn:
            self.workspaces.close(seconds)
            self._release()

    async def close_connections(self) -> None:
        """Close the connections to a database, on the loop that has used it."""
        if self.shared is not None:
            await self.shared.imports.leave()
            await self.shared.turns.close()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


def _open_shared(settings: Settings, fixtures: FixtureSet) -> DatabaseState:
    try:  # a state in files needs none of this
        from emulator.postgres.opening import open_shared  # noqa: PLC0415
    except ImportError as error:
        missing = str(error).partition("\n")[0]
        raise StateError(
            f"--state postgresql://… needs more packages ({missing}): pip install 'push-emulator[postgres]'"
        ) from error
    return open_shared(settings, fixtures)
