"""The freeing of large states and files in a thread: at once, a million records take a second."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from queue import SimpleQueue
from threading import Thread
from time import sleep, thread_time
from typing import Any

from emulator.loop.pacing import REST, SLICE_S

#: The objects, or entries of dictionaries, that are freed between two looks at the clock.
PIECE = 500

#: What is to be freed, in pieces.
given: SimpleQueue[Iterator[None]] = SimpleQueue()
_threads: list[Thread] = []


def begin_freeing() -> None:
    """Start the thread, once in a process: until then everything is freed at once."""
    if not _threads or not _threads[0].is_alive():
        _threads[:] = [Thread(target=_free, name="freeing", daemon=True)]
        _threads[0].start()


def free_later(*lists: list[Any]) -> None:
    """Empty lists that are not used any more, a piece at a time. A finalizer may call it, in any thread."""
    if _threads and _threads[0].is_alive():
        given.put(_pieces(lists))


def close_later(fd: int) -> None:
    """Close a file that has no name any more: the system frees its space then. What it says is no matter."""
    if _threads and _threads[0].is_alive():
        given.put(_closing(fd))
    else:
        next(_closing(fd))


def _free() -> None:
    while True:
        since = thread_time()
        for _ in given.get():
            worked_s = thread_time() - since
            if worked_s > SLICE_S:
                sleep(REST * worked_s)
                since = thread_time()


def _pieces(lists: tuple[list[Any], ...]) -> Iterator[None]:
    size = 0
    for one in lists:
        while one:
            last = one[-1]
            size += len(last) if isinstance(last, (dict, tuple)) else 1
            del one[-1], last
            if size >= PIECE:
                size = 0
                yield


def _closing(fd: int) -> Iterator[None]:
    with contextlib.suppress(OSError):  # its successor is in its place already
        os.close(fd)
    yield
