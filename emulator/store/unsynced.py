"""Transactions that the disk may not have yet, and the steps that undo them."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from emulator.store.state import Op


@dataclass(eq=False)
class Epoch:
    """The time between two failures of the disk. At its end ``kept`` is its last valid transaction."""

    kept: int | None = None


class Ticket(NamedTuple):
    """What an answer waits for: everything up to the transaction ``number`` of this epoch."""

    epoch: Epoch
    number: int

    @property
    def lost(self) -> bool:
        """Whether its transaction was undone."""
        return self.epoch.kept is not None and self.number > self.epoch.kept


class Pending(NamedTuple):
    """A transaction that the disk may not have yet: the log's size before it, the undo steps."""

    number: int
    size: int
    undo: Sequence[Op]


class Unsynced:
    """The pending transactions, oldest first; any thread may ask and confirm."""

    def __init__(self) -> None:
        self.epoch = Epoch()
        self._pending: list[Pending] = []
        self._confirmed = 0
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._pending)

    def holds(self, ticket: Ticket) -> bool:
        """Whether a transaction of the ticket is pending."""
        with self._lock:
            oldest = self._pending[0].number if self._pending else ticket.number + 1
            return ticket.epoch is self.epoch and oldest <= ticket.number

    def add(self, pending: Pending) -> None:
        """Add a pending transaction."""
        with self._lock:
            if pending.number > self._confirmed:
                self._pending.append(pending)

    def confirm(self, ticket: Ticket) -> bool:
        """Record that the disk has everything up to the ticket. False: the ticket's epoch is over."""
        with self._lock:
            if ticket.epoch is not self.epoch:
                return False
            self._confirmed = max(self._confirmed, ticket.number)
            confirmed = (at for at, one in enumerate(self._pending) if one.number > ticket.number)
            del self._pending[: next(confirmed, len(self._pending))]
            return True

    def take_all(self, number: int) -> list[Pending]:
        """End the epoch: pending transactions are lost; ``number``: of the last transaction made.

        Returns the lost ones, newest first.
        """
        with self._lock:
            taken = list(reversed(self._pending))
            self._pending.clear()
            self._confirmed = self.epoch.kept = taken[-1].number - 1 if taken else number
            self.epoch = Epoch()
            return taken
