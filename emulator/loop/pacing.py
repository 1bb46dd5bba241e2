"""Long work on the event loop, in short steps."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter
from weakref import WeakKeyDictionary

#: Seconds of work between two breaks, and the length of a break while no other request waits. The break has a
#: length because other threads would else run only when Python switches threads.
STEP_S, BREAK_S = 0.002, 0.0002
#: Seconds of work between two breaks while other requests wait, for work that can stop that often.
SHORT_STEP_S = 0.0005

#: When the current step of each loop ends.
_ends: WeakKeyDictionary[asyncio.AbstractEventLoop, float] = WeakKeyDictionary()


class Pacing:
    """Yields to other tasks every few milliseconds: :attr:`long` says when, :meth:`pause` yields.

    All tasks on one loop share its steps: ten tasks hold the loop no longer than one task does, apart from
    the work of each before it asks. ``asked_every``: the number of calls of :attr:`long` in a few dozen
    microseconds. ``clock`` returns the time in seconds.
    """

    __slots__ = ("_asked", "_asked_every", "_clock", "_until", "_visits", "visited")

    def __init__(self, asked_every: int = 32, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._asked = 0
        self._asked_every = asked_every
        self._visits = 0
        #: Whether a request came since the pause before the last one.
        self.visited = True
        self._until = _end_of_step(clock)

    @property
    def long(self) -> bool:
        """Whether the step is over. Cheap: it reads the clock only now and then."""
        self._asked += 1
        return not self._asked % self._asked_every and self._clock() > self._until

    async def pause(self) -> None:
        """Let other tasks work, for as long as this step took if there are any; then begin the next step."""
        visits = getattr(asyncio.get_running_loop(), "visits", 0)
        self.visited, self._visits = visits != self._visits, visits
        took_s = self._clock() - (self._until - STEP_S)
        await asyncio.sleep(max(BREAK_S, took_s) if self.visited else BREAK_S)
        self._until = _end_of_step(self._clock)


def _end_of_step(clock: Callable[[], float]) -> float:
    loop = asyncio.get_running_loop()
    end = _ends.get(loop)
    if end is None:
        end = _ends[loop] = clock() + STEP_S
        loop.call_soon(_ends.pop, loop, None)  # the loop has looked for other tasks: the next step begins
    return end
