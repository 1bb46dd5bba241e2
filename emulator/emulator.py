"""The whole emulator behind its web interface: the fixtures, the state directory, the workspaces."""

from __future__ import annotations

import atexit
import os

from emulator.endpoint.exchange import Exchange
from emulator.fixtures.load import load_fixtures
from emulator.loop.shared_loop import LoopLock, LoopThread
from emulator.settings import Settings
from emulator.store.lock import StateLock
from emulator.workspaces.registry import CLOSING_S, Workspaces


class Emulator:
    """Everything that lives while the server runs.

    Under another server each user of it holds the lock ``turn``, and coroutines run in ``loop_thread``.

    Raises :class:`~emulator.fixtures.load.FixtureError`, :class:`~emulator.store.errors.StateError` and
    :class:`OSError`; then nothing is left open.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.turn = LoopLock()
        self.loop_thread = LoopThread(self.turn)
        self._process: int | None = os.getpid()
        self._lock = None if settings.durability == "none" else StateLock(settings.state)
        try:
            fixtures = load_fixtures(settings.fixtures, settings.platform)
            self.workspaces = Workspaces(settings, fixtures, self._lock)
        except BaseException:
            self._release()
            raise
        self.exchange = Exchange(self.workspaces)

    def close(self, seconds: float = CLOSING_S) -> None:
        """Write as many states as this many seconds allow, and release the directory.

        A second call and a call in a fork do nothing.
        """
        if self._process != os.getpid():
            return
        self._process = None
        atexit.unregister(self.close)
        self.loop_thread.stop()
        with self.turn:
            self.workspaces.close(seconds)
            self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
