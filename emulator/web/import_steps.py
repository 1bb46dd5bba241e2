"""Running imports inside the server: one step of one import at a time, everybody else in between."""

from __future__ import annotations

import asyncio
from collections import deque

from emulator.importer.jobs import STEP_S, Advance, at_once
from emulator.steps import SHORT_STEP_S, Steps


class ImportSteps:
    """A :data:`~emulator.importer.jobs.Schedule` on the event loop: imports take their steps in turn.

    A server without a loop takes all steps of an import at once.
    """

    def __init__(self) -> None:
        self._advances: deque[Advance] = deque()
        self._task: asyncio.Task[None] | None = None

    def __call__(self, advance: Advance) -> None:
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            at_once(advance)
            return
        self._advances.append(advance)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run())

    async def _run(self) -> None:
        steps = Steps()
        while self._advances:
            advance = self._advances.popleft()
            if advance(SHORT_STEP_S if steps.visited else STEP_S):
                self._advances.append(advance)
            await steps.pause()
