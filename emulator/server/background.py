"""Background tasks of the server: idle workspaces, changed fixtures."""

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress

from emulator.emulator import Emulator
from emulator.fixtures.watching import EVERY_S, FixtureWatch, Stamp
from emulator.settings import Settings
from emulator.store.errors import EmulatorEnds, Unavailable
from emulator.store.fixture_set import FixtureSet

#: The most seconds between two searches for idle workspaces.
EXPIRE_EVERY_S = 30.0
#: Seconds between two looks at what other emulators of the same database do.
SHARED_EVERY_S = 1.0
#: A workspace that is idle for this many seconds has its files closed, at the latest after twice as many.
REST_AFTER_S = 2.0

Say = Callable[[str], object]


def begin_tasks(settings: Settings, emulator: Emulator, stamp: Stamp, say: Say) -> list[asyncio.Task[None]]:
    """Start the tasks of these settings on the running loop; the caller keeps them until the loop ends.

    ``stamp``: the stamp of the fixtures when they were read. ``say`` gets each message, one line.
    """
    workspaces = emulator.workspaces
    works: list[tuple[str, float, Callable[[], Awaitable[object]]]] = []

    async def rest() -> None:
        workspaces.rest(REST_AFTER_S)

    async def expire() -> None:
        problems: list[str] = []
        for name in await workspaces.delete_idle(problems):
            say(f"workspace {name}: deleted, nobody used it")
        if problems:
            raise OSError("; ".join(problems))

    async def use(fixtures: FixtureSet) -> None:
        names = workspaces.names()
        refused = await workspaces.use_fixtures(fixtures)
        found = f"{len(fixtures.databases)} databases, {len(fixtures.resources)} resources"
        reset = ", ".join(name for name in names if name not in refused)
        say(f"the fixtures in {settings.fixtures} have changed: {found}; reset: {reset}")
        for name, reason in refused.items():
            say(f"workspace {name}: keeps what it has, reset it when this is over: {reason}")

    works.append(("open files", REST_AFTER_S, rest))
    if settings.workspace_ttl is not None:
        works.append(("idle workspaces", min(settings.workspace_ttl / 2, EXPIRE_EVERY_S), expire))
    if settings.watch:
        used, platform = workspaces.fixtures, settings.platform
        watch = FixtureWatch(settings.fixtures, stamp, use, say, used, platform=platform)
        works.append((f"watching {settings.fixtures}", EVERY_S, watch.look))
    if emulator.shared is not None:
        works.append(("imports of others", SHARED_EVERY_S, emulator.shared.imports.look))
    return [asyncio.create_task(repeat(what, every_s, work, say)) for what, every_s, work in works]


async def repeat(
    what: str, every_s: float, work: Callable[[], Awaitable[object]], say: Callable[[str], object]
) -> None:
    """Do ``work`` every ``every_s`` seconds until it is cancelled or the emulator ends, also after errors.

    ``say`` gets a line that begins with ``what`` for each error; a repeated error is reported once. The
    traceback of an unexpected error goes to standard error, too.
    """
    said = ""
    while True:
        await asyncio.sleep(every_s)
        problem = ""
        try:
            await work()
        except EmulatorEnds:
            return
        except Exception as error:
            problem = f"{what}: {str(error) or type(error).__name__}; trying again"
            if problem != said:
                with suppress(OSError, ValueError):  # standard error may be closed
                    say(problem)
                    if not isinstance(error, (OSError, Unavailable)):
                        traceback.print_exception(error, file=sys.stderr)
        said = problem
