"""The imports of the server, which run in steps between requests."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial

from flask import current_app, request

from emulator.importer.job import STEP_S, Job
from emulator.importer.jobs import Advance, ImportJobs, Schedule, at_once
from emulator.loop.pacing import SHORT_STEP_S, Pacing
from emulator.messages import BRIDGE_KEY
from emulator.rules.errors import NotFound
from emulator.web.current import emulator, workspace, workspace_name

#: Carries out what it is given in a turn of the workspace of this name.
RunInTurn = Callable[[str, Callable[[], Awaitable[bool]]], Awaitable[bool]]
#: The imports that take their steps in turns; a task that nobody holds may vanish.
_UNDER_WAY: set[asyncio.Task[None]] = set()


class ImportSteps:
    """A :data:`~emulator.importer.jobs.Schedule` on the event loop: imports take their steps in turn."""

    def __init__(self) -> None:
        self._advances: deque[Advance] = deque()
        self._task: asyncio.Task[None] | None = None

    def __call__(self, advance: Advance) -> None:
        self._advances.append(advance)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        steps = Pacing()
        while self._advances:
            advance = self._advances.popleft()
            if advance(SHORT_STEP_S if steps.visited else STEP_S):
                self._advances.append(advance)
            await steps.pause()


def schedule() -> Schedule:
    """How the request's server runs an import: in steps on its loop, or at once if it has no loop."""
    steps: ImportSteps = current_app.extensions["import_steps"]
    if BRIDGE_KEY not in request.environ:
        return at_once
    shared = emulator().shared
    return steps if shared is None else partial(_in_turns, shared.turns.run, workspace_name())


def _in_turns(run: RunInTurn, name: str, advance: Advance) -> None:
    """A :data:`~emulator.importer.jobs.Schedule` that takes each step in a turn of the workspace."""

    async def step() -> bool:
        return advance(STEP_S)

    async def all_steps() -> None:
        while await run(name, step):
            pass

    task = asyncio.get_running_loop().create_task(all_steps())
    _UNDER_WAY.add(task)
    task.add_done_callback(_UNDER_WAY.discard)


def import_jobs() -> ImportJobs:
    """The application's imports."""
    jobs: ImportJobs = current_app.extensions["imports"]
    return jobs


def find_job(job_id: str) -> Job:
    """The import in the request's workspace. Raises :class:`NotFound`."""
    job = import_jobs().get(job_id, workspace().name)
    if job is None:
        raise NotFound(f"import {job_id} not found", "A3")
    return job
