"""One thread at a time: an event loop that lends its turn to the server's thread.

Granian hands each request to Python in a thread of its own. Carrying it from there over to the event
loop's thread, through a pipe, costs as much as Flask itself. So the request is worked on where it
arrives, but only while the loop waits for something to do: the loop gives its turn away before it
sleeps and takes it back before it runs anything. Code that holds the turn is alone in the process's
state, whichever thread runs it, and sees the loop as the running one.
"""

from __future__ import annotations

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

#: What epoll waits at least: it counts in whole milliseconds.
_WHOLE_S = 0.001


class LoopLock:
    """The right to touch the state: a lock that its owner may enter again. Use it in a ``with``.

    Who waits at the door is next: a busy server thread cannot keep the loop from its timers.
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
        """Whether a thread waits for the turn of another."""
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
    """A callback that :class:`SharedLoop` does not plan: whoever brings it calls it, turn or not."""


class SharedLoop(asyncio.SelectorEventLoop):
    """An event loop whose :attr:`turn` another thread may take while the loop waits.

    Runs in the thread that made it. With the turn held, the other thread may use the loop as if it
    were at home: ``call_soon``, ``call_later``, ``create_task``, setting futures. ``visits`` counts how
    often one did.
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
        """Makes ``asyncio.get_running_loop()`` answer this loop in the calling thread; needs the turn."""
        self.visits += 1
        thread = threading.get_ident()
        if thread != self._guest and thread != self._home:
            self._guest = thread  # asked for each request, while the setting itself costs a system call
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
            self.call_soon_threadsafe(_wake)  # the loop reckons anew how long it may sleep
        return timer


def _wake() -> None:
    return None


class LoopThread:
    """A loop in a thread of its own, for a process whose server has none.

    Runs coroutines with the turn held; while they wait, others have it. Begins with the first coroutine.
    """

    def __init__(self, turn: LoopLock) -> None:
        self._turn = turn
        self._changing = threading.Lock()
        self._begun: tuple[threading.Thread, SharedLoop] | None = None

    def run(self, work: Awaitable[T]) -> T:
        """What ``work`` returns or raises, when it is done. The caller must not hold the turn."""

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
        """End the thread. The caller must not hold the turn."""
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
