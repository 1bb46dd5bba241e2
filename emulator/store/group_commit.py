"""Group commit: requests that arrive while the disk is busy share its next fsync."""

import asyncio

from emulator.store.errors import Unavailable
from emulator.store.storage import LoggedStorage
from emulator.store.unsynced import Ticket


class GroupCommit:
    """Waits for the disk on behalf of many requests, in one other thread, without stopping the event loop."""

    def __init__(self, storage: LoggedStorage) -> None:
        self._storage = storage
        self._sync: asyncio.Task[None] | None = None

    async def wait(self, ticket: Ticket) -> None:
        """Return when all transactions of the ticket are on the disk.

        Raises :class:`Unavailable` if the disk refused them; then they are undone.
        """
        loop = asyncio.get_running_loop()
        while self._storage.waits_for(ticket):
            sync = self._sync
            if sync is None or sync.done() or sync.get_loop() is not loop:
                sync = self._sync = loop.create_task(self._sync_all())
            await asyncio.wait([sync])  # a cancelled wait leaves the sync to the others
            sync.result()
        if ticket.lost:
            raise Unavailable(self._storage.failure or "the disk refused it")

    async def _sync_all(self) -> None:
        log = self._storage.log
        if log is None:  # closed: then a last snapshot holds everything
            return
        ticket = self._storage.ticket()
        try:
            await asyncio.get_running_loop().run_in_executor(None, log.sync_later())
        except Exception as error:  # a missing thread is as bad: the contents of the disk are unknown
            self._storage.take_back(error)
        else:
            self._storage.synced(ticket)
