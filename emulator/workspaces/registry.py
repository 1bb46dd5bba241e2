"""All workspaces of a server: creation by the first change, reading, listing, deletion, expiry."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic

from emulator.loop.pacing import in_steps, paced
from emulator.rules.errors import Refused, TooMany
from emulator.rules.texts import Problem
from emulator.settings import Settings
from emulator.store.errors import StateError, Unavailable
from emulator.store.fixture_set import FixtureSet
from emulator.store.lock import StateLock
from emulator.store.recovery import Recovered
from emulator.workspaces.clock import WorkspaceClock
from emulator.workspaces.closing import CLOSING_S, close_all
from emulator.workspaces.errors import opening
from emulator.workspaces.names import DEFAULT_WORKSPACE, check_deletable, check_name
from emulator.workspaces.resting import LastUsed
from emulator.workspaces.stored import StoredWorkspaces
from emulator.workspaces.unmade import UnmadeWorkspaces
from emulator.workspaces.workspace import Workspace


class Workspaces:
    """The workspaces by name. ``default`` is there from the start and is never deleted or expired.

    A name without a workspace can be read. Its requests are kept in memory, within bounds; a call that waits
    for more of them continues to wait when a workspace of this name is created or deleted. ``on_delete``:
    callbacks that get the name of each workspace before its deletion.

    ``lock`` holds the state directory; without one nobody checks it. ``monotonic`` returns seconds.
    """

    def __init__(
        self,
        settings: Settings,
        fixtures: FixtureSet,
        lock: StateLock | None = None,
        monotonic: Callable[[], float] = monotonic,
    ) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._check_lock: Callable[[], None] = lock.check if lock is not None else lambda: None
        self.fixtures = fixtures
        self._open: dict[str, Workspace] = {}
        self._opening: dict[str, asyncio.Task[None]] = {}
        self._users: Counter[str] = Counter()
        self.last_used = LastUsed(self._open, monotonic)
        self._stored = StoredWorkspaces(settings, self._check_lock)
        self._unmade = UnmadeWorkspaces(settings, self._users)
        self.on_delete: list[Callable[[str], object]] = []
        self.default = self._new(DEFAULT_WORKSPACE)

    @property
    def trouble(self) -> str | None:
        """Why no state can be read or written just now."""
        return None

    def __iter__(self) -> Iterator[Workspace]:
        return iter(list(self._open.values()))

    def get(self, name: str | None) -> Workspace:
        """The workspace of this name (``None``: the default one), created from the fixtures if it is new.

        Raises :class:`Refused`: 400 for an invalid name or a foreign file in place of the state file, 429 for
        too many workspaces, 500 if the state cannot be read or written, 503 if the system lets the process
        open no more files.
        """
        workspace = self._open.get(name or DEFAULT_WORKSPACE) or self._make(name or DEFAULT_WORKSPACE)
        workspace.touch()
        return workspace

    def look(self, name: str | None) -> Workspace:
        """The workspace of this name, to read from.

        Without a workspace of this name it is the one that a change would create: in memory only, with data
        that all such workspaces share and with a journal of its own. Raises :class:`Refused` as :meth:`get`
        does.
        """
        name = name or DEFAULT_WORKSPACE
        check_name(name)
        return self.get(name) if self.is_made(name) else self._unmade.look(name, self.fixtures)

    def is_made(self, name: str) -> bool:
        """Whether there is a workspace of this name, in memory or on the disk."""
        return name in self._open or self._stored.has(name)

    def ready(self, name: str) -> Workspace | None:
        """The workspace of this name if it is open and :meth:`is_ready`; it is in use now."""
        workspace = self._open.get(name)
        if workspace is None or workspace.store.held is not None:
            return None
        workspace.touch()
        return workspace

    def is_ready(self, name: str) -> bool:
        """Whether a request for the workspace of this name can be answered now: see :meth:`until_ready`."""
        workspace = self._open.get(name)
        return not self.is_opening(name) and (workspace is None or workspace.store.held is None)

    def is_opening(self, name: str) -> bool:
        """Whether the workspace of this name is still to be opened, which takes long."""
        return name not in self._open and (name in self._opening or self._stored.is_large(name))

    async def until_ready(self, name: str) -> None:
        """Wait while the state of this workspace is changed in steps, and open a large one in steps.

        Raises :class:`Refused` as :meth:`get` does.
        """
        while not self.is_ready(name):
            if name not in self._open and name not in self._opening:
                self._opening[name] = asyncio.create_task(self._open_in_steps(name))
            await self.until_settled(name)

    def is_settled(self, name: str) -> bool:
        """Whether nobody opens or changes the workspace of this name in steps."""
        workspace = self._open.get(name)
        return name not in self._opening and (workspace is None or workspace.store.held is None)

    def is_used(self, name: str) -> bool:
        """Whether a client waits for an answer from the workspace of this name."""
        return name in self._users

    async def until_settled(self, name: str) -> None:
        """:meth:`until_ready`, but one that is not open stays so."""
        while not self.is_settled(name):
            workspace, opening = self._open.get(name), self._opening.get(name)
            if workspace is not None and workspace.store.held is not None:
                await workspace.store.held.wait()
            elif opening is not None:
                await asyncio.wait([opening])  # one who waits no longer leaves it to the others
                opening.result()

    async def get_for(self, name: str, work: Callable[[Workspace], Awaitable[object]]) -> Workspace:
        """The workspace of this name for ``work``; a new one is created only if ``work`` succeeds in it.

        Raises what ``work`` raises in a fresh workspace, and :class:`Refused` as :meth:`get` does.
        """
        if not self.is_made(name):
            await work(self._unmade.make(name, self.fixtures))
        return await self.get_settled(name)

    async def get_settled(self, name: str) -> Workspace:
        """The workspace of this name when nobody changes it in steps: the caller may begin at once.

        Raises :class:`Refused` as :meth:`get` does.
        """
        await self.until_settled(name)
        return self.get(name)

    @contextmanager
    def in_use(self, name: str) -> Iterator[None]:
        """Keep the workspace of this name from expiring while a client waits for its answer."""
        self._users[name] += 1
        try:
            yield
        finally:
            self._users[name] -= 1
            if not self._users[name]:
                del self._users[name]
            if name in self._open:
                self._open[name].touch()

    def names(self) -> list[str]:
        """The names of all workspaces, in memory and on the disk, sorted."""
        return sorted(self._stored.names().union(self._open))

    def delete(self, name: str) -> bool:
        """Delete a workspace with its files; returns whether there was one.

        Raises :class:`Refused`; then the workspace is as before.
        """
        check_deletable(name)
        workspace = self._open.get(name)
        if not self._stored.delete(name, workspace.store if workspace is not None else None):
            return False
        for forget in self.on_delete:  # a successor inherits nothing
            forget(name)
        if workspace is not None:
            del self._open[name]
            if self.is_used(name):  # who waits for requests waits on, for those of a successor
                self._unmade.keep(name, self.fixtures, workspace.give_journals())
            workspace.discard()
        return True

    async def delete_settled(self, name: str) -> bool:
        """:meth:`delete` when nobody opens or changes the workspace in steps."""
        await self.until_settled(name)
        return self.delete(name)

    async def delete_all(self, names: Sequence[str]) -> list[str]:
        """Delete one after the other; returns the names of those that were there. Raises :class:`Refused`."""
        return [name async for name in paced(names, 1) if await self.delete_settled(name)]

    async def delete_idle(self, problems: list[str]) -> list[str]:
        """Delete the workspaces that were idle for ``workspace_ttl`` seconds; returns their names.

        A workspace is in use while a client waits for its answer. For a workspace that is only on the disk,
        since an earlier run, the last change counts. ``problems`` gets those that cannot be deleted.
        """
        return [name async for name in paced(self._idle(), 1) if self._expire(name, problems)]

    def _idle(self) -> list[str]:
        names = [] if self._settings.workspace_ttl is None else self.names()
        return [name for name in names if name != DEFAULT_WORKSPACE]

    def _expire(self, name: str, problems: list[str]) -> bool:
        try:
            workspace = self._open.get(name)
            idle_s = workspace.idle_s if workspace is not None else self._stored.idle_s(name)
            is_old = idle_s > (self._settings.workspace_ttl or 0.0) and self.is_settled(name)
            return is_old and not self.is_used(name) and self.delete(name)
        except (OSError, Refused, StateError, Unavailable) as error:
            problems.append(f"workspace {name} cannot be deleted: {error}")
            return False

    def rest(self, idle_s: float) -> None:
        """Close the files of the workspaces that were idle for this many seconds."""
        for workspace in self:
            if workspace.idle_s >= idle_s:
                workspace.store.rest()

    async def use_fixtures(self, fixtures: FixtureSet) -> dict[str, str]:
        """Begin every workspace anew from other fixtures; the names of those that could not be, and why.

        One that is not open is deleted: its next use makes it from them. Raises :class:`OSError` before all.
        """
        begun = await in_steps(self.default.begun_from(fixtures, WorkspaceClock()))
        await self._stored.prepare(begun)  # for all that begin from now on
        names, before, self.fixtures = self.names(), self.fixtures, fixtures
        refused = {}
        async for name in paced(names, 1):
            try:
                await self.until_settled(name)
                workspace = self._open.get(name)
                if workspace is None:
                    self.delete(name)
                # One that was made anew meanwhile has them; one that was opened meanwhile does not.
                elif workspace.fixtures is not fixtures or not workspace.store.storage.fresh:
                    with self.in_use(name):
                        workspace.fixtures = fixtures
                        await workspace.reset_in_steps()
            except (OSError, Refused, Unavailable) as error:
                refused[name] = str(error)
        if before.shared is not None:
            before.shared.close()
        return refused

    def close(self, seconds: float = CLOSING_S) -> None:
        """Write the states, the default workspace's first, as many as these seconds allow; release all."""
        close_all(list(self), seconds)
        if self.fixtures.shared is not None:
            self.fixtures.shared.close()

    async def _open_in_steps(self, name: str) -> None:
        try:
            self._check_room()
            with opening(name):
                recovered = await self._stored.recover(name)
            if name not in self._open:
                self._make(name, recovered)
        finally:
            del self._opening[name]

    def _check_room(self) -> None:
        most = self._settings.max_workspaces
        if len(self._open) >= most:
            any(self._expire(name, []) and len(self._open) < most for name in self._idle())
        if len(self._open) >= most:
            text = "there are %(most)s already; delete some, or start with --max-workspaces"
            raise TooMany(Problem.of("workspace", text, most=most))

    def _make(self, name: str, recovered: Recovered | None = None) -> Workspace:
        check_name(name)
        self._check_room()
        with opening(name):
            return self._new(name, recovered)

    def _new(self, name: str, recovered: Recovered | None = None) -> Workspace:
        """A workspace that continues the journals and the metrics that were kept under its name."""
        before = self._unmade.get(name)
        workspace = Workspace(
            name,
            self._settings,
            self.fixtures,
            (before.requests, before.events) if before is not None else None,
            check_lock=self._check_lock,
            monotonic=self._monotonic,
            recovered=recovered,
            is_new=recovered is None and not self._stored.has(name),
        )
        if before is not None:
            workspace.metrics = before.metrics
            self._unmade.drop(name)
        self._open[name] = workspace
        return workspace
