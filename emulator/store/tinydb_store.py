"""The domain's store on TinyDB's tables: look-ups of the rules, and one transaction per request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from emulator.loop.pacing import Steps, at_once
from emulator.rules import keys
from emulator.rules.interfaces import TakesLong
from emulator.rules.model import Changes, Profile, Subscription
from emulator.settings import Durability
from emulator.store.errors import DamagedState, StateError
from emulator.store.fixture_set import FixtureSet, give_hash_ids
from emulator.store.interface import ignore
from emulator.store.lookup import TableLookup
from emulator.store.recovery import recover
from emulator.store.shared_state import SharedState
from emulator.store.state import STEP, Op
from emulator.store.tables import REMEMBERED, SPECS, WORKSPACE, profile_key

T = TypeVar("T")


class TinyDBStore(TableLookup):
    """A :class:`~emulator.store.interface.Store`: TinyDB's tables, in memory, over a storage with a log.

    ``path``: the state file, ``None`` to keep everything in memory; ``options``: those of
    :class:`~emulator.store.storage.LoggedStorage`.
    Raises :class:`~emulator.store.errors.StateError` if there is a state that cannot be read.
    """

    def __init__(self, path: Path | None, durability: Durability = "os", **options: Any) -> None:
        super().__init__(path, durability=durability, **options)
        storage = self.storage
        self.on_taken_back: Callable[[], object] = ignore
        self.held: asyncio.Event | None = None
        if storage.files is not None:  # in memory a cycle of references would outlive the last use
            storage.on_taken_back = self._taken_back
        self.sync, self.probe, self.rest = storage.sync, storage.probe, storage.rest
        self.batch, self.keep, self.prepare_removal = storage.batch, storage.keep, storage.prepare_removal
        self.beside, self.at_once = storage.beside, storage.at_once
        self.close, self.discard = storage.close, storage.discard
        try:
            self.learn_configuration()
        except msgspec.MsgspecError as error:
            storage.discard()
            where = path or Path()
            raise DamagedState(where, 0, f"an unreadable database or resource ({error})") from error

    @classmethod
    def read(cls, path: Path) -> TinyDBStore:
        """The contents of a state file, in memory. Changes nothing there. Raises ``StateError``."""
        recovered = recover(path, SPECS)
        if not recovered.state.tables:
            text = f'{path.parent}: the workspace "{path.stem}" was never filled: a start fills it'
            raise StateError(text)
        return cls(path, "none", recovered=recovered)

    def fork(self) -> TinyDBStore:
        """A store in memory that has the same state now; each of the two may change."""
        other = TinyDBStore(None, "none")
        at_once(other.storage.replace(self.storage.state.fork()))
        other.learn_configuration()
        return other

    # More look-ups (emulator.store.interface.Store)

    @property
    def profile_count(self) -> int:
        return len(self.profiles)

    @property
    def subscription_count(self) -> int:
        return len(self.subscriptions)

    @property
    def profiles_made(self) -> int:
        return self.profiles.state.last_id

    @profiles_made.setter
    def profiles_made(self, made: int) -> None:
        self.profiles.state.last_id = max(made, self.profiles_made)

    async def walk(self, table: Literal["profiles", "subscriptions"], shape: type[T]) -> AsyncIterator[T]:
        decode = msgspec.json.Decoder(shape).decode
        async for _, document in self.db.table(table).walk():
            yield decode(document)

    def owned(self, profile: Profile) -> Iterator[Subscription]:
        key = profile.db_id, profile.id
        found = self._as_of_now(self.subscriptions.index("profile").find(profile_key(*key)))
        return (one for one in found if (one.db_id, one.profile_id) == key)

    def owned_page(self, profile: Profile, first: int, most: int) -> tuple[list[Subscription], int]:
        key = profile_key(profile.db_id, profile.id)
        if self.profiles.index("id").count(key) > 1:  # two profiles may rarely have one number
            own = self.subscriptions_of(profile)
            return own[first : first + most], len(own)
        ids = self.subscriptions.index("profile").ids(key)
        return list(map(self.subscriptions.record, islice(ids, first, first + most))), len(ids)

    def find_by_hash(self, hash_id: str) -> Iterator[Subscription]:
        return self._as_of_now(self.subscriptions.index("hash").find(hash_id))

    def _as_of_now(self, ids: Sequence[int]) -> Iterator[Subscription]:
        """The subscriptions with these ids as they are now, each decoded when it is reached."""
        table = self.subscriptions.state
        if len(ids) <= STEP:
            return iter([table.decode(table.documents[doc_id]) for doc_id in ids])
        documents = table.documents.copy()
        return (table.decode(documents[doc_id]) for doc_id in ids)

    def whole(self) -> Iterator[tuple[Profile, Iterator[Subscription]]]:
        profiles, subscriptions = self.profiles.state, self.subscriptions.state
        documents, owned_documents = profiles.documents.copy(), subscriptions.documents.copy()
        owned = subscriptions.indexes["profile"].fork()

        def records() -> Iterator[tuple[Profile, Iterator[Subscription]]]:
            for doc_id in documents.in_order():  # the oldest first: M9
                profile: Profile = profiles.decode(documents[doc_id])
                yield profile, records_of((profile.db_id, profile.id))

        def records_of(key: tuple[int, str]) -> Iterator[Subscription]:
            found = (subscriptions.decode(owned_documents[i]) for i in owned.find(profile_key(*key)))
            return (one for one in found if (one.db_id, one.profile_id) == key)

        return records()

    # Changes

    def apply(self, changes: Changes) -> None:
        profiles, subscriptions = self.profiles, self.subscriptions
        steps: list[Op] = []
        new: set[tuple[int, str]] = set()
        for next_id, made in enumerate(changes.profiles, profiles.state.last_id + 1):
            steps.append(profiles.step(next_id, made))
            new.add((made.db_id, made.id))
        next_id = subscriptions.state.last_id + 1
        pace = self.storage.pace or iter
        for one in pace(changes.subscriptions):
            is_new = (one.db_id, one.profile_id) in new  # a new profile has no subscription yet
            doc_id = None if is_new else self._own(one, one.profile_id)[0]
            if doc_id is None:
                doc_id, next_id = next_id, next_id + 1
            steps.append(subscriptions.step(doc_id, one))
        if changes.changed_profiles or changes.moved:
            steps += self._more_steps(changes)
        self.storage.commit(steps)

    def _more_steps(self, changes: Changes) -> Iterator[Op]:
        for profile in changes.changed_profiles:
            (doc_id,) = self._profile_ids(profile.db_id, profile.id)
            yield self.profiles.step(doc_id, profile)
        pace = self.storage.pace or iter
        for before, after in pace(changes.moved):
            moved_id, _ = self._own(before.key, before.profile_id)
            if moved_id is not None:
                yield self.subscriptions.step(moved_id, after)

    def delete_profile(self, profile: Profile) -> int:
        key, table = (profile.db_id, profile.id), self.subscriptions
        ids = self.storage.in_pieces(table.index("profile").find(profile_key(*key)))
        found = ((doc_id, table.record(doc_id)) for doc_id in ids)
        owned = [table.step(doc_id, None) for doc_id, one in found if (one.db_id, one.profile_id) == key]
        own = [self.profiles.step(doc_id, None) for doc_id in self._profile_ids(*key)]
        self.storage.commit([*owned, *own])
        return len(owned)

    async def gently(self, work: Callable[[], T]) -> T:
        try:
            return work()
        except TakesLong:
            return await self.beside(work)

    def delete_subscription(self, subscription: Subscription) -> None:
        doc_id, _ = self._own(subscription, subscription.profile_id)
        if doc_id is not None:
            self.storage.commit([self.subscriptions.step(doc_id, None)])

    def remember(self, name: str, document: bytes) -> None:
        self.storage.commit([self._remembering(name, document)])

    def _remembering(self, name: str, document: bytes) -> Op:
        return Op(WORKSPACE, REMEMBERED.index(name) + 1, document)

    def recall(self, name: str) -> bytes | None:
        table = self.storage.state.tables.get(WORKSPACE)
        return None if table is None else table.documents.get(REMEMBERED.index(name) + 1)

    async def start_over(self, shared: SharedState, remembered: Mapping[str, bytes]) -> None:
        await self.storage.start_over(shared, [self._remembering(*one) for one in remembered.items()])
        self.learn_configuration()

    async def take(self, other: TinyDBStore) -> None:
        """Replace everything by the contents of another store, which is not used afterwards.

        Raises :class:`~emulator.store.errors.Unavailable`; then nothing has changed.
        """
        await self.storage.replace(other.storage.state)
        self.learn_configuration()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Make all other requests wait until the end: see :attr:`held`.

        What was changed before is on the disk then, so that nothing of it can be taken back inside.
        Raises :class:`~emulator.store.errors.Unavailable`.
        """
        while self.held is not None:
            await self.held.wait()
        self.held = asyncio.Event()
        try:
            await self.until_durable()
            yield
        finally:
            held, self.held = self.held, None
            held.set()

    # The disk

    @property
    def commits(self) -> int:
        return self.storage.commits

    @property
    def failure(self) -> str | None:
        return self.storage.failure

    @property
    def torn_bytes(self) -> int:
        return self.storage.torn_bytes

    def durable(self) -> Awaitable[None] | None:
        storage = self.storage
        return storage.wait(storage.ticket()) if storage.syncs and storage.unsynced else None

    async def until_durable(self) -> None:
        durable = self.durable()
        if durable is not None:
            await durable

    # Inside

    def _taken_back(self) -> None:
        self.learn_configuration()
        self.on_taken_back()


