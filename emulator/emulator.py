"""The whole emulator behind its web interface: the fixtures, the state directory, the workspaces."""

from __future__ import annotations

from emulator.exchange import Exchange
from emulator.fixtures.load import load_fixtures
from emulator.settings import Settings
from emulator.store.lock import StateLock
from emulator.workspaces import Workspaces


class Emulator:
    """Everything that lives while the server runs.

    Raises :class:`~emulator.fixtures.load.FixtureError`, :class:`~emulator.store.errors.StateError` and
    :class:`OSError`; then nothing is left open.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._lock = None if settings.durability == "none" else StateLock(settings.state)
        try:
            self.workspaces = Workspaces(settings, load_fixtures(settings.fixtures), self._lock)
        except BaseException:
            self._release()
            raise
        self.exchange = Exchange(self.workspaces)

    def close(self) -> None:
        """Write every state down and let go of the directory."""
        self.workspaces.close()
        self._release()

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
