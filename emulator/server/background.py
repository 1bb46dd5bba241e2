"""What the server does beside answering: idle workspaces rest or go, changed fixtures come."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress

from emulator.emulator import Emulator
from emulator.fixtures.watching import EVERY_S, FixtureWatch, Stamp
from emulator.settings import Settings
from emulator.store.errors import Unavailable
from emulator.store.fixture_set import FixtureSet

#: Seconds between two looks for idle workspaces, at most.
EXPIRE_EVERY_S = 30.0
#: A workspace that nobody has used for so many seconds holds no file open, after as many again at most.
REST_AFTER_S = 2.0

Say = Callable[[str], object]


def begin_tasks(settings: Settings, emulator: Emulator, stamp: Stamp, say: Say) -> list[asyncio.Task[None]]:
    """Begin what the settings ask for, on the running loop; keep the tasks until the loop ends.

    ``stamp`` is that of the fixtures as they were read, ``say`` gets what there is to tell, a line at a time.
    """
    workspaces = emulator.workspaces
    works: list[tuple[str, float, Callable[[], Awaitable[object]]]] = []

    async def rest() -> None:
        workspaces.rest(REST_AFTER_S)

    async def expire() -> None:
        problems: list[str] = []
        for name in workspaces.expire(problems):
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
        watch = FixtureWatch(settings.fixtures, stamp, use, say)
        works.append((f"watching {settings.fixtures}", EVERY_S, watch.look))
    return [asyncio.create_task(repeat(what, every_s, work, say)) for what, every_s, work in works]


async def repeat(
    what: str, every_s: float, work: Callable[[], Awaitable[object]], say: Callable[[str], object]
) -> None:
    """Do ``work`` every ``every_s`` seconds until it is cancelled, whatever it raises.

    ``say`` gets a line that begins with ``what`` for each error; an error that stays the same is said once.
    An error that nobody expects has its traceback on standard error as well.
    """
    said = ""
    while True:
        await asyncio.sleep(every_s)
        problem = ""
        try:
            await work()
        except Exception as error:
            problem = f"{what}: {str(error) or type(error).__name__}; trying again"
            if problem != said:
                with suppress(OSError, ValueError):  # nobody may be there to hear it
                    say(problem)
                    if not isinstance(error, (OSError, Unavailable)):
                        traceback.print_exception(error, file=sys.stderr)
        said = problem
