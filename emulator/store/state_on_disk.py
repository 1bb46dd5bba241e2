"""A state in memory and its files: durability, errors of the disk, and retries."""

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from time import monotonic
from typing import Any, TypeVar

from emulator.loop.pacing import Pace, Share
from emulator.rules.interfaces import TakesLong
from emulator.rules.texts import Message, Text, message
from emulator.settings import Durability
from emulator.store.errors import Unavailable, reason
from emulator.store.generations import RETRY_S, Generations
from emulator.store.interface import ignore
from emulator.store.log import Log
from emulator.store.state import State
from emulator.store.unsynced import Ticket, Unsynced

T = TypeVar("T")
#: The most records that a request reads or changes without rests: each takes up to 40 µs.
MOST_AT_ONCE = 200


class StateOnDisk:
    """A state and its files; a state in memory only has none.

    ``commits`` grows whenever the state changes. ``syncs``: a transaction counts when it has reached the
    disk. ``on_taken_back`` is called when the disk has lost transactions that were carried out already.
    ``clock``: the time in seconds, for retries. ``files``: ``None`` in memory only, and after the end.
    ``pace``: that of the work :meth:`beside` the loop, while there is any.
    """

    def __init__(
        self,
        path: Path | None,
        state: State,
        durability: Durability,
        min_log_bytes: int,
        check_lock: Callable[[], object],
    ) -> None:
        self.state = state
        self.commits = 0
        self.syncs = durability == "fsync"
        self.clock: Callable[[], float] = monotonic
        self.on_taken_back: Callable[[], object] = ignore
        self._path = path or Path()
        self._unsynced = Unsynced()
        self._trouble: Exception | None = None
        self._retry_at, self._closed = 0.0, False
        self._group_sync: asyncio.Task[None] | None = None
        self._aside: Future[object] | None = None  # another thread works on the state or its files
        self.pace: Pace[Any] | None = None
        self.files: Generations | None = None
        if path is not None and durability != "none":
            check_lock()
            self.files = Generations(
                path, self._unsynced, min_log_bytes, self.syncs, check_lock, lambda: self.clock()
            )

    # The files

    def discard(self) -> None:
        """Close the files as they are, without a last snapshot."""
        files, self.files = self.files, None
        self._closed = self._closed or files is not None
        self.on_taken_back = ignore  # no cycle of references keeps the state
        if files is not None:
            files.close()

    def keep(self) -> Generations | None:
        """The files, which begin now or have begun; ``None`` in memory.

        What the disk refused before is tried again, but not each time. Raises :class:`Unavailable`.
        """
        self._check_open()
        files = self.files
        if files is not None and not (files.begun and self._trouble is None):
            if self._trouble is not None and self.clock() < self._retry_at:
                raise Unavailable(self._text(self._trouble), self._trouble)
            try:
                if files.begun:
                    files.try_again()
                else:
                    files.begin()
            except OSError as error:
                raise self._failed(error) from error
            self._trouble = None
        return files

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Raise :class:`Unavailable` for an error of the disk; the log may work all the same."""
        try:
            yield
        except OSError as error:
            raise Unavailable(self._text(error), error) from error

    def snapshot(self) -> None:
        """Start a snapshot in the background. Requests continue; :attr:`failure` reports failures."""
        if self.files is not None and self.files.begun:
            with contextlib.suppress(Unavailable):
                self.sync()
                self.files.begin_snapshot(self.state)

    def prepare_removal(self) -> list[Path]:
        """Stop writing files in the background; returns where the logs are, if they are there.

        Raises :class:`OSError` if those on disk are not ours.
        """
        if self.files is None:
            return []
        self.files.abandon_snapshot()
        self.files.check()
        return self.files.logs

    def rest(self) -> None:
        """Close the open file; the next transaction opens it again."""
        if self.log is not None:
            self.log.rest()

    async def beside(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, done at the :attr:`pace` of another thread; raises what it raises.

        The caller has the state to itself meanwhile.
        """
        results: list[T] = []

        def paced(pace: Pace[Any]) -> None:
            self.pace = pace
            try:
                results.append(work())
            finally:
                self.pace = None

        if self.files is not None and self.files.begun and self.files.snapshot_due():
            self.snapshot()  # here: its thread heeds the requests of this loop
        await self._run(paced, True)
        return results[0]

    @contextlib.contextmanager
    def at_once(self) -> Iterator[None]:
        """Work inside takes as long as it takes, with no rest unless it is done :meth:`beside` the loop."""
        before, self.pace = self.pace, self.pace or iter
        try:
            yield
        finally:
            self.pace = before

    def in_pieces(self, items: Iterable[T], others: int = 0) -> Iterable[T]:
        """The items of work that may take long: at the :attr:`pace` of this work if it has one.

        Else it raises :class:`TakesLong` after :data:`MOST_AT_ONCE` items, these ``others`` included.
        """
        return _few(items, MOST_AT_ONCE - others) if self.pace is None else self.pace(items)

    def paced(self, items: Iterable[T]) -> Iterable[T]:
        """The items of long work, at its :attr:`pace`. Raises :class:`TakesLong` if it has none."""
        if self.pace is None:
            raise TakesLong
        return self.pace(items)

    async def _run(self, work: Callable[[Pace[Any]], object], beside: bool) -> None:
        """Do the work here, or ``beside`` in another thread; :meth:`close` and a cancellation wait for it."""
        if not beside:
            work(iter)
            return
        with ThreadPoolExecutor(1, "state") as thread:  # the end waits for the work's end
            try:
                self._aside = thread.submit(work, Share().sliced)
            except RuntimeError as error:  # there are too many threads; the disk may be well
                raise Unavailable(self._text(error), error) from error
            try:
                await asyncio.wrap_future(self._aside)
            finally:
                self._aside = None
        self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the state is closed")

    # fsync

    @property
    def log(self) -> Log | None:
        """The log of new transactions; ``None`` in memory, before the first and after :meth:`close`."""
        return self.files.log if self.files is not None and self.files.begun else None

    @property
    def unsynced(self) -> int:
        """How many transactions the disk may not have yet (``fsync`` mode)."""
        return len(self._unsynced)

    def ticket(self) -> Ticket:
        """The ticket for all commits so far."""
        return Ticket(self._unsynced.epoch, self.log.number if self.log is not None else 0)

    async def wait(self, ticket: Ticket) -> None:
        """Return when all transactions of the ticket are on the disk.

        Those who wait while the disk is busy share its next fsync, in another thread. Raises
        :class:`Unavailable` if the disk refused them; then they are undone.
        """
        loop = asyncio.get_running_loop()
        while self.files is not None and self._unsynced.holds(ticket):
            sync = self._group_sync
            if sync is None or sync.done() or sync.get_loop() is not loop:
                sync = self._group_sync = loop.create_task(self._sync_beside())
            await asyncio.wait([sync])  # a cancelled wait leaves the sync to the others
            sync.result()
        if ticket.lost:
            raise Unavailable(self._failure() or "the disk refused it")

    async def _sync_beside(self) -> None:
        log, ticket = self.log, self.ticket()
        if log is None:  # closed: then a last snapshot holds everything
            return
        try:
            await asyncio.get_running_loop().run_in_executor(None, log.sync_later())
        except Exception as error:  # a missing thread is as bad: the contents of the disk are unknown
            self.take_back(error)
        else:
            self._unsynced.confirm(ticket)

    def sync(self) -> None:
        """Wait for the disk. Raises :class:`Unavailable` after it has undone what the disk may have lost."""
        if self._unsynced and self.files is not None:
            ticket = self.ticket()
            try:
                self.files.log.sync()
            except OSError as error:
                raise self.take_back(error) from error
            self._unsynced.confirm(ticket)

    def take_back(self, error: Exception) -> Unavailable:
        """Undo every unsynced transaction in memory and in the log, because the disk refused them."""
        log = self.log
        if log is None:
            return Unavailable(str(error))
        taken = self._unsynced.take_all(log.number)
        for pending in taken:
            self.state.apply(reversed(pending.undo))
        if taken:
            with contextlib.suppress(OSError):
                log.cut_back(taken[-1].size, taken[-1].number - 1)
        log.forget_sync_error()
        self.commits += 1
        self.on_taken_back()
        return self._failed(error)

    # Health

    @property
    def failure(self) -> str | None:
        """Why the state or its snapshot cannot be written at present."""
        found = self._failure()
        return None if found is None else str(found)

    def probe(self) -> bool:
        """Whether the disk takes everything. What it refused before is tried again, but not each time."""
        files = self.files
        if self._aside is not None or files is None:
            return True
        if self._trouble is None:
            try:
                files.check()
                if files.begun:
                    files.log.check_open()
            except OSError as error:
                self._failed(error)
                self._retry_at = 0.0
        if self._trouble is not None:
            with contextlib.suppress(Unavailable):
                self.keep()
        elif files.snapshot_missing():
            self.snapshot()
        return self.failure is None

    def _failure(self) -> Text | None:
        if self._trouble is not None:
            return self._text(self._trouble)
        return self.files.failure if self.files is not None else None

    def _failed(self, error: Exception) -> Unavailable:
        self._trouble = error
        self._retry_at = self.clock() + RETRY_S
        return Unavailable(self._text(error), error)

    def _text(self, error: Exception) -> Message:
        return message("the state cannot be written: %(reason)s", reason=reason(error, self._path))


def _few(items: Iterable[T], most: int) -> Iterator[T]:
    for at, one in enumerate(items):
        if at >= most:
            raise TakesLong
        yield one