def made_from(
    fixtures: FixtureSet, now: str, new_id: Callable[[], str], remembered: Mapping[str, bytes] | None = None
) -> Steps[TinyDBStore]:
    """A store in memory with a fixture set and what a workspace remembers; made in steps.

    ``now``: ISO 8601; ``new_id`` makes ids for profiles that have none.
    """
    made = TinyDBStore(None, "none")
    made.storage.commit([Op(name, None, b"{}") for name in SPECS])  # in the order of the file
    for name, document in (remembered or {}).items():
        made.remember(name, document)
    made.database_table.insert_multiple(map(msgspec.to_builtins, fixtures.databases))
    made.resource_table.insert_multiple(map(msgspec.to_builtins, fixtures.resources))
    made.learn_configuration()
    hash_ids = made.subscriptions.index("hash")
    for profiles, subscriptions in fixtures.records(now, new_id, STEP):
        yield
        first = [keys.digest(one).hex()[: keys.HASH_DIGITS] for one in subscriptions]
        if len(set(first)) < len(first) or any(one in hash_ids for one in first):
            give_hash_ids(made, subscriptions)
        else:  # no two keys have the same first digits
            for one, hash_id in zip(subscriptions, first, strict=True):
                one.hash_id = hash_id
        made.profiles.fill(profiles)
        made.subscriptions.fill(subscriptions)
    return made
