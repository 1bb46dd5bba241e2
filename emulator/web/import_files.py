"""Imports of files of tokens: the files, the work on them before a turn, the steps between requests."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import IO, TYPE_CHECKING, cast
from weakref import finalize

from flask import Flask, Request, Response, current_app, request
from werkzeug.datastructures import FileStorage
from werkzeug.formparser import FormDataParser

from emulator.emulator import Emulator
from emulator.importer.jobs import STEP_S, ImportJobs, Job, Schedule, at_once
from emulator.importer.report import report_csv
from emulator.loop.pacing import SHORT_STEP_S, Pacing, Share
from emulator.messages import BRIDGE_KEY
from emulator.rules.errors import NotFound
from emulator.rules.texts import Text, message
from emulator.web.bodies import IN_MEMORY, body_limit
from emulator.web.current import emulator, workspace, workspace_name
from emulator.web.later import prepare, prepared
from emulator.web.limits import spool

if TYPE_CHECKING:
    from emulator.postgres.files import SharedFiles

_STARTS = ("admin.start_import", "console.upload")
_TAKES_FILE = (*_STARTS, "admin.preview_import")
#: The key of a WSGI environment for the files that go with the request.
_FILES_KEY = "emulator.files"
#: The key for those that the answer's work reads after the request.
_HELD_KEY = "emulator.held"
#: Fields and files of a form with files.
_MOST_PARTS = 8
#: Bytes that are read at a time: as many as werkzeug asks for.
_PIECE = 64 << 10


class LimitedRequest(Request):
    """A Flask request that knows its own limit, and whose files are written where imports read them."""

    @property  # type: ignore[misc]  # Flask's can be set as well
    def max_content_length(self) -> int:  # type: ignore[override]
        return body_limit(self.path)

    def make_form_data_parser(self) -> FormDataParser:
        received = prepared()
        if received is not None and self.endpoint in _TAKES_FILE:  # the form has been read
            return SimpleNamespace(parse=lambda *_: received)  # type: ignore[return-value]
        paths, jobs, store = self.environ.setdefault(_FILES_KEY, []), import_jobs(), spool()
        self.environ.setdefault(_HELD_KEY, {})

        def put_aside(*_: object, **__: object) -> IO[bytes]:
            path = jobs.upload_path()
            paths.append(path)
            return path.open("w+b")

        return FormDataParser(
            put_aside if self.endpoint in _TAKES_FILE else lambda *_, **__: store.file(),
            self.max_form_memory_size,
            self.max_content_length,
            max_form_parts=_MOST_PARTS,
        )


class _Slices:
    """A body, read by a thread that leaves the loop time for requests."""

    def __init__(self, body: IO[bytes]) -> None:
        self._pieces = Share().sliced(iter(partial(body.read, _PIECE), b""))

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most :data:`_PIECE`; all of them without a size."""
        return next(self._pieces, b"") if size >= 0 else b"".join(self._pieces)


def init_app(app: Flask) -> None:
    """Receive the files of forms; those that nobody keeps go with their request."""
    app.request_class = LimitedRequest

    @app.teardown_request
    def remove(_: BaseException | None) -> None:
        for path in request.environ.get(_FILES_KEY, ()):
            _remove(path)


def path_of(sent: FileStorage) -> Path:
    """Where a file of the request's form lies, whole. Raises :class:`OSError`."""
    sent.close()
    return Path(str(sent.stream.name))


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink(missing_ok=True)


def keep(path: Path) -> None:
    """Keep a file after the request, which may be answered more than once."""
    files = request.environ[_FILES_KEY]
    if path in files:
        files.remove(path)


class HeldFile:
    """A file that is removed at the latest when neither a request nor its answer's work holds this."""

    def __init__(self, path: Path) -> None:
        self.remove = finalize(self, _remove, path)


def hold(path: Path) -> HeldFile:
    """:func:`keep` a file for the answer's work, whether or not that begins."""
    held: dict[Path, HeldFile] = request.environ[_HELD_KEY]
    if path not in held:
        keep(path)
        held[path] = HeldFile(path)
    return held[path]


def before_turn() -> Response | None:
    """Receive a large file; where several emulators have one state store any, and fetch what is asked for.

    Other requests do not wait for it. Raises what it has raised.
    """
    shared, takes_file = emulator().shared, request.endpoint in _TAKES_FILE
    if (shared is None and not takes_file) or prepared() is not None:
        return None
    is_large = BRIDGE_KEY in request.environ and (request.content_length or IN_MEMORY + 1) > IN_MEMORY
    if takes_file and (shared is not None or is_large):
        return prepare(_receiving(None if shared is None else shared.files))
    if shared is None:
        return None
    upload_id = (request.view_args or {}).get("upload_id")
    shown = request.args.get("file") if request.endpoint == "console.job" else None
    if upload_id is None and shown is None:
        return None
    which = upload_id or shown or "", workspace_name(), import_jobs().upload_path()
    return prepare(lambda _: shared.files.find(*which, fetches=upload_id is not None))


def _receiving(files: SharedFiles | None) -> Callable[[IO[bytes]], Awaitable[object]]:
    parser = request.make_form_data_parser()
    how = request.mimetype, request.content_length, request.mimetype_params
    paths, stores = request.environ[_FILES_KEY], request.endpoint in _STARTS

    async def receive(body: IO[bytes]) -> object:
        form = await asyncio.to_thread(parser.parse, cast(IO[bytes], _Slices(body)), *how)
        for sent in form[2].values():
            sent.stream.flush()
        if files is not None and stores and len(paths) == 1:
            await files.store(paths[0])
        return form

    return receive


class ImportSteps:
    """A :data:`~emulator.importer.jobs.Schedule` on the event loop: imports take their steps in turn."""

    def __init__(self) -> None:
        self._jobs: deque[Job] = deque()
        self._task: asyncio.Task[None] | None = None

    def __call__(self, job: Job) -> None:
        self._jobs.append(job)
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())

    async def _run(self) -> None:
        steps = Pacing()
        while self._jobs:
            job = self._jobs.popleft()
            if job.takes_long:
                more, steps = await job.advance_beside(), Pacing()
            else:
                more = job.advance(SHORT_STEP_S if steps.visited else STEP_S, whole=False)
            if more:
                self._jobs.append(job)
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
        raise NotFound(message("import %(id)s not found", id=job_id))
    return job


def report_of(
    job: Job, refused: Iterable[bytes], delimiter: str, told: Callable[[Text], str] = str
) -> Response:
    """The report of an import that is over, as CSV in a file; ``refused``: of :meth:`Job.refused`."""
    content = b"".join(report_csv(job.description, refused, delimiter, told))
    headers = {"Content-Disposition": f'attachment; filename="import-{job.description.id}.csv"'}
    return Response(content, 200, headers, mimetype="text/csv")
