"""Group commit: requests that arrive while the disk is busy share its next fsync."""

from __future__ import annotations

import asyncio

from emulator.store.errors import StorageUnavailable
from emulator.store.storage import JournaledStorage
from emulator.store.unsynced import Ticket

_Waiting = tuple[asyncio.Future[None], Ticket]


class GroupCommit:
    """Waits for the disk on behalf of many requests, in one other thread, without stopping the event loop."""

    def __init__(self, storage: JournaledStorage) -> None:
        self._storage = storage
        self._waiting: list[_Waiting] = []
        self._task: asyncio.Task[None] | None = None

    def ticket(self) -> Ticket:
        """What :meth:`wait` waits for: all that was committed so far. Taken right after the commit."""
        return self._storage.ticket()

    async def wait(self, ticket: Ticket | None = None) -> None:
        """Return when all that the ticket stands for is on the disk; without one, all committed so far.

        Raises :class:`StorageUnavailable` if the disk refused it; then it is taken back.
        """
        ticket = ticket or self.ticket()
        if ticket.lost:
            raise self._refusal()
        if not self._storage.unsynced:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append((future, ticket))
        if self._task is None:
            self._task = loop.create_task(self._sync_all())
        await future

    async def _sync_all(self) -> None:
        waiting: list[_Waiting] = []
        try:
            while self._waiting:
                waiting, self._waiting = self._waiting, []
                if not await self._sync():  # what has come meanwhile is taken back too
                    waiting, self._waiting = waiting + self._waiting, []
                self._settle(waiting)
        except BaseException as error:
            waiting, self._waiting = waiting + self._waiting, []
            for future, _ in waiting:
                if not future.done():
                    future.set_exception(error)
            raise
        finally:
            self._task = None

    async def _sync(self) -> bool:
        """Wait for the disk; False where it refused, and what it may not have was taken back."""
        journal = self._storage.journal
        if journal is None:  # closed: then a last snapshot holds everything
            return True
        ticket = self._storage.ticket()
        try:
            await asyncio.get_running_loop().run_in_executor(None, journal.sync_later())
        except Exception as error:  # no thread to be had is as bad: nobody knows what the disk has
            self._storage.take_back(error)
            return False
        self._storage.synced(ticket)
        return True

    def _settle(self, waiting: list[_Waiting]) -> None:
        for future, ticket in waiting:
            if future.done():
                continue
            if ticket.lost:
                future.set_exception(self._refusal())
            else:
                future.set_result(None)

    def _refusal(self) -> StorageUnavailable:
        return StorageUnavailable(self._storage.failure or "the disk refused it")
