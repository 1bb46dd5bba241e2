"""What the server does beside answering: idle workspaces rest or go, changed fixtures come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from emulator.emulator import Emulator
from emulator.fixtures.model import FixtureSet
from emulator.settings import Settings
from emulator.store.errors import StorageUnavailable
from emulator.watching import FixtureWatch, Stamp

#: Seconds between two looks for idle workspaces, at most.
EXPIRE_EVERY_S = 30.0
#: A workspace that nobody has used for so many seconds holds no file open, after as many again at most.
REST_AFTER_S = 2.0

Say = Callable[[str], object]


class Chores:
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
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._rest()))
        if self._settings.workspace_ttl is not None:
            self._tasks.append(loop.create_task(self._expire(self._settings.workspace_ttl)))
        if self._settings.watch:
            watch = FixtureWatch(self._settings.fixtures, self._stamp, self._use, self._say)
            self._tasks.append(loop.create_task(watch.run()))

    async def _rest(self) -> None:
        while True:
            await asyncio.sleep(REST_AFTER_S)
            self._workspaces.rest(REST_AFTER_S)

    async def _expire(self, ttl: float) -> None:
        while True:
            await asyncio.sleep(min(ttl / 2, EXPIRE_EVERY_S))
            for name in self._workspaces.expire():
                self._say(f"workspace {name}: deleted, nobody used it")

    def _use(self, fixtures: FixtureSet) -> None:
        try:
            self._workspaces.use_fixtures(fixtures)
        except StorageUnavailable as error:
            self._say(f"the changed fixtures in {self._settings.fixtures} cannot be used: {error}")
            return
        found = f"{len(fixtures.databases)} databases, {len(fixtures.resources)} resources"
        reset = ", ".join(one.name for one in self._workspaces)
        self._say(f"the fixtures in {self._settings.fixtures} have changed: {found}; reset: {reset}")
