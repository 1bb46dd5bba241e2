"""Files of collected tokens that come in with a form, and the work on them before a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NamedTuple, cast

from flask import Flask, Response, request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.formparser import FormDataParser

from emulator.loop.pacing import Share
from emulator.messages import BRIDGE_KEY
from emulator.web.bodies import IN_MEMORY
from emulator.web.current import emulator, workspace_name
from emulator.web.import_steps import import_jobs
from emulator.web.later import prepare, prepared
from emulator.web.limits import LimitedRequest

if TYPE_CHECKING:
    from emulator.postgres.files import SharedFiles

_STARTS = ("admin.start_import", "console.upload")
_TAKES_FILE = (*_STARTS, "admin.preview_import")
#: The key of a WSGI environment for the files that go with the request.
_FILES_KEY = "emulator.files"
#: Bytes that are read at a time: as many as werkzeug asks for.
_PIECE = 64 << 10
#: Files of one form.
_MOST_FILES = 8


class ImportRequest(LimitedRequest):
    """A request whose files are written where imports read them."""

    def make_form_data_parser(self) -> FormDataParser:
        received = prepared()
        if isinstance(received, _Received):
            return received  # type: ignore[return-value]  # it is asked for nothing else
        parser = super().make_form_data_parser()
        if self.endpoint in _TAKES_FILE:
            paths, jobs = self.environ.setdefault(_FILES_KEY, []), import_jobs()

            def put_aside(*_: object, **__: object) -> IO[bytes]:
                if len(paths) == _MOST_FILES:
                    raise RequestEntityTooLarge
                path = jobs.upload_path()
                paths.append(path)
                return path.open("w+b")

            parser.stream_factory = put_aside
        return parser


class _Received(NamedTuple):
    """A form that has been read: what its parser returns."""

    form: Any

    def parse(self, *_: object, **__: object) -> Any:
        return self.form


class _Slices:
    """A body, read by a thread that leaves the loop its share."""

    def __init__(self, body: IO[bytes]) -> None:
        self._pieces = Share().sliced(iter(partial(body.read, _PIECE), b""))

    def read(self, size: int = -1) -> bytes:
        """The next bytes, at most :data:`_PIECE`; all of them without a size."""
        return next(self._pieces, b"") if size >= 0 else b"".join(self._pieces)


def init_app(app: Flask) -> None:
    """Receive the files of forms; those that nobody keeps go with their request."""
    app.request_class = ImportRequest

    @app.teardown_request
    def remove(_: BaseException | None) -> None:
        for path in request.environ.get(_FILES_KEY, ()):
            with suppress(OSError):
                path.unlink(missing_ok=True)


def path_of(sent: FileStorage) -> Path:
    """Where a file of the request's form lies, whole. Raises :class:`OSError`."""
    sent.close()
    return Path(str(sent.stream.name))


def keep(path: Path) -> None:
    """Have a file stay after the request, which may be answered more than once."""
    files = request.environ[_FILES_KEY]
    if path in files:
        files.remove(path)


def before_turn() -> Response | None:
    """Receive a large file; where several emulators have one state store any, and fetch what is asked for.

    It takes its time, and nobody waits for it. Raises what it has raised.
    """
    shared = emulator().shared
    if prepared() is not None:
        return None
    if request.endpoint in _TAKES_FILE and (shared is not None or _is_large()):
        return prepare(_receiving(None if shared is None else shared.files))
    if shared is None:
        return None
    upload_id = (request.view_args or {}).get("upload_id")
    shown = request.args.get("file") if request.endpoint == "console.job" else None
    if upload_id is None and shown is None:
        return None
    which = upload_id or shown or "", workspace_name(), import_jobs().upload_path()
    return prepare(lambda _: shared.files.find(*which, fetches=upload_id is not None))


def _is_large() -> bool:
    return BRIDGE_KEY in request.environ and (request.content_length or IN_MEMORY + 1) > IN_MEMORY


def _receiving(files: SharedFiles | None) -> Callable[[IO[bytes]], Awaitable[_Received]]:
    parser = request.make_form_data_parser()
    how = request.mimetype, request.content_length, request.mimetype_params
    paths, stores = request.environ[_FILES_KEY], request.endpoint in _STARTS

    async def receive(body: IO[bytes]) -> _Received:
        form = await asyncio.to_thread(parser.parse, cast(IO[bytes], _Slices(body)), *how)
        for sent in form[2].values():
            sent.stream.flush()
        if files is not None and stores and len(paths) == 1:
            await files.store(paths[0])
        return _Received(form)

    return receive
