"""A workspace: one complete isolated world, with its own state, journal, faults, clock, ids and policies."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from time import monotonic
from typing import Any, Literal, get_args

import msgspec
from msgspec.structs import replace

from emulator.faults.armed import ArmedFaults
from emulator.faults.model import Fault
from emulator.journal.events import Event, EventJournal
from emulator.journal.journal import Journal, RequestJournal
from emulator.loop.pacing import Steps, at_once, in_steps, paced
from emulator.settings import Settings
from emulator.store.errors import DamagedState
from emulator.store.fixture_set import FixtureSet
from emulator.store.interface import ignore
from emulator.store.shared_state import SharedState
from emulator.store.tables import REMEMBERED
from emulator.store.tinydb_store import TinyDBStore, made_from
from emulator.workspaces.clock import REAL_TIME, ClockSetting, WorkspaceClock
from emulator.workspaces.ids import ObjectIds
from emulator.workspaces.metrics import Metrics
from emulator.workspaces.remembered import RememberedFaults, read_remembered
from emulator.workspaces.replays import Replays
from emulator.workspaces.settings import WorkspaceSettings, starting_settings
from emulator.workspaces.stored import state_file

JournalName = Literal["requests", "events"]
JOURNALS: tuple[JournalName, ...] = get_args(JournalName)
Journals = tuple[RequestJournal, EventJournal]
#: The parts that a reset can keep.
KEEPABLE = (*REMEMBERED, *JOURNALS)
#: The most records that are dropped without a notice.
_QUICKLY_FREED = 2000


class Workspace:
    """One world. Raises :class:`~emulator.store.errors.StateError` if its state file cannot be read.

    ``journals``: those to continue, new ones if not given. ``store``: that of a workspace that is not made:
    it is only read, or a fork; no file is touched. ``files``: options of
    :class:`~emulator.store.storage.LoggedStorage` that concern them. ``settings`` can be changed while it
    runs, ``metrics`` counts what happened since the server started.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        fixtures: FixtureSet,
        journals: Journals | None = None,
        store: TinyDBStore | None = None,
        monotonic: Callable[[], float] = monotonic,
        **files: Any,
    ) -> None:
        self.name = name
        self.fixtures = fixtures
        self._monotonic = monotonic
        self.started = self._used = monotonic()
        self._reset_at = -math.inf
        self.metrics = Metrics()
        if journals is None:
            self.requests = RequestJournal(settings.journal_count, settings.journal_bytes)
        else:
            self.requests, self.events = journals
        self.clock = WorkspaceClock()
        self.replays = Replays()
        self.server = settings
        self.settings = WorkspaceSettings()
        self.faults = ArmedFaults(None if settings.seed is None else f"{settings.seed}/{name}")
        self.made = store is None
        self._seed = settings.seed
        self._ids = ObjectIds(self.clock, settings.seed)
        self.store = store or TinyDBStore(
            state_file(settings.state, name),
            settings.durability,
            min_log_bytes=settings.min_log_bytes,
            shared=lambda: at_once(self.begun_from(self.fixtures, self.clock)),
            **files,
        )
        if self.made:
            self.store.on_taken_back = self._taken_back
        try:
            self._recall()
        except ValueError as error:
            self.store.discard()
            raise DamagedState(state_file(settings.state, name), 0, str(error)) from error

    def begun_from(self, fixtures: FixtureSet, clock: WorkspaceClock) -> Steps[SharedState]:
        """What a workspace with this clock begins with: made once for all whose clock nobody has set."""
        shared = fixtures.shared if clock.setting == REAL_TIME else None
        if shared is None:
            new_id = ObjectIds(clock, self._seed).profile_id
            store = yield from made_from(fixtures, clock.timestamp(), new_id)
            shared = SharedState(store.storage.state)
            if clock.setting == REAL_TIME:
                fixtures.shared = shared = fixtures.shared or shared  # the first of those made side by side
        return shared

    @cached_property
    def events(self) -> EventJournal:
        """The journal of events, made when it is first asked for: most workspaces get none."""
        return EventJournal(self.server.journal_count, self.server.journal_bytes)

    @property
    def ids(self) -> ObjectIds:
        """The source of profile ids. Read it again for each request: see ``after``."""
        return self._ids.after(self.store.profiles_made)

    def journal(self, name: JournalName) -> Journal[Any, Any]:
        """The journal of this name."""
        return self.requests if name == "requests" else self.events

    def fork(self) -> Workspace:
        """The same world in memory, with counts and ids of its own; each of the two may change."""
        return Workspace(self.name, self.server, self.fixtures, store=self.store.fork())

    def touch(self) -> None:
        """Record that the workspace is in use."""
        self._used = self._monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last use of the workspace."""
        return self._monotonic() - self._used

    @property
    def since_reset_s(self) -> float:
        """Seconds since the last reset: negative while one is expected, infinite without any."""
        return self._monotonic() - self._reset_at

    def expect_reset(self, seconds: float) -> None:
        """Record that a reset comes in this many seconds: the one after it waits accordingly."""
        self._reset_at = self._monotonic() + seconds

    @property
    def resets_at_once(self) -> bool:
        """Whether a reset is short and may be done at once."""
        shared, store = self.fixtures.shared, self.store
        return (
            shared is not None
            and not shared.is_large
            and store.profile_count + store.subscription_count <= _QUICKLY_FREED
        )

    def reset(self, keep: Collection[str] = ()) -> None:
        """Reset to the fixtures in one transaction; ``keep``: the parts of :data:`KEEPABLE` that stay.

        Raises :class:`~emulator.store.errors.Unavailable`; then nothing has changed.
        """
        shared = at_once(self.begun_from(self.fixtures, self._clock_after(keep)))
        at_once(self.store.start_over(shared, self._kept(keep)))
        self._forget(keep)

    async def reset_in_steps(self, keep: Collection[str] = ()) -> None:
        """:meth:`reset`; with many profiles in steps that stop nobody.

        Until all is ready, requests are answered from the state that was; then they wait for the files.
        """
        while True:
            fixtures = self.fixtures
            shared = await in_steps(self.begun_from(fixtures, self._clock_after(keep)))
            async with self.store.alone():
                if fixtures is self.fixtures:  # else others came meanwhile
                    await self.store.start_over(shared, self._kept(keep))
                    self._forget(keep)
                    return

    def _clock_after(self, keep: Collection[str]) -> WorkspaceClock:
        return self.clock if "clock" in keep else WorkspaceClock()

    def _kept(self, keep: Collection[str]) -> dict[str, bytes]:
        kept = {name: self.store.recall(name) for name in REMEMBERED if name in keep}
        return {name: document for name, document in kept.items() if document is not None}

    def _forget(self, keep: Collection[str]) -> None:
        self._taken_back()
        if "requests" not in keep:
            self.requests.clear()
        if "events" not in keep:
            self.events.clear()
        self._reset_at = max(self._reset_at, self._monotonic())

    async def restore(self, other: TinyDBStore, events: Sequence[Event] = ()) -> None:
        """Put a whole state in place of this one, what is remembered in it included, and these events.

        The journal of requests stays.

        Raises :class:`~emulator.store.errors.Unavailable`; then nothing has changed.
        """
        async with self.store.alone():
            await self.store.take(other)
            self.faults.replace([])
            self._taken_back()
            self.events.clear()
            async for event in paced(events):
                self.events.record(event)

    # Settings, clock and faults: written first, then in force

    def set_settings(self, choices: WorkspaceSettings) -> None:
        """Change the settings.

        Raises :class:`~emulator.store.errors.Unavailable`; then nothing has changed.
        """
        self._remember("settings", choices)

    def set_clock(self, setting: ClockSetting) -> None:
        """Set the clock. Raises as :meth:`set_settings` does."""
        self._remember("clock", setting)

    def set_faults(self, faults: list[Fault]) -> None:
        """Replace the armed faults. Raises as :meth:`set_settings` does."""
        self._remember("faults", RememberedFaults(faults))

    def arm(self, fault: Fault) -> Fault:
        """Arm one more fault and give it an id. Raises as :meth:`set_settings` does."""
        fault = replace(fault, id=self.faults.new_id())
        self.set_faults([*self.faults, fault])
        return fault

    def disarm(self, fault_id: str | None = None) -> int:
        """Disarm one fault, or all; returns their number. Raises as :meth:`set_settings` does."""
        kept = [] if fault_id is None else [fault for fault in self.faults if fault.id != fault_id]
        disarmed = len(self.faults) - len(kept)
        if disarmed:
            self.set_faults(kept)
        return disarmed

    @contextmanager
    def firing(self, fault: Fault) -> Iterator[None]:
        """Count a fault as fired, in one transaction with the changes of its request.

        Raises :class:`~emulator.store.errors.Unavailable` at the end; then neither has happened. Only
        a fault with ``times`` is stored for it.
        """
        if fault.times is None:
            yield
            fault.fired += 1
            return
        fired = replace(fault, times=fault.times - 1, fired=fault.fired + 1)
        with self.store.batch():
            faults = [fired if one is fault else one for one in self.faults]
            self.store.remember("faults", msgspec.json.encode(RememberedFaults(faults)))
            yield
        self._recall()

    def _remember(self, name: str, value: msgspec.Struct) -> None:
        self.store.remember(name, msgspec.json.encode(value))
        self._recall()

    def refresh(self) -> None:
        """Use what the store has, after somebody has changed it from outside."""
        self.store.learn_configuration()
        self._recall()

    def _taken_back(self) -> None:
        self.replays.clear()
        self._recall()

    def _recall(self) -> None:
        """Use what the store has, also where the disk refused and that is less than before."""
        found = {}
        for name in REMEMBERED:
            document = self.store.recall(name)
            if document is not None:
                found[name] = read_remembered(name, document)
        self.settings = found.get("settings") or starting_settings(self.server, self.fixtures.platform)
        self.clock.setting = found.get("clock", REAL_TIME)
        self.faults.replace(found["faults"].armed if "faults" in found else [])

    def close(self, deadline: float = math.inf) -> None:
        """Write the state before ``deadline`` (:func:`time.monotonic`), if possible, and release it."""
        if monotonic() < deadline:
            self.store.close(deadline)
        else:
            self.store.discard()

    def give_journals(self) -> Journals:
        """Hand over the journals with all calls that wait for their news; this workspace records no more."""
        given = self.requests, self.events
        self.requests, self.events = RequestJournal(0, 0), EventJournal(0, 0)
        for journal in given:
            journal.restart()
        return given

    def discard(self) -> None:
        """Release the state without writing it, when its files are deleted."""
        self.store.discard()
        self.store.on_taken_back = ignore  # no cycle of references keeps the workspace
