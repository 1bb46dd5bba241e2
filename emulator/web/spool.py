"""Large bodies on their way in: where they lie, and how many there may be at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import BoundedSemaphore
from typing import IO

from emulator.rules.model import RequestError

#: Bytes of a body that are kept in memory; the rest of a larger one lies in the spool.
IN_MEMORY = 1024 * 1024
#: Bytes of a body over its limit that are read and thrown away, so that a client which sends it all
#: before it listens gets to hear the answer; beyond, the connection closes on it.
DRAINED = 256 * 1024 * 1024
#: Large bodies that may come in at a time.
MOST_AT_ONCE = 4


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
        """Turn the disk's refusal of a file that was sent into 507 :class:`RequestError`."""
        try:
            yield
        except OSError as error:
            raise self.refusal(error) from error

    def refusal(self, error: OSError) -> RequestError:
        """What to answer where a file that was sent cannot be kept."""
        where = self._folder or "the system's temporary folder"
        return RequestError(507, f"what was sent cannot be kept in {where}: {error.strerror or error}", "A3")


class _SpooledFile(tempfile.SpooledTemporaryFile[bytes]):
    def __init__(self, folder: Path | None) -> None:
        super().__init__(max_size=IN_MEMORY, dir=None if folder is None else str(folder))
        self._folder = folder

    def rollover(self) -> None:
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        super().rollover()
