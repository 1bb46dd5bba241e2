"""An event loop in a thread of its own, for a process whose server has none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

from emulator.loop.shared_loop import LoopLock, SharedLoop

T = TypeVar("T")


class LoopThread:
    """Runs coroutines with the turn held; while they wait, others have it.

    The thread begins with the first coroutine.
    """

    def __init__(self, turn: LoopLock) -> None:
        self._turn = turn
        self._loop: SharedLoop | None = None
        self._thread: threading.Thread | None = None
        self._changing = threading.Lock()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` returns or raises, when it is done. The caller must not hold the turn."""
        return asyncio.run_coroutine_threadsafe(work, self._begun()).result()

    def stop(self) -> None:
        """End the thread. The caller must not hold the turn."""
        with self._changing:
            if self._loop is not None and self._thread is not None:
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join()
            self._loop = self._thread = None

    def _begun(self) -> SharedLoop:
        with self._changing:
            if self._loop is None:
                begun = threading.Event()
                self._thread = threading.Thread(target=self._run, args=(begun,), name="loop", daemon=True)
                self._thread.start()
                begun.wait()
            assert self._loop is not None, "the thread has set it"
            return self._loop

    def _run(self, begun: threading.Event) -> None:
        loop = self._loop = SharedLoop(self._turn)
        begun.set()
        try:
            loop.run_forever()
        finally:
            loop.close()
