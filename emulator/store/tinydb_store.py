"""The domain's store on TinyDB's tables: look-ups of the rules, and one transaction per request."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Container, Iterable, Iterator, Mapping, Sized
from contextlib import asynccontextmanager
from functools import lru_cache
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from tinydb import TinyDB

from emulator.loop.pacing import Steps, at_once
from emulator.rules.model import (
    Changes,
    Database,
    FieldValue,
    Held,
    Profile,
    PushKey,
    Resource,
    RoleToken,
    Subscription,
)
from emulator.settings import Durability
from emulator.store.errors import DamagedState, StateError
from emulator.store.fixture_set import FixtureSet, give_first_hash_ids
from emulator.store.group_commit import GroupCommit
from emulator.store.recovery import recover
from emulator.store.shared_state import SharedState
from emulator.store.state import STEP, Op, State
from emulator.store.storage import LoggedStorage
from emulator.store.table import IndexedTable
from emulator.store.tables import (
    DATABASES,
    PROFILES,
    REMEMBERED,
    RESOURCES,
    SPECS,
    SUBSCRIPTIONS,
    WORKSPACE,
    field_key,
    folded_key,
    phone_key,
    profile_key,
    push_key,
    with_subscriptions,
)

T = TypeVar("T")
_read_database = msgspec.json.Decoder(Database).decode
_read_resource = msgspec.json.Decoder(Resource).decode


class StateDatabase(TinyDB):
    """TinyDB on the engine of this package."""

    table_class = IndexedTable  # type: ignore[assignment]  # TinyDB wants these replaced
    default_storage_class = LoggedStorage  # type: ignore[assignment]
    storage: LoggedStorage

    def table(self, name: str, **options: Any) -> IndexedTable:
        """The table of this name."""
        return super().table(name, **options)  # type: ignore[return-value]


class TinyDBStore:
    """A :class:`~emulator.store.interface.Store`: TinyDB's tables, in memory, over a storage with a log.

    ``path``: the state file, ``None`` to keep everything in memory; ``options``: those of
    :class:`~emulator.store.storage.LoggedStorage`.
    Raises :class:`~emulator.store.errors.StateError` if there is a state that cannot be read.
    """

    def __init__(self, path: Path | None, durability: Durability = "os", **options: Any) -> None:
        self.db = StateDatabase(path, specs=SPECS, durability=durability, **options)
        self.storage = storage = self.db.storage
        table = self.db.table
        self.profiles, self.subscriptions = table(PROFILES), table(SUBSCRIPTIONS)
        self.database_table, self.resource_table = table(DATABASES), table(RESOURCES)
        self._group_commit = GroupCommit(storage)
        self.on_taken_back: Callable[[], object] = lambda: None
        self.held: asyncio.Event | None = None
        storage.on_taken_back = self._taken_back
        self.sync, self.probe, self.rest = storage.sync, storage.probe, storage.rest
        self.batch, self.keep, self.prepare_removal = storage.batch, storage.keep, storage.prepare_removal
        self.close, self.discard = storage.close, storage.discard
        self._begin(path or Path())

    @classmethod
    def read(cls, path: Path) -> TinyDBStore:
        """The contents of a state file, in memory. Changes nothing there. Raises ``StateError``."""
        store = cls(None, "none")
        state = recover(path, SPECS).state
        if not state.tables:
            text = f'{path.parent}: the workspace "{path.stem}" was never filled: a start fills it'
            raise StateError(text)
        at_once(store.storage.replace(state))
        store._begin(path)
        return store

    def _begin(self, path: Path) -> None:
        try:
            self.learn_configuration()
        except msgspec.MsgspecError as error:
            self.storage.discard()
            raise DamagedState(path, 0, f"an unreadable database or resource ({error})") from error

    # Look-ups (emulator.rules.interfaces.Lookup)

    def find_resource(self, token: str) -> Resource | None:
        return self._by_token.get(token)

    def find_role_token(self, token: str) -> tuple[Resource, RoleToken] | None:
        return self._role_tokens.get(token)

    def database(self, db_id: int) -> Database:
        return self._databases[db_id]

    def find_profile(self, db_id: int, profile_id: str) -> Profile | None:
        table = self.profiles.state
        for doc_id in table.indexes["id"].find(profile_key(db_id, profile_id)):
            found: Profile = table.decode(table.documents[doc_id])
            return found
        return None

    def find_by_field(self, db_id: int, name: str, value: FieldValue, newest: bool = False) -> list[Profile]:
        key = field_key(db_id, name, value)
        if newest:
            return list(map(self.profiles.record, self.profiles.index("field").newest(key, 2)))
        return self.profiles.find("field", key, 2)

    def find_by_phone(self, db_id: int, phone: str) -> list[Profile]:
        return self.profiles.find("field", phone_key(db_id, phone), 2)

    def find_by_push(self, key: PushKey) -> Held:
        table, wanted = self.subscriptions.state, push_key(key)  # the most frequent call: few steps
        others = table.indexes["inactive"].count(wanted)
        active = table.indexes["active"].find(wanted)
        for doc_id in active:
            one: Subscription = table.decode(table.documents[doc_id])
            # As one.key == key is, without another key.
            if (
                one.subscription_id == key.subscription_id
                and one.db_id == key.db_id
                and one.resource_id == key.resource_id
                and one.provider == key.provider
            ):
                return Held(one, others + len(active) - 1, one.hash_id)
        # Two keys may rarely have one number: then the first record is not enough.
        for limit in (1, None) if others else ():
            for one in self.subscriptions.find("inactive", wanted, limit):
                if one.key == key:
                    return Held(None, others, one.hash_id)
        return Held()

    def find_own(self, key: PushKey, profile_id: str) -> Subscription | None:
        return self._own(key, profile_id)[1]

    def find_all(self, key: PushKey) -> list[Subscription]:
        owners = self.profiles.index("id")
        found = map(self.subscriptions.record, self.push_ids(key))
        return sorted(
            (one for one in found if one.key == key),
            key=lambda one: owners.find(profile_key(one.db_id, one.profile_id))[0],
        )

    def find_active(self, key: PushKey) -> list[Subscription]:
        return [one for one in self.subscriptions.find("active", push_key(key)) if one.key == key]

    def holders(
        self, provider: str, subscription_id: str, db_ids: Iterable[int] | None = None
    ) -> list[Subscription]:
        ids = self.holder_ids(provider, subscription_id, self._databases if db_ids is None else set(db_ids))
        found = map(self.subscriptions.record, ids)
        return [one for one in found if (one.provider, one.subscription_id) == (provider, subscription_id)]

    def find_other_case(self, key: PushKey) -> Subscription | None:
        for one in self.subscriptions.find("folded", folded_key(key), 1):
            if one.key != key and one.subscription_id.lower() == key.subscription_id.lower():
                return one  # type: ignore[no-any-return]
        return None

    def hash_taken(self, hash_id: str) -> bool:
        return hash_id in self.subscriptions.index("hash")

    # More look-ups (emulator.store.interface.Store)

    @property
    def profile_count(self) -> int:
        return len(self.profiles)

    @property
    def subscription_count(self) -> int:
        return len(self.subscriptions)

    @property
    def profiles_made(self) -> int:
        return self.profiles.last_id

    @profiles_made.setter
    def profiles_made(self, made: int) -> None:
        self.profiles.state.last_id = max(made, self.profiles.last_id)

    def databases(self) -> list[Database]:
        return list(self._databases.values())

    def resources(self) -> list[Resource]:
        return list(self._by_token.values())

    def subscriptions_of(self, profile: Profile) -> list[Subscription]:
        return self.subscriptions.find("profile", profile_key(profile.db_id, profile.id))

    def find_by_hash(self, hash_id: str) -> list[Subscription]:
        return self.subscriptions.find("hash", hash_id)

    async def walk(self, table: Literal["profiles", "subscriptions"], shape: type[T]) -> AsyncIterator[T]:
        decode = msgspec.json.Decoder(shape).decode
        async for _, document in self.db.table(table).walk():
            yield decode(document)

    def whole(self) -> Iterator[tuple[Profile, list[Subscription]] | None]:
        # Documents are never changed in place, so copies of the references are enough.
        return with_subscriptions(self.profiles.copy(), self.subscriptions.copy())

    # Changes

    def apply(self, changes: Changes) -> None:
        profiles, subscriptions = self.profiles, self.subscriptions
        steps = []
        new: set[tuple[int, str]] = set()
        if changes.profiles:
            steps = [profiles.step(i, one) for i, one in enumerate(changes.profiles, profiles.last_id + 1)]
            new = {(one.db_id, one.id) for one in changes.profiles}
        next_id = subscriptions.last_id + 1
        for one in changes.subscriptions:
            is_new = (one.db_id, one.profile_id) in new  # a new profile has no subscription yet
            doc_id = None if is_new else self._own(one, one.profile_id)[0]
            if doc_id is None:
                doc_id, next_id = next_id, next_id + 1
            steps.append(subscriptions.step(doc_id, one))
        if changes.changed_profiles or changes.moved:
            steps += self._more_steps(changes)
        self.storage.commit(steps, checked=True)

    def _more_steps(self, changes: Changes) -> Iterator[Op]:
        for profile in changes.changed_profiles:
            (doc_id,) = self._profile_ids(profile)
            yield self.profiles.step(doc_id, profile)
        for before, after in changes.moved:
            moved_id, _ = self._own(before.key, before.profile_id)
            if moved_id is not None:
                yield self.subscriptions.step(moved_id, after)

    def change_profile(self, changed: Profile) -> None:
        (doc_id,) = self._profile_ids(changed)
        self.storage.commit([self.profiles.step(doc_id, changed)], checked=True)

    def delete_profile(self, profile: Profile) -> int:
        owned = self.subscriptions.index("profile").find(profile_key(profile.db_id, profile.id))
        steps = [self.subscriptions.step(doc_id, None) for doc_id in owned]
        steps += [self.profiles.step(doc_id, None) for doc_id in self._profile_ids(profile)]
        self.storage.commit(steps, checked=True)
        return len(owned)

    def delete_subscription(self, subscription: Subscription) -> None:
        doc_id, _ = self._own(subscription, subscription.profile_id)
        if doc_id is not None:
            self.storage.commit([self.subscriptions.step(doc_id, None)], checked=True)

    def remember(self, name: str, document: bytes) -> None:
        self.storage.commit([self._remembering(name, document)])

    def _remembering(self, name: str, document: bytes) -> Op:
        return Op(WORKSPACE, REMEMBERED.index(name) + 1, document)

    def recall(self, name: str) -> bytes | None:
        table = self.storage.state.tables.get(WORKSPACE)
        return None if table is None else table.documents.get(REMEMBERED.index(name) + 1)

    async def start_over(
        self, shared: SharedState, remembered: Mapping[str, bytes], beside: bool = False
    ) -> None:
        steps = [self._remembering(*one) for one in remembered.items()]
        await self.storage.start_over(shared, steps, beside)
        self.learn_configuration()

    async def take(self, other: TinyDBStore, beside: bool = False) -> None:
        """Replace everything by the contents of another store, which is not used afterwards.

        ``beside``: see :meth:`start_over`.
        Raises :class:`~emulator.store.errors.Unavailable`; then nothing has changed.
        """
        await self.storage.replace(other.storage.state, beside)
        self.learn_configuration()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Hold everybody else's requests back until the end: see :attr:`held`.

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

    def learn_configuration(self) -> None:
        """Read the databases and resources anew: wanted whenever their tables have changed."""
        state = self.storage.state
        read = _configuration(_in_order(state, DATABASES), _in_order(state, RESOURCES))
        self._databases, self._by_token, self._role_tokens = read

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
        return self._group_commit.wait(storage.ticket()) if storage.syncs and storage.unsynced else None

    async def until_durable(self) -> None:
        durable = self.durable()
        if durable is not None:
            await durable

    # Inside

    def _taken_back(self) -> None:
        self.learn_configuration()
        self.on_taken_back()

    def push_ids(self, key: PushKey) -> list[int]:
        """The ids of all records of a key, rarely of another key, too, ascending."""
        table, wanted = self.subscriptions, push_key(key)
        return sorted(chain(table.index("active").find(wanted), table.index("inactive").find(wanted)))

    def holder_ids(
        self, provider: str, subscription_id: str, db_ids: Container[int], resource_id: int | None = None
    ) -> list[int]:
        """The ids of :meth:`holders`, of one resource or of all, rarely of others, too, ascending."""
        found: list[int] = []
        for one in self._by_token.values():
            if resource_id in (None, one.id):
                for db_id in one.db_ids:
                    if db_id in db_ids:
                        found += self.push_ids(PushKey(db_id, one.id, provider, subscription_id))
        return sorted(found)

    def _profile_ids(self, profile: Profile) -> Iterable[int]:
        return self.profiles.index("id").find(profile_key(profile.db_id, profile.id))

    def _own(self, key: PushKey | Subscription, profile_id: str) -> tuple[int | None, Subscription | None]:
        """The record of a key on a profile and its id, searched among the fewer records of the two."""
        table, wanted = self.subscriptions.state, push_key(key)
        active, inactive = table.indexes["active"].find(wanted), table.indexes["inactive"]
        count = inactive.count(wanted)
        if not active and not count:
            return None, None
        others: Iterable[int] = ()
        if count:
            owned, owner = table.indexes["profile"], profile_key(key.db_id, profile_id)
            others = inactive.find(wanted) if count <= owned.count(owner) else owned.find(owner)
        if isinstance(key, Subscription):
            key = key.key
        for doc_id in chain(active, others):
            one: Subscription = table.decode(table.documents[doc_id])
            if one.profile_id == profile_id and one.key == key:
                return doc_id, one
        return None, None


def _in_order(state: State, name: str) -> tuple[bytes, ...]:
    table = state.tables.get(name)
    return () if table is None else tuple(document for _, document in sorted(table.documents.items()))


# Most workspaces have what they began with: they share what is decoded, and nobody changes that.
@lru_cache(maxsize=16)
def _configuration(
    databases: tuple[bytes, ...], resources: tuple[bytes, ...]
) -> tuple[dict[int, Database], dict[str, Resource], dict[str, tuple[Resource, RoleToken]]]:
    """The databases by id, the resources by token, and the resources with a role by the role's token."""
    by_id = {one.id: one for one in map(_read_database, databases)}
    by_token = {one.token: one for one in map(_read_resource, resources)}
    roles = {role.token: (one, role) for one in by_token.values() for role in one.role_tokens}
    return by_id, by_token, roles


def made_from(
    fixtures: FixtureSet,
    now: str,
    new_id: Callable[[], str],
    remembered: Mapping[str, bytes] | None = None,
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
    if isinstance(fixtures.profiles, Sized):
        for table in (made.profiles, made.subscriptions):
            table.state.expect(len(fixtures.profiles))
    records = iter(fixtures.records(now, new_id))
    while some := list(islice(records, STEP)):
        yield
        subscriptions = list(chain.from_iterable(own for _, own in some))
        give_first_hash_ids(made, subscriptions)
        made.profiles.fill([profile for profile, _ in some])
        made.subscriptions.fill(subscriptions)
    return made
