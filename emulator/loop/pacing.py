"""Long work on the event loop, in short steps, and in threads beside it: both leave requests their share."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator, Iterable, Iterator
from time import perf_counter, sleep, thread_time
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
#: Work that yields wherever it may be interrupted: at least every millisecond or so.
Steps = Generator[None, None, T]

#: Seconds of work between two breaks, and of a break without requests. Without a real break, waiting threads
#: would run only when Python switches threads.
STEP_S, BREAK_S = 0.002, 0.0002
#: Seconds of work between two breaks while other requests wait, for work that can stop that often.
SHORT_STEP_S = 0.0005
#: Seconds of a thread's work between two rests while requests come.
SLICE_S = 0.0005
#: While requests come, long work rests this many times as long as it worked. An equal time would leave
#: requests less than half of their rate: threads wake up at the beginning of each rest, with cold caches.
REST = 3.0

#: Passes pieces on and rests between them: the work of a thread is to make them.
Pace = Callable[[Iterable[T]], Iterable[T]]

#: When the current step of each loop ends.
_ends: WeakKeyDictionary[asyncio.AbstractEventLoop, float] = WeakKeyDictionary()


class Share:
    """The rests of background work, which leave requests their share of the processor.

    It heeds the requests of the loop that runs, or acts as running, where it is made. ``visited``: whether a
    request came since the rest before the last one.
    """

    __slots__ = ("_loop", "_visits", "visited")

    def __init__(self) -> None:
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._visits = getattr(self._loop, "visits", 0)
        self.visited = True

    def rest_s(self, worked_s: float) -> float:
        """Seconds to rest after so many of work."""
        visits = getattr(self._loop, "visits", 0)
        turn = getattr(self._loop, "turn", None)
        # A request that came during the first step still waits for the lock.
        self.visited = visits != self._visits or (turn is not None and turn.awaited)
        self._visits = visits
        return REST * worked_s if self.visited else 0.0

    def sliced(self, pieces: Iterable[T]) -> Iterator[T]:
        """The pieces, for a thread beside the loop's: it rests after each slice of work."""
        since = thread_time()
        for piece in pieces:
            worked_s = thread_time() - since
            if worked_s > SLICE_S:
                rest_s = self.rest_s(worked_s)
                if rest_s:
                    sleep(rest_s)
                since = thread_time()
            yield piece


class Pacing:
    """Yields to other tasks every few milliseconds: :attr:`long` says when, :meth:`pause` yields.

    All tasks on one loop share its steps: ten tasks hold the loop no longer than one task does, apart from
    the work of each before it asks. ``asked_every``: the number of calls of :attr:`long` in a few dozen
    microseconds. ``clock`` returns the time in seconds.
    """

    __slots__ = ("_asked", "_asked_every", "_clock", "_share", "_until")

    def __init__(self, asked_every: int = 32, clock: Callable[[], float] = perf_counter) -> None:
        self._clock = clock
        self._asked = 0
        self._asked_every = asked_every
        self._share = Share()
        self._until = _end_of_step(clock)

    @property
    def long(self) -> bool:
        """Whether the step is over. Cheap: it reads the clock only now and then."""
        self._asked += 1
        return not self._asked % self._asked_every and self._clock() > self._until

    @property
    def visited(self) -> bool:
        """Whether a request came since the pause before the last one."""
        return self._share.visited

    async def pause(self) -> None:
        """Let other tasks work, for their share of this step if there are any; then begin the next step."""
        took_s = self._clock() - (self._until - STEP_S)
        await asyncio.sleep(max(BREAK_S, self._share.rest_s(took_s)))
        self._until = _end_of_step(self._clock)


async def paced(items: Iterable[T], asked_every: int = 32) -> AsyncGenerator[T]:
    """The items; other tasks work now and then between two of them. ``asked_every``: as of pacing."""
    pacing = Pacing(asked_every)
    for one in items:
        if pacing.long:
            await pacing.pause()
        yield one


async def in_steps(work: Steps[T]) -> T:
    """Do ``work``, with other tasks between its steps; answers what it returns and raises what it raises."""
    pacing = Pacing(asked_every=1)
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result
        if pacing.long:
            await pacing.pause()


def at_once(work: Steps[T] | Coroutine[Any, Any, T]) -> T:
    """Do ``work`` without a break, which must not wait; answers what it returns and raises what it raises."""
    while True:
        try:
            work.send(None)
        except StopIteration as done:
            result: T = done.value
            return result


def _end_of_step(clock: Callable[[], float]) -> float:
    loop = asyncio.get_running_loop()
    end = _ends.get(loop)
    if end is None:
        end = _ends[loop] = clock() + STEP_S
        loop.call_soon(_ends.pop, loop, None)  # the loop has looked for other tasks: the next step begins
    return end
