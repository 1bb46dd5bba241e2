"""What can be read under a name without a workspace: fresh data, and the journals of refused requests."""

from collections import OrderedDict
from collections.abc import Container
from dataclasses import replace

from emulator.settings import Settings
from emulator.store.fixture_set import FixtureSet
from emulator.store.tinydb_store import TinyDBStore
from emulator.workspaces.workspace import Journals, Workspace

#: The most names without a workspace whose refused requests are kept.
_MOST = 256


class UnmadeWorkspaces:
    """Workspaces in memory, by the names that no change has made yet: as many as together keep no more
    requests than one workspace does.

    ``in_use``: the names that clients wait for; they are not evicted.
    """

    def __init__(self, settings: Settings, in_use: Container[str]) -> None:
        self._settings = replace(settings, durability="none")
        self._in_use = in_use
        self._kept: OrderedDict[str, Workspace] = OrderedDict()
        self._fresh: Workspace | None = None

    def make(self, name: str, fixtures: FixtureSet) -> Workspace:
        """A workspace of its own that is not kept: in memory, as a change would find it."""
        return Workspace(name, self._settings, fixtures)

    def look(self, name: str, fixtures: FixtureSet) -> Workspace:
        """The workspace of this name, to read from: its data is shared, its journals are its own."""
        found = self._kept.get(name) or self.keep(name, fixtures)
        found.store = self._fresh_store(fixtures)
        if found.fixtures is not fixtures:
            found.fixtures = fixtures
            found.refresh()
        self._kept.move_to_end(name)
        self._evict()
        return found

    def get(self, name: str) -> Workspace | None:
        """The workspace that was read under this name."""
        return self._kept.get(name)

    def keep(self, name: str, fixtures: FixtureSet, journals: Journals | None = None) -> Workspace:
        """Show these journals, or new ones, under this name."""
        store = self._fresh_store(fixtures)
        kept = self._kept[name] = Workspace(name, self._settings, fixtures, journals, store)
        return kept

    def drop(self, name: str) -> None:
        """Forget a name that has a workspace now."""
        self._kept.pop(name, None)

    def _fresh_store(self, fixtures: FixtureSet) -> TinyDBStore:
        """The data of a workspace before its first change."""
        if self._fresh is None or self._fresh.fixtures is not fixtures:
            self._fresh = self.make("fresh", fixtures)
        return self._fresh.store

    def _evict(self) -> None:
        """Evict those that were read longest ago."""
        kept = sum(one.requests.bytes for one in self._kept.values())
        for name in list(self._kept):
            if len(self._kept) <= _MOST and kept <= self._settings.journal_bytes:
                return
            if name not in self._in_use:
                kept -= self._kept.pop(name).requests.bytes
