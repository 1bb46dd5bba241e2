"""The pause before a reset, so that many resets of one workspace leave time for the others."""

import math
from asyncio import sleep
from collections.abc import Callable, Mapping
from heapq import nsmallest

from emulator.loop.pacing import REST
from emulator.workspaces.workspace import Workspace

#: Seconds from one reset of a workspace to the next while others are used. A reset takes 1 ms from them: with
#: its call, a connection for it, threads that take turns, and caches that have other data.
RESET_REST_S = REST * 0.001
#: Seconds for which a workspace counts as used: while many clients reset, requests for others are rare.
USED_S = 0.05


class LastUsed:
    """The workspaces that were used last, of those that are open by their names."""

    def __init__(self, opened: Mapping[str, Workspace], monotonic: Callable[[], float]) -> None:
        self._open = opened
        self._monotonic = monotonic
        self._names: list[str] = []
        self._looked_at = -math.inf

    def beside(self, name: str) -> bool:
        """Whether another workspace than this is in use: noticed within :data:`USED_S` seconds."""
        now = self._monotonic()
        if now - self._looked_at >= USED_S:  # with 2,000 workspaces the look takes 0.3 ms
            self._looked_at = now
            self._names = nsmallest(2, self._open, key=lambda one: self._open[one].idle_s)
        others = [self._open[one] for one in self._names if one != name and one in self._open]
        return any(one.idle_s < USED_S for one in others)


def rest_s(found: Workspace, used: LastUsed) -> float:
    """Seconds that the next reset of a workspace waits: 0 if no other was used lately."""
    left_s = RESET_REST_S - found.since_reset_s
    return left_s if left_s > 0 and used.beside(found.name) else 0.0


async def until_rested(found: Workspace, used: LastUsed) -> None:
    """Wait until a workspace may be reset: see :func:`rest_s`. Callers reset in the order of their calls."""
    seconds = rest_s(found, used)
    if seconds:
        found.expect_reset(seconds)
        await sleep(seconds)
