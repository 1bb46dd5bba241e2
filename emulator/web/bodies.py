"""The reading of request bodies: how much of a body is read, and where large ones are stored."""

import io
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO

from emulator.messages import Answer, BodyProblem, Incoming
from emulator.rules.errors import NotKept, Refused
from emulator.rules.texts import message
from emulator.settings import MAX_BODY_BYTES, Settings

#: Bytes of a body that are kept in memory; a larger body goes to the spool.
IN_MEMORY = 1024 * 1024
#: Bytes of a body over its limit that are read and discarded, so that a client which reads only after it has
#: sent everything gets the answer; after more bytes the connection closes.
DRAINED = 256 * 1024 * 1024
#: The most large bodies at the same time.
MOST_AT_ONCE = 4
#: Bytes of a body that carries a whole state or a file.
MAX_FILE_BYTES = 1 << 30
_FILES = (
    "/__admin/snapshot",
    "/__admin/import",
    "/__admin/import/preview",
    "/__console/import",
    "/__console/comparison",
)

#: Returns the next piece of a body, empty at its end; raises :class:`ConnectionError` if it was cut off.
Read = Callable[[], Awaitable[bytes]]
#: Returns the answer to a request with this body, or with this problem of the body.
Ask = Callable[[IO[bytes], BodyProblem | None], Answer]
#: Returns the answer that the work gives to a request with this body, when the request's turn comes.
InTurn = Callable[[Incoming, "bytes | IO[bytes]", Callable[[], Answer]], Answer]


def body_limit(path: str) -> int:
    """The bytes that a body sent to ``path`` may have, whichever workspace it is in."""
    return MAX_FILE_BYTES if "/__" in path and path.rstrip("/").endswith(_FILES) else MAX_BODY_BYTES


class Spool:
    """The storage of large bodies: in the state directory, or in the system's temporary folder.

    Its files have no name if the system allows that, so that a killed server leaves no files behind.
    ``places``: a large body takes one of them.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = None if settings.folder is None else settings.folder / "imports"
        self.places = BoundedSemaphore(MOST_AT_ONCE)

    def file(self) -> IO[bytes]:
        """A file for one body, in memory while it is small. Its methods raise :class:`OSError`."""
        return _SpooledFile(self._folder)

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Raise 507 :class:`Refused` if the disk refuses a file that was sent."""
        try:
            yield
        except OSError as error:
            raise self.refusal(error) from error

    def refusal(self, error: OSError) -> Refused:
        """The error for a file that was sent and cannot be stored."""
        where = message("the system's temporary folder") if self._folder is None else str(self._folder)
        text = "what was sent cannot be kept in %(where)s: %(reason)s"
        return NotKept(message(text, where=where, reason=error.strerror or str(error)))


class _SpooledFile(tempfile.SpooledTemporaryFile[bytes]):
    def __init__(self, folder: Path | None) -> None:
        super().__init__(max_size=IN_MEMORY, dir=None if folder is None else str(folder))
        self._folder = folder

    def rollover(self) -> None:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        super().rollover()


def own(body: IO[bytes]) -> IO[bytes]:
    """A copy of the body's file for long work: the server closes its own before that ends."""
    if isinstance(body, io.BytesIO):
        return io.BytesIO(body.getvalue())
    return os.fdopen(os.dup(body.fileno()), "rb")


async def answer_body(
    ask: Ask, read: Read, length: int, limit: int, *, expects: bool, drains: bool, spool: Spool | None
) -> Answer:
    """The answer to a request whose body arrives in pieces.

    ``length``: -1 if unknown (chunked). ``expects``: the client waits for a 100 before it sends the body. A
    body that may exceed what is kept in memory goes to the ``spool`` (``None``: stays in memory) if ``ask``
    accepts it. ``drains``: a refused body is read and discarded.
    """
    if length > limit + DRAINED or (expects and length > limit):
        return ask(io.BytesIO(), "too_large")
    if spool is None or limit <= IN_MEMORY or 0 <= length <= IN_MEMORY:
        return await _answer_kept(ask, read, io.BytesIO(), length, limit)
    asked = ask(io.BytesIO(), "unread")
    if asked.status != 100:
        if drains:
            await _keep(read, io.BytesIO(), length, 0)
        return asked
    try:
        return await _answer_kept(ask, read, spool.file(), length, limit)
    finally:
        spool.places.release()


async def _answer_kept(ask: Ask, read: Read, body: IO[bytes], length: int, limit: int) -> Answer:
    try:
        problem = await _keep(read, body, length, limit)
        try:
            body.seek(0)
        except OSError as error:
            problem = error
        return ask(io.BytesIO() if isinstance(problem, OSError) else body, problem)
    finally:
        with suppress(OSError):  # bytes that a full disk refused are tried once more
            body.close()


async def _keep(read: Read, body: IO[bytes], length: int, limit: int) -> BodyProblem | None:
    """Copy a body into ``body`` up to ``limit``; returns its problem, if any."""
    size = 0
    problem: BodyProblem | None = None
    try:
        while size <= limit + DRAINED and (piece := await read()):
            size += len(piece)
            if size > limit and problem is None:
                problem = "too_large"
                body.truncate(0)
            if problem is None:
                try:
                    body.write(piece)
                except OSError as error:
                    problem = error
    except ConnectionError:
        return problem or "cut_off"
    return problem or ("cut_off" if 0 < size < length else None)
