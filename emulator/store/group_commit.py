"""Group commit: requests that arrive while the disk is busy share its next fsync."""

from __future__ import annotations

import asyncio

from emulator.store.errors import StorageUnavailable
from emulator.store.storage import JournaledStorage


class GroupCommit:
    """Waits for the disk on behalf of many requests, in one other thread, without stopping the event loop."""

    def __init__(self, storage: JournaledStorage) -> None:
        self._storage = storage
        self._waiting: list[asyncio.Future[None]] = []
        self._task: asyncio.Task[None] | None = None

    async def wait(self) -> None:
        """Return when all that was committed so far is on the disk.

        Raises :class:`StorageUnavailable` if the disk refused it; then it is taken back.
        """
        if not self._storage.unsynced:
            return
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._waiting.append(future)
        if self._task is None:
            self._task = loop.create_task(self._sync_all())
        await future

    async def _sync_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting and self._storage.journal is not None:
            waiting, self._waiting = self._waiting, []
            number = self._storage.journal.number
            try:
                await loop.run_in_executor(None, self._storage.journal.sync_later())
            except OSError as error:
                self._storage.take_back(error)
                self._refuse(waiting + self._waiting)
                self._waiting = []
            else:
                self._storage.synced(number)
                for future in waiting:
                    if not future.done():
                        future.set_result(None)
        self._task = None

    def _refuse(self, waiting: list[asyncio.Future[None]]) -> None:
        for future in waiting:
            if not future.done():
                future.set_exception(StorageUnavailable(self._storage.failure or ""))
