"""The workspaces of an emulator with its state in a database: those in memory follow their logs there."""

from asyncio import Event
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from psycopg import AsyncConnection

from emulator.faults.armed import ArmedFaults
from emulator.loop.pacing import Steps, at_once, in_steps
from emulator.postgres.connections import Connections
from emulator.postgres.following import FollowedWorkspace
from emulator.postgres.schema import Secret
from emulator.rules.errors import Refused
from emulator.settings import Settings
from emulator.store.errors import Unavailable
from emulator.store.fixture_set import FixtureSet
from emulator.store.recovery import Recovered
from emulator.store.shared_state import SharedState
from emulator.store.tinydb_store import made_from
from emulator.workspaces.clock import ClockSetting, WorkspaceClock
from emulator.workspaces.ids import ObjectIds
from emulator.workspaces.names import DEFAULT_WORKSPACE
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.workspace import JOURNALS, Workspace


class FollowedWorkspaces(Workspaces):
    """Workspaces in memory, each with how far it has followed its log.

    ``stored``: the names that the database had when somebody last asked for all. ``undone``: by names, how
    often what was in memory could not be stored.
    """

    #: Carries out what it is given in a turn of the workspace of this name, and returns its result.
    run: Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]

    def __init__(
        self, settings: Settings, fixtures: FixtureSet, connections: Connections, secret: Secret
    ) -> None:
        self._connections = connections
        self._secret = secret
        self.min_log_bytes = settings.min_log_bytes
        self.stored: set[str] = set()
        self._followed: dict[str, FollowedWorkspace] = {}
        self._in_turn: set[str] = set()
        self._unstored: dict[str, Event] = {}
        self.undone: Counter[str] = Counter()
        self._at: dict[str, float] = {}
        self._settings = settings
        self._ttl_s = settings.workspace_ttl or 0.0
        at_once(self._begin(fixtures))
        # Only delete_idle() deletes idle ones: it asks the database about the other emulators.
        super().__init__(replace(settings, durability="none", workspace_ttl=None), fixtures)

    def _begin(self, fixtures: FixtureSet) -> Steps[None]:
        """Use the same ids and times for the fixtures as every other emulator of this database."""
        clock, seed = WorkspaceClock(ClockSetting(self._secret.made_ms)), self._settings.seed
        of_all = ObjectIds(clock, int.from_bytes(self._secret.value, "big"))
        ids = of_all if seed is None else ObjectIds(WorkspaceClock(), seed)
        begun = yield from made_from(fixtures, clock.timestamp(), ids.profile_id)
        fixtures.shared = SharedState(begun.storage.state)

    def _new(self, name: str, recovered: Recovered | None = None) -> Workspace:
        workspace = super()._new(name, recovered)
        seed = self._settings.seed
        seed_here = None if seed is None else f"{seed}/{name}"
        workspace.faults = ArmedFaults(seed_here, now=lambda: self._at.get(name, 0.0))
        self._followed[name] = FollowedWorkspace(workspace)
        return workspace

    @property
    def trouble(self) -> str | None:
        return self._connections.trouble

    def names(self) -> list[str]:
        return sorted(self.stored.union(self._open))

    # For the turns

    def followed(self, name: str) -> FollowedWorkspace | None:
        """The progress of the workspace in its log, if it follows one."""
        found = self._followed.get(name)
        return found if found is not None and found.is_current else None

    def opened(self, name: str) -> FollowedWorkspace:
        """The workspace in memory, whatever is in it. Raises :class:`~emulator.rules.errors.Refused`."""
        self.get(name)
        return self._followed[name]

    def recorder(self, name: str) -> FollowedWorkspace | None:
        """The recorder of the workspace of this name, if there is one."""
        return self._followed[name] if name in self._open else None

    def begin_new(self, name: str) -> None:
        """There is no such workspace in the database: if a request makes one, all of it is recorded."""
        self.drop(name)
        if name == DEFAULT_WORKSPACE:
            self._followed[name].replaced = True

    def drop(self, name: str) -> None:
        """Forget the workspace, because it was deleted elsewhere, and tell those who wait for its news."""
        found = self.recorder(name)
        if found is None:
            return
        if name == DEFAULT_WORKSPACE:
            if found.is_current:
                with found.muted():
                    found.workspace.reset()
            found.documents.clear()
            found.forget()
        else:
            self.delete(name)

    def drop_deleted(self, name: str) -> None:
        """:meth:`drop`, unless a turn is at work there: it has locked the row, or will find none."""
        if name not in self._in_turn:
            self.drop(name)

    @contextmanager
    def in_turn(self, name: str) -> Iterator[None]:
        """While a turn is at work in this workspace."""
        self._in_turn.add(name)
        try:
            yield
        finally:
            self._in_turn.discard(name)

    @contextmanager
    def unstored(self, name: str) -> Iterator[None]:
        """What changes in the workspace is not stored yet: who waits for its news gets them at the end."""
        self._unstored[name] = ended = Event()
        try:
            with ExitStack() as held:
                if name in self._open:
                    for journal in JOURNALS:
                        held.enter_context(self._open[name].journal(journal).held())
                yield
        except BaseException:
            self.undone[name] += 1
            raise
        finally:
            del self._unstored[name]
            ended.set()

    async def settled(self, name: str) -> int:
        """Wait until what is in memory is stored or undone; returns how often it was undone."""
        if name in self._unstored:
            await self._unstored[name].wait()
        return self.undone[name]

    def forget(self, name: str) -> None:
        """What is in memory may differ from the database: the next turn reads it anew."""
        if name in self._followed:
            self._followed[name].forget()

    def delete(self, name: str) -> bool:
        was_there = super().delete(name)
        self._followed.pop(name, None)
        return was_there

    async def delete_all(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if await self.run(name, partial(self.delete_settled, name))]

    def begin_line(self, name: str, number: int, at: float) -> None:
        """Make random draws and rates depend on the number of the next line and on the database's time."""
        self._at[name] = at
        seed, workspace = self._settings.seed, self._open.get(name)
        if seed is not None and workspace is not None:
            workspace.faults.begin_line(f"{seed}/{name}/{number}")

    def awaited(self) -> list[str]:
        """The workspaces for whose news somebody waits."""
        return [one.name for one in self if one.requests.is_watched or one.events.is_watched]

    async def delete_idle(self, problems: list[str]) -> list[str]:
        """Delete the workspaces that no emulator has used for ``workspace_ttl`` seconds; their names."""
        idle_s = {one.name: one.idle_s for one in self if one.idle_s < self._ttl_s}
        used = sorted((idle_s | dict.fromkeys(self._users, 0.0)).items())
        async with self._connections.one() as connection, connection.transaction():
            await connection.execute(
                "UPDATE emulator_workspaces AS stored SET used = now() - make_interval(secs => idle_s)"
                " FROM unnest(%s::text[], %s::float8[]) AS here (name, idle_s)"
                " WHERE stored.name = here.name AND used < now() - make_interval(secs => idle_s)",
                ([name for name, _ in used], [seconds for _, seconds in used]),
            )
            cursor = await connection.execute(
                "DELETE FROM emulator_workspaces WHERE id IN (SELECT id FROM emulator_workspaces"
                " WHERE name <> %s AND used < now() - make_interval(secs => %s) FOR UPDATE SKIP LOCKED)"
                " RETURNING name",
                (DEFAULT_WORKSPACE, self._ttl_s),
            )
            gone = sorted(name for (name,) in await cursor.fetchall())
        for name in gone:
            self.drop_deleted(name)
        return gone

    async def use_fixtures(self, fixtures: FixtureSet) -> dict[str, str]:
        await in_steps(self._begin(fixtures))
        digest, refused = await in_steps(fixtures.digest()), {}
        self.fixtures = fixtures
        async with self._connections.one() as connection:
            await self.list_stored(connection)
        for name in self.names():
            try:
                await self.run(name, partial(self._use_fixtures, name, digest))
            except (Refused, Unavailable) as error:
                refused[name] = str(error)
        return refused

    async def _use_fixtures(self, name: str, digest: str) -> None:
        found = self.recorder(name)
        if found is None:  # deleted meanwhile
            return
        found.workspace.fixtures = self.fixtures
        if found.fixtures == digest:  # another emulator has begun it from them
            found.workspace.refresh()
        else:
            await found.workspace.reset_in_steps()
            found.use_fixtures(digest)

    async def list_stored(self, connection: AsyncConnection) -> None:
        """Read which workspaces there are."""
        cursor = await connection.execute("SELECT name FROM emulator_workspaces")
        self.stored = {name for (name,) in await cursor.fetchall()}
        for name in set(self._open) - self.stored:
            if name != DEFAULT_WORKSPACE and self.followed(name) is not None:
                self.drop_deleted(name)
