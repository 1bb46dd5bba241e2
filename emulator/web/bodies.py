"""Bodies of requests on their way in: how much of one is read, and where the large ones lie."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO

from emulator.messages import Answer, BodyProblem
from emulator.rules.errors import NotKept, Refused
from emulator.settings import MAX_BODY_BYTES, Settings

#: Bytes of a body that are kept in memory; the rest of a larger one lies in the spool.
IN_MEMORY = 1024 * 1024
#: Bytes of a body over its limit that are read and thrown away, so that a client which sends it all
#: before it listens gets to hear the answer; beyond, the connection closes on it.
DRAINED = 256 * 1024 * 1024
#: Large bodies that may come in at a time.
MOST_AT_ONCE = 4
#: Bytes of a body that carries a whole state or a file.
MAX_FILE_BYTES = 1 << 30
_FILES = ("/__admin/snapshot", "/__admin/import", "/__admin/import/preview", "/__console/import")

#: The next piece of a body, empty at its end; raises :class:`ConnectionError` where it was cut off.
Read = Callable[[], Awaitable[bytes]]
#: The answer to a request with this body, or with this problem of it.
Ask = Callable[[IO[bytes], BodyProblem | None], Answer]


def body_limit(path: str) -> int:
    """The bytes that a body sent to ``path`` may have, whichever workspace it is in."""
    return MAX_FILE_BYTES if "/__" in path and path.rstrip("/").endswith(_FILES) else MAX_BODY_BYTES


class Spool:
    """The place of large bodies: ``folder``, or the system's temporary folder.

    Its files have no name where the system allows that, so that a killed server leaves none behind.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._places = BoundedSemaphore(MOST_AT_ONCE)

    def take_place(self) -> bool:
        """Whether one more large body may come in; if so, :meth:`give_place` must follow."""
        return self._places.acquire(blocking=False)

    def give_place(self) -> None:
        """One large body is over."""
        self._places.release()

    def file(self) -> IO[bytes]:
        """A file for one body, in memory while it is small. What is done with it raises :class:`OSError`."""
        return _SpooledFile(self._folder)

    @contextmanager
    def storing(self) -> Iterator[None]:
        """Turn the disk's refusal of a file that was sent into 507 :class:`Refused`."""
        try:
            yield
        except OSError as error:
            raise self.refusal(error) from error

    def refusal(self, error: OSError) -> Refused:
        """What to answer where a file that was sent cannot be kept."""
        where = self._folder or "the system's temporary folder"
        return NotKept(f"what was sent cannot be kept in {where}: {error.strerror or error}", "A3")


class _SpooledFile(tempfile.SpooledTemporaryFile[bytes]):
    def __init__(self, folder: Path | None) -> None:
        super().__init__(max_size=IN_MEMORY, dir=None if folder is None else str(folder))
        self._folder = folder

    def rollover(self) -> None:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        super().rollover()


def spool_of(settings: Settings) -> Spool:
    """The spool of a server: in its state directory, where it has one."""
    return Spool(None if settings.durability == "none" else settings.state / "imports")


async def answer_body(
    ask: Ask, read: Read, length: int, limit: int, *, expects: bool, drains: bool, spool: Spool | None
) -> Answer:
    """The answer to a request whose body comes in pieces.

    ``length`` is -1 where it is not known (chunked). ``expects``: the client waits for leave to send the
    body. A body that may be larger than what is kept in memory goes to the ``spool`` (``None``: stays in
    memory), after ``ask`` was asked whether it is wanted. ``drains``: where it is not, it is read and
    thrown away.
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
        spool.give_place()


async def _answer_kept(ask: Ask, read: Read, body: IO[bytes], length: int, limit: int) -> Answer:
    try:
        problem = await _keep(read, body, length, limit)
        try:
            body.seek(0)
        except OSError as error:
            problem = error
        return ask(io.BytesIO() if isinstance(problem, OSError) else body, problem)
    finally:
        with suppress(OSError):  # what a full disk did not take is tried once more
            body.close()


async def _keep(read: Read, body: IO[bytes], length: int, limit: int) -> BodyProblem | None:
    """Copy a body into ``body`` as far as ``limit`` allows; what is wrong with it."""
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
