"""A workspace: one complete isolated world, with its own state, journal, faults, clock, ids and policies."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

import msgspec
from msgspec.structs import replace

from emulator.faults.armed import ArmedFaults
from emulator.faults.model import Fault
from emulator.journal.journal import RequestJournal
from emulator.settings import Settings
from emulator.store.errors import DamagedState
from emulator.store.fixture_set import FixtureSet
from emulator.store.tables import REMEMBERED
from emulator.store.tinydb_store import TinyDBStore
from emulator.workspaces.clock import REAL_TIME, ClockSetting, WorkspaceClock
from emulator.workspaces.ids import ObjectIds
from emulator.workspaces.metrics import Metrics
from emulator.workspaces.remembered import RememberedFaults, read_remembered
from emulator.workspaces.settings import WorkspaceSettings

DEFAULT_WORKSPACE = "default"
#: The parts that a reset can keep.
KEEPABLE = (*REMEMBERED, "requests")


class Workspace:
    """One world. Raises :class:`~emulator.store.errors.StateError` if its state file cannot be read.

    ``requests``: the journal (default: a new one). ``store``: the data of a workspace that does not exist
    yet: it is never changed through it, and no file is touched. ``check_lock`` raises :class:`OSError` when
    the state directory has become another process's. ``settings`` can change while the server runs,
    ``metrics`` counts since the server started; ``editing`` is held during a change by hand, which may take
    a while.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        fixtures: FixtureSet,
        requests: RequestJournal | None = None,
        store: TinyDBStore | None = None,
        check_lock: Callable[[], object] = lambda: None,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self.name = name
        self.fixtures = fixtures
        self._monotonic = monotonic
        self.started = self._used = monotonic()
        self.editing = asyncio.Lock()
        self.metrics = Metrics()
        if requests is None:
            requests = RequestJournal(settings.journal_count, settings.journal_bytes)
        self.requests = requests
        self.clock = WorkspaceClock()
        self._initial_settings = self.settings = WorkspaceSettings(settings.policies, settings.strict)
        self.faults = ArmedFaults(None if settings.seed is None else f"{settings.seed}/{name}")
        self.made = store is None
        self.store = store or TinyDBStore(
            state_file(settings.state, name),
            settings.durability,
            min_log_bytes=settings.min_log_bytes,
            check_lock=check_lock,
        )
        if self.made:
            self.store.on_taken_back = self._recall
        self._seed = settings.seed
        self._ids = ObjectIds(self.clock, settings.seed)
        if self.made and self.store.fresh:
            self.reset(keep=("requests",))
            return
        try:
            self._recall()
        except ValueError as error:
            self.store.discard()
            raise DamagedState(state_file(settings.state, name), 0, str(error)) from error

    @property
    def ids(self) -> ObjectIds:
        """The source of profile ids. Read it again for each request: see ``after``."""
        return self._ids.after(self.store.profiles_made)

    def touch(self) -> None:
        """Record that the workspace is in use."""
        self._used = self._monotonic()

    @property
    def idle_s(self) -> float:
        """Seconds since the last use of the workspace."""
        return self._monotonic() - self._used

    def reset(self, keep: Collection[str] = ()) -> None:
        """Reset to the fixtures in one transaction; ``keep``: the parts of :data:`KEEPABLE` that stay.

        Raises :class:`~emulator.store.errors.Unavailable`; then nothing has changed.
        """
        kept = {name: self.store.recall(name) for name in REMEMBERED if name in keep}
        clock = self.clock if "clock" in keep else WorkspaceClock()
        self.store.replace(
            self.fixtures,
            clock.timestamp(),
            ObjectIds(clock, self._seed).profile_id,
            {name: document for name, document in kept.items() if document is not None},
        )
        if "faults" not in keep:
            self.faults.replace([])
        self._recall()
        if "requests" not in keep:
            self.requests.clear()

    def restore(self, other: TinyDBStore) -> None:
        """Replace the whole state, with settings, clock and faults. The journal stays.

        Raises :class:`~emulator.store.errors.Unavailable`; then nothing has changed.
        """
        self.store.take(other)
        self.faults.replace([])
        self._recall()

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

    def _recall(self) -> None:
        """Use what the store has, also where the disk refused and that is less than before."""
        found = {}
        for name in REMEMBERED:
            document = self.store.recall(name)
            if document is not None:
                found[name] = read_remembered(name, document)
        self.settings = found.get("settings", self._initial_settings)
        self.clock.setting = found.get("clock", REAL_TIME)
        self.faults.replace(found["faults"].armed if "faults" in found else [])

    def close(self, deadline: float = math.inf) -> None:
        """Write the state before ``deadline`` (:func:`time.monotonic`), if possible, and release it."""
        if monotonic() < deadline:
            self.store.close(deadline)
        else:
            self.store.discard()

    def give_requests(self) -> RequestJournal:
        """Hand over the journal with all calls that wait for its news; this workspace records no more."""
        given, self.requests = self.requests, RequestJournal(0, 0)
        given.restart()
        return given

    def discard(self) -> None:
        """Release the state without writing it: its files are deleted next."""
        self.store.discard()


def state_file(folder: Path, name: str) -> Path:
    """The state file of a workspace."""
    return folder / f"{name}.json"
