"""A workspace: one complete isolated world, with its own state, journal, faults, clock, ids and policies."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from pathlib import Path
from time import monotonic

import msgspec

from emulator.choices import Choices
from emulator.clock import ClockSetting, WorkspaceClock
from emulator.faults.armed import ArmedFaults
from emulator.faults.model import Fault
from emulator.fixtures.model import FixtureSet
from emulator.ids import ObjectIds
from emulator.requests.journal import RequestJournal
from emulator.settings import Settings
from emulator.store.group_commit import GroupCommit
from emulator.store.state import State
from emulator.store.tables import REMEMBERED
from emulator.store.tinydb_store import TinyDBStore
from emulator.tally import Tally

DEFAULT_WORKSPACE = "default"
#: What a reset can leave alone.
KEEPABLE = (*REMEMBERED, "requests")


class RememberedFaults(msgspec.Struct):
    """The armed faults as they are stored: TinyDB's documents are objects."""

    armed: list[Fault]


class Workspace:
    """One world. Raises :class:`~emulator.store.errors.StateError` if its state file cannot be read.

    ``choices`` are what can be set while it runs, ``tally`` counts what happened since the server started;
    ``editing`` is held while somebody changes the state by hand, which may take a while.
    """

    def __init__(self, name: str, settings: Settings, fixtures: FixtureSet) -> None:
        self.name = name
        self.fixtures = fixtures
        self.started = self._used = monotonic()
        self.editing = asyncio.Lock()
        self.tally = Tally()
        self.requests = RequestJournal(settings.journal_count, settings.journal_bytes)
        self.clock = WorkspaceClock()
        self._initial_choices = self.choices = Choices(settings.policies, settings.strict)
        self.faults = ArmedFaults(None if settings.seed is None else f"{settings.seed}/{name}")
        self.store = TinyDBStore(
            state_file(settings.state, name),
            settings.durability,
            min_journal_bytes=settings.min_journal_bytes,
        )
        self.group_commit = GroupCommit(self.store.storage)
        self.ids = ObjectIds(self.clock, settings.seed, self.store.profiles_made)
        if self.store.fresh:
            self.reset()
        else:
            self._recall()

    def touch(self) -> None:
        """Note that the workspace is in use."""
        self._used = monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since anybody used the workspace."""
        return monotonic() - self._used

    def reset(self, keep: Collection[str] = ()) -> None:
        """Back to the fixtures, in one transaction; ``keep`` leaves some of :data:`KEEPABLE` alone.

        Raises :class:`~emulator.store.errors.StorageUnavailable`; then nothing has changed.
        """
        remembered = {name: self.store.recall(name) for name in REMEMBERED if name in keep}
        clock = WorkspaceClock() if "clock" not in keep else self.clock
        self.ids.restart()
        self.store.replace(
            self.fixtures,
            clock.timestamp(),
            self.ids.profile_id,
            {name: document for name, document in remembered.items() if document is not None},
        )
        if "clock" not in keep:
            self.clock.run()
        if "settings" not in keep:
            self.choices = self._initial_choices
        if "faults" not in keep:
            self.faults.clear()
        if "requests" not in keep:
            self.requests.clear()

    def restore(self, state: State) -> None:
        """Put a whole state in place of this one, what is remembered in it included. The journal stays.

        Raises :class:`~emulator.store.errors.StorageUnavailable`; then nothing has changed.
        """
        self.store.take(state)
        self.choices = self._initial_choices
        self.clock.run()
        self.faults.clear()
        self._recall()
        self.ids.restart(self.store.profiles_made)

    def choose(self, choices: Choices) -> None:
        """Set the choices, and remember them."""
        self.store.remember("settings", msgspec.json.encode(choices))
        self.choices = choices

    def remember_clock(self) -> None:
        """Have the clock's setting survive a restart."""
        self.store.remember("clock", msgspec.json.encode(self.clock.setting))

    def remember_faults(self) -> None:
        """Have the armed faults survive a restart."""
        self.store.remember("faults", msgspec.json.encode(RememberedFaults(list(self.faults))))

    def close(self, deadline: float) -> None:
        """Write the state down, if it can be by ``deadline`` (:func:`time.monotonic`), and let go of it."""
        if monotonic() < deadline:
            self.store.storage.give_up_at = deadline
            self.store.close()
        else:
            self.store.discard()

    def discard(self) -> None:
        """Let go of the state without writing it down: it is about to be deleted."""
        self.store.discard()

    def _recall(self) -> None:
        choices = self.store.recall("settings")
        if choices is not None:
            self.choices = msgspec.json.decode(choices, type=Choices)
        clock = self.store.recall("clock")
        if clock is not None:
            self.clock.setting = msgspec.json.decode(clock, type=ClockSetting)
        faults = self.store.recall("faults")
        if faults is not None:
            for fault in msgspec.json.decode(faults, type=RememberedFaults).armed:
                self.faults.arm(fault)


def state_file(folder: Path, name: str) -> Path:
    """The state file of a workspace."""
    return folder / f"{name}.json"
