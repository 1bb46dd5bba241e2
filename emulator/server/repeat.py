"""Work that is done again and again beside answering requests."""

from __future__ import annotations

import asyncio
import sys
import traceback
from collections.abc import Awaitable, Callable
from contextlib import suppress

from emulator.store.errors import Unavailable


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
