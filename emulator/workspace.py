"""A workspace: one complete isolated world, with its own state, clock, ids and policies."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from time import monotonic

from emulator.clock import WorkspaceClock
from emulator.fixtures.model import FixtureSet
from emulator.ids import ObjectIds
from emulator.settings import Settings
from emulator.store.group_commit import GroupCommit
from emulator.store.tinydb_store import TinyDBStore

DEFAULT_WORKSPACE = "default"


class Workspace:
    """One world. Raises :class:`~emulator.store.errors.StateError` if its state file cannot be read.

    ``decided`` counts how often each rule has decided.
    """

    def __init__(self, name: str, settings: Settings, fixtures: FixtureSet) -> None:
        self.name = name
        self.strict = settings.strict
        self.policies = settings.policies
        self.clock = WorkspaceClock()
        self.fixtures = fixtures
        self.started = monotonic()
        self.decided: Counter[str] = Counter()
        self.store = TinyDBStore(state_file(settings.state, name), settings.durability)
        self.group_commit = GroupCommit(self.store.storage)
        self.ids = ObjectIds(self.clock, settings.seed, self.store.profiles_made)
        if self.store.fresh:
            self.reset()

    def reset(self) -> None:
        """Back to the fixtures, as one transaction."""
        self.ids.restart()
        self.store.replace(self.fixtures, self.clock.timestamp(), self.ids.profile_id)

    def close(self) -> None:
        """Write the state down and let go of it."""
        self.store.close()


def state_file(folder: Path, name: str) -> Path:
    """The state file of a workspace."""
    return folder / f"{name}.json"
