"""An event loop that lends the right to work to the thread of the server: one thread works at a time.

Granian hands each request to Python in a thread of its own. To carry a request from there to the thread of
the event loop, through a pipe, costs as much as Flask itself. So the thread in which a request arrives works
on it, but only while the loop waits for an event: the loop releases the lock ``turn`` before it sleeps and
takes the lock again before it runs anything. The code that holds the lock is the one user of the state,
whichever thread runs it, and ``asyncio`` names this loop as the running one.
"""

import asyncio
import selectors
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from contextlib import closing
from contextvars import Context
from functools import partial
from time import sleep
from typing import Any, TypeVar

T = TypeVar("T")

#: The shortest wait of epoll, which counts whole milliseconds.
_WHOLE_S = 0.001


class LoopLock:
    """The lock on the state; its owner may take it again. Use it in a ``with``.

    The thread that waits is next: a busy server thread cannot keep the loop from its timers.
    """

    __slots__ = ("_depth", "_door", "_held", "_owner")

    def __init__(self) -> None:
        self._door = threading.Lock()
        self._held = threading.Lock()
        self._owner = 0
        self._depth = 0

    def __enter__(self) -> None:
        me = threading.get_ident()
        if self._owner != me:  # only this thread can have written its own number there
            with self._door:
                self._held.acquire()
            self._owner = me
        self._depth += 1

    def __exit__(self, *_: object) -> None:
        if self._owner != threading.get_ident():
            raise RuntimeError("the turn belongs to another thread, or to none")
        self._depth -= 1
        if not self._depth:
            self._owner = 0
            self._held.release()

    @property
    def awaited(self) -> bool:
        """Whether a thread waits for the lock that another thread holds."""
        return self._door.locked()


class _LendingSelector(selectors.DefaultSelector):
    def __init__(self, turn: LoopLock) -> None:
        super().__init__()
        self._turn = turn

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._turn.__exit__()
        try:
            if timeout is not None and 0 < timeout < _WHOLE_S:
                sleep(timeout)
                timeout = 0
            return super().select(timeout)
        finally:
            self._turn.__enter__()


class AtOnce(partial[object]):
    """A callback that :class:`SharedLoop` calls at once, in the calling thread, with or without the lock."""


class SharedLoop(asyncio.SelectorEventLoop):
    """An event loop whose lock :attr:`turn` another thread may take while the loop waits.

    It runs in the thread that made it. While another thread holds the lock, it may use the loop as the loop's
    own thread does: ``call_soon``, ``call_later``, ``create_task``, setting futures. ``visits`` counts these
    uses.
    """

    def __init__(self, turn: LoopLock | None = None) -> None:
        self.turn = turn or LoopLock()
        self._home = threading.get_ident()
        self._guest = 0
        self.visits = 0
        super().__init__(_LendingSelector(self.turn))
        # The loop's debug mode forbids what this class makes safe.
        self.set_debug(False)

    def run_forever(self) -> None:
        with self.turn:
            super().run_forever()

    def act_as_running(self) -> None:
        """Makes ``asyncio.get_running_loop()`` answer this loop in the calling thread; needs the lock."""
        self.visits += 1
        thread = threading.get_ident()
        if thread != self._guest and thread != self._home:
            self._guest = thread  # read for each request, while setting it costs a system call
            asyncio._set_running_loop(self)

    def call_soon(  # type: ignore[override]  # variadic generics need Python 3.11
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        if threading.get_ident() == self._home and type(callback) is not AtOnce:
            return super().call_soon(callback, *args, context=context)
        return self.call_soon_threadsafe(callback, *args, context=context)

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        if type(callback) is AtOnce:
            return callback(*args)
        return super().call_soon_threadsafe(callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = super().call_at(when, callback, *args, context=context)
        if threading.get_ident() != self._home:
            self.call_soon_threadsafe(_wake)  # the loop computes again how long it may sleep
        return timer


def _wake() -> None:
    return None


class LoopThread:
    """An event loop in a thread of its own, for a process whose server has no loop.

    It holds the lock while it runs coroutines and releases it while they wait. The thread starts with the
    first coroutine.
    """

    def __init__(self, turn: LoopLock) -> None:
        self._turn = turn
        self._changing = threading.Lock()
        self._begun: tuple[threading.Thread, SharedLoop] | None = None

    def run(self, work: Awaitable[T]) -> T:
        """What ``work`` returns or raises, when it is done. The caller must not hold the lock."""

        async def done() -> T:
            return await work

        with self._changing:
            if self._begun is None:
                made: Future[SharedLoop] = Future()
                thread = threading.Thread(target=self._run, args=(made,), name="loop", daemon=True)
                thread.start()
                self._begun = thread, made.result()
            loop = self._begun[1]
        return asyncio.run_coroutine_threadsafe(done(), loop).result()

    def stop(self) -> None:
        """End the thread. The caller must not hold the lock."""
        with self._changing:
            if self._begun is not None:
                thread, loop = self._begun
                loop.call_soon_threadsafe(loop.stop)
                thread.join()
            self._begun = None

    def _run(self, made: Future[SharedLoop]) -> None:
        with closing(SharedLoop(self._turn)) as loop:
            made.set_result(loop)
            loop.run_forever()
