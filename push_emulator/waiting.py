"""Waiting without a look at the clock, which tests freeze."""

import sys
from collections.abc import Callable
from time import sleep

__tracebackhide__ = True


def until(condition: Callable[[], bool], seconds: float, every_s: float) -> bool:
    """Whether the condition holds within this many seconds, plus the time that asking takes."""
    for _ in range(int(seconds / every_s)):
        if condition():
            return True
        sleep(every_s)
    return condition()


def refuse_on_loop(instead: str) -> None:
    """Raise :class:`RuntimeError` with what to write instead, if this thread runs an asyncio loop."""
    asyncio = sys.modules.get("asyncio")  # a loop that runs has loaded it
    try:
        asyncio is not None and asyncio.get_running_loop()
    except RuntimeError:
        return
    if asyncio is not None:
        raise RuntimeError(f"within=… would block the event loop, and the app could not send: {instead}")
