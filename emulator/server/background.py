"""What the server does beside answering: idle workspaces rest or go, changed fixtures come."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from emulator.emulator import Emulator
from emulator.fixtures.watching import EVERY_S, FixtureWatch, Stamp
from emulator.server.repeat import repeat
from emulator.settings import Settings
from emulator.store.fixture_set import FixtureSet

#: Seconds between two looks for idle workspaces, at most.
EXPIRE_EVERY_S = 30.0
#: A workspace that nobody has used for so many seconds holds no file open, after as many again at most.
REST_AFTER_S = 2.0

Say = Callable[[str], object]


class BackgroundTasks:
    """The chores that the settings ask for.

    ``stamp`` is that of the fixtures as they were read, ``say`` gets what there is to tell, a line at a time.
    """

    def __init__(self, settings: Settings, emulator: Emulator, stamp: Stamp, say: Say) -> None:
        self._settings = settings
        self._workspaces = emulator.workspaces
        self._stamp = stamp
        self._say = say
        self._tasks: list[asyncio.Task[None]] = []

    def begin(self) -> None:
        """Begin them, on the running loop; it ends them when it ends."""
        self._begin("open files", REST_AFTER_S, self._rest)
        ttl, fixtures = self._settings.workspace_ttl, self._settings.fixtures
        if ttl is not None:
            self._begin("idle workspaces", min(ttl / 2, EXPIRE_EVERY_S), self._expire)
        if self._settings.watch:
            watch = FixtureWatch(fixtures, self._stamp, self._use, self._say)
            self._begin(f"watching {fixtures}", EVERY_S, watch.look)

    async def _rest(self) -> None:
        self._workspaces.rest(REST_AFTER_S)

    def _begin(self, what: str, every_s: float, work: Callable[[], Awaitable[object]]) -> None:
        task = asyncio.get_running_loop().create_task(repeat(what, every_s, work, self._say))
        self._tasks.append(task)

    async def _expire(self) -> None:
        problems: list[str] = []
        for name in self._workspaces.expire(problems):
            self._say(f"workspace {name}: deleted, nobody used it")
        if problems:
            raise OSError("; ".join(problems))

    def _use(self, fixtures: FixtureSet) -> None:
        names = self._workspaces.names()
        refused = self._workspaces.use_fixtures(fixtures)
        found = f"{len(fixtures.databases)} databases, {len(fixtures.resources)} resources"
        reset = ", ".join(name for name in names if name not in refused)
        self._say(f"the fixtures in {self._settings.fixtures} have changed: {found}; reset: {reset}")
        for name, reason in refused.items():
            self._say(f"workspace {name}: keeps what it has, reset it when this is over: {reason}")
