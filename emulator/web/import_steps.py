"""The imports of the server, which run in steps between requests."""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from flask import Flask, Response, current_app, request

from emulator.emulator import Emulator
from emulator.importer.job import STEP_S, Job
from emulator.importer.jobs import Advance, ImportJobs, Schedule, at_once
from emulator.importer.problem import Text
from emulator.importer.report import read_refusals, report_csv
from emulator.loop.pacing import SHORT_STEP_S, Pacing
from emulator.messages import BRIDGE_KEY
from emulator.rules.errors import NotFound
from emulator.web.current import workspace

#: Answers with what a function makes of the result of work that takes its time.
Later = Callable[[Coroutine[Any, Any, Iterable[bytes]], Callable[[Iterable[bytes]], Response]], Response]


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


def attach(app: Flask, emulator: Emulator) -> None:
    """Carry out and keep the imports of an emulator."""
    folder, shared = emulator.settings.folder, emulator.shared
    jobs = ImportJobs(None if folder is None else folder / "imports") if shared is None else shared.imports
    emulator.workspaces.on_delete.append(jobs.forget_all_of)
    app.extensions["imports"] = jobs
    app.extensions["import_steps"] = ImportSteps()


def schedule() -> Schedule:
    """How the request's server runs an import: in steps on its loop, or at once if it has no loop."""
    steps: ImportSteps = current_app.extensions["import_steps"]
    return steps if BRIDGE_KEY in request.environ else at_once


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


def report_of(job: Job, later: Later, delimiter: str, told: Callable[[Text], str] = str) -> Response:
    """The report of an import that is over, as CSV in a file."""

    def render(refused: Iterable[bytes]) -> Response:
        content = b"".join(report_csv(job.description, read_refusals(refused), delimiter, told))
        headers = {"Content-Disposition": f'attachment; filename="import-{job.description.id}.csv"'}
        return Response(content, 200, headers, mimetype="text/csv")

    refused = job.refused()
    return later(refused, render) if isinstance(refused, Coroutine) else render(refused)
