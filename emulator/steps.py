"""Long work on the event loop, in steps so short that nobody notices."""

from __future__ import annotations

import asyncio
from time import perf_counter

#: Seconds of work between two breaks, and of a break at least. Without a real one the threads that wait for
#: this one would get their chance only every 5 ms, when Python itself makes them change places.
STEP_S, BREAK_S = 0.002, 0.0005


class Steps:
    """Tells when it is time to let others work (:attr:`long`), and lets them (:meth:`pause`).

    ``asked_every``: how many times it is asked in some dozen microseconds.
    """

    __slots__ = ("_asked", "_asked_every", "_until")

    def __init__(self, asked_every: int = 32) -> None:
        self._asked = 0
        self._asked_every = asked_every
        self._until = perf_counter() + STEP_S

    @property
    def long(self) -> bool:
        """Whether this step has been long enough. Cheap: the time is looked at now and then."""
        self._asked += 1
        return not self._asked % self._asked_every and perf_counter() > self._until

    async def pause(self) -> None:
        """Let others work, and begin the next step."""
        await asyncio.sleep(BREAK_S)
        self._until = perf_counter() + STEP_S
