"""The interface of a store, in the domain's words.

A new engine implements :class:`Store` and passes ``tests/store/test_engines.py``. An engine with tables in
memory only needs another storage for :class:`~emulator.store.tinydb_store.TinyDBStore`: the searches of
:mod:`~emulator.store.records` and the changes of :mod:`~emulator.store.configuring` work on its tables.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from math import inf
from pathlib import Path
from typing import Literal, Protocol, TypeVar

from emulator.rules.interfaces import MobileLookup
from emulator.rules.model import Changes, Database, Profile, Subscription
from emulator.store.shared_state import SharedState

T = TypeVar("T")


def ignore(*_: object) -> None:
    """Take no notice of news: one function for all, since each workspace would have several of its own."""


class Store(MobileLookup, Protocol):
    """The state of one workspace. One thread uses it.

    A method that changes something raises :class:`~emulator.store.errors.Unavailable` if the change cannot
    be stored; then nothing has changed.

    - ``commits``: grows whenever anything changes.
    - ``failure``: why the state, or its snapshot, cannot be written just now.
    - ``torn_bytes``: how much of an unfinished transaction was cut off at the start.
    - ``on_taken_back``: called when the disk has lost changes that were carried out already; they are undone.
    - ``held``: an event while somebody has the state :meth:`alone`; all others wait for it.
    - ``profiles_made``: how many profiles there have ever been, deleted ones included.
    """

    on_taken_back: Callable[[], object]
    profiles_made: int
    held: asyncio.Event | None

    @property
    def commits(self) -> int: ...

    @property
    def failure(self) -> str | None: ...

    @property
    def torn_bytes(self) -> int: ...

    @property
    def profile_count(self) -> int: ...

    @property
    def subscription_count(self) -> int: ...

    # Look-ups, beside those of the rules

    def databases(self) -> list[Database]:
        """All databases, in the order of the fixtures."""

    def find_by_hash(self, hash_id: str) -> Iterator[Subscription]:
        """The records with this hash id, as of this call: one key, on one profile or more, oldest first.

        Each is read when it is reached, for there may be very many, here and below.
        """

    def owned(self, profile: Profile) -> Iterator[Subscription]:
        """A profile's subscriptions, as of this call, the oldest first."""

    def owned_page(self, profile: Profile, first: int, most: int) -> tuple[list[Subscription], int]:
        """``most`` of a profile's subscriptions from this position on, and how many it has."""

    def walk(self, table: Literal["profiles", "subscriptions"], shape: type[T]) -> AsyncIterator[T]:
        """Every record, decoded as ``shape`` (a struct of some of its members), in short steps."""

    def whole(self) -> Iterator[tuple[Profile, Iterator[Subscription]]]:
        """Every profile with its subscriptions, as of this call, the oldest first."""

    def fork(self) -> Store:
        """A store in memory that has the same state now; each of the two may change."""

    # Changes, each one transaction

    def apply(self, changes: Changes) -> None:
        """Store the changes (A6)."""

    def delete_profile(self, profile: Profile) -> int:
        """Remove a profile with its subscriptions; returns their number. Raises :class:`TakesLong`."""

    def delete_subscription(self, subscription: Subscription) -> None:
        """Remove a subscription from its profile."""

    def remember(self, name: str, document: bytes) -> None:
        """Store a JSON object of the workspace, one of :data:`~emulator.store.tables.REMEMBERED`."""

    def recall(self, name: str) -> bytes | None:
        """The object that :meth:`remember` stored."""

    def batch(self) -> AbstractContextManager[None]:
        """All changes inside are visible at once and become one transaction at the end, or are undone."""

    async def start_over(self, shared: SharedState, remembered: Mapping[str, bytes]) -> None:
        """Begin with what is shared, in place of everything, whole or not at all.

        ``remembered``: see :meth:`remember`. Without any, a state without files gets none. Another thread
        writes a large state: then call it in :meth:`alone`.
        """

    def alone(self) -> AbstractAsyncContextManager[None]:
        """Make all other requests wait until the end; earlier changes are stored first."""

    def at_once(self) -> AbstractContextManager[None]:
        """No look-up or change inside raises :class:`~emulator.rules.interfaces.TakesLong`."""

    async def gently(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, done at once, or :meth:`beside` if it raises :class:`TakesLong`."""

    async def beside(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, done in another thread that leaves requests of other states their share.

        It uses this store only. Raises what it raises. Call both in :meth:`alone`.
        """

    # The disk

    def keep(self) -> object:
        """Store the state now, changed or not."""

    def durable(self) -> Awaitable[None] | None:
        """An awaitable that ends when the disk has all changes so far; ``None``: no wait is needed.

        Awaiting raises :class:`~emulator.store.errors.Unavailable` if the disk refused; then the changes
        are undone.
        """

    async def until_durable(self) -> None:
        """Wait for :meth:`durable`, if there is anything to wait for."""

    def sync(self) -> None:
        """Wait for the disk, blocking. Raises as :meth:`durable` does."""

    def probe(self) -> bool:
        """Whether the disk accepts writes. A refused write is tried again, but not at each call."""

    def rest(self) -> None:
        """Close the files until the next change."""

    def prepare_removal(self) -> Sequence[Path]:
        """Stop writing files in the background; returns where the logs are, if they are there.

        Raises :class:`OSError` if the files on the disk are not ours.
        """

    def close(self, give_up_at: float = inf) -> None:
        """Write the snapshot for the next start, until ``give_up_at`` (:func:`time.monotonic`), and close."""

    def discard(self) -> None:
        """Close with the files as they are."""
