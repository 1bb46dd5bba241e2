"""The domain's store on TinyDB: what the rules look up, and one transaction per request."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from tinydb import TinyDB

from emulator.rules.keys import subscription_hash_id
from emulator.rules.model import (
    Changes,
    Database,
    FieldValue,
    Held,
    Profile,
    PushKey,
    Resource,
    Subscription,
)
from emulator.settings import Durability
from emulator.store.errors import DamagedState
from emulator.store.fixture_set import FixtureSet
from emulator.store.group_commit import GroupCommit
from emulator.store.state import Op, State, TableState
from emulator.store.storage import JournaledStorage
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
    profile_key,
    push_key,
)

_encode = msgspec.json.Encoder().encode


class StateDatabase(TinyDB):
    """TinyDB on the engine of this package."""

    table_class = IndexedTable  # type: ignore[assignment]  # TinyDB wants these replaced
    default_storage_class = JournaledStorage  # type: ignore[assignment]
    storage: JournaledStorage


class TinyDBStore:
    """The state of one workspace.

    ``fresh`` says that there was no state file: it wants to be seeded (:meth:`replace`). ``on_taken_back`` is
    called when the disk has lost changes that were carried out already: they are undone then.
    Raises :class:`~emulator.store.errors.StateError` if there is one that cannot be read.
    """

    def __init__(self, path: Path | None, durability: Durability = "os", **options: Any) -> None:
        self.db = StateDatabase(path, specs=SPECS, durability=durability, **options)
        self.storage = self.db.storage
        self._group_commit = GroupCommit(self.storage)
        self.on_taken_back: Callable[[], object] = lambda: None
        self.storage.on_taken_back = self._taken_back
        try:
            self.learn_configuration()
        except msgspec.MsgspecError as error:
            self.storage.discard()
            raise DamagedState(path or Path(), 0, f"an unreadable database or resource ({error})") from error

    @property
    def fresh(self) -> bool:
        return self.storage.fresh

    # Look-ups (emulator.rules.interfaces.Lookup)

    def find_resource(self, token: str) -> Resource | None:
        return self._by_token.get(token)

    def database(self, db_id: int) -> Database:
        return self._databases[db_id]

    def find_profile(self, db_id: int, profile_id: str) -> Profile | None:
        table = self._table(PROFILES)
        found = table.indexes["id"].find(profile_key(db_id, profile_id))
        return table.decode(table.documents[found[0]]) if found else None

    def find_by_field(self, db_id: int, name: str, value: FieldValue) -> list[Profile]:
        table = self._table(PROFILES)
        found = table.indexes["field"].find(field_key(db_id, name, value), limit=2)
        return [table.decode(table.documents[doc_id]) for doc_id in found]

    def find_by_push(self, key: PushKey) -> Held:
        return _held(self._table(SUBSCRIPTIONS), key)

    def find_own(self, key: PushKey, profile_id: str) -> Subscription | None:
        doc_id = self._own_doc_id(key, profile_id)
        table = self._table(SUBSCRIPTIONS)
        return None if doc_id is None else table.decode(table.documents[doc_id])

    def find_all(self, key: PushKey) -> list[Subscription]:
        table, profiles = self._table(SUBSCRIPTIONS), self._table(PROFILES).indexes["id"]
        decoded = (table.decode(table.documents[doc_id]) for doc_id in push_ids(table, push_key(key)))
        return sorted(
            (one for one in decoded if one.key == key),
            key=lambda one: profiles.find(profile_key(one.db_id, one.profile_id))[0],
        )

    def hash_taken(self, hash_id: str) -> bool:
        return hash_id in self._table(SUBSCRIPTIONS).indexes["hash"]

    # Changes

    def apply(self, changes: Changes) -> None:
        """Apply what a request changes, as one transaction (A6).

        Raises :class:`~emulator.store.errors.StorageUnavailable`; then nothing has changed.
        """
        next_profile = self._table(PROFILES).last_id + 1
        ops = [
            Op(PROFILES, doc_id, _encode(profile), profile)
            for doc_id, profile in enumerate(changes.profiles, next_profile)
        ]
        next_subscription = self._table(SUBSCRIPTIONS).last_id + 1
        for subscription in changes.subscriptions:
            doc_id = self.subscription_doc_id(subscription)
            if doc_id is None:
                doc_id, next_subscription = next_subscription, next_subscription + 1
            ops.append(Op(SUBSCRIPTIONS, doc_id, _encode(subscription), subscription))
        self.storage.commit(ops, checked=True)

    def durable(self) -> Awaitable[None] | None:
        """What an answer has to await so that the disk has all that was changed so far; ``None``: nothing.

        Awaiting raises :class:`~emulator.store.errors.StorageUnavailable` where the disk refused; then the
        changes are taken back.
        """
        return self._group_commit.wait(self._group_commit.ticket()) if self.storage.unsynced else None

    def batch(self) -> AbstractContextManager[None]:
        """All that is applied inside is seen at once and becomes one transaction at the end, or is undone.

        Raises :class:`~emulator.store.errors.StorageUnavailable` at the end.
        """
        return self.storage.batch()

    def replace(
        self,
        fixtures: FixtureSet,
        now: str,
        new_id: Callable[[], str],
        remembered: Mapping[str, bytes] | None = None,
    ) -> None:
        """Put a fixture set in place of everything, whole or not at all.

        ``now``: ISO 8601; ``new_id`` makes ids for profiles that have none; ``remembered``: see
        :meth:`remember`.

        Raises :class:`~emulator.store.errors.StorageUnavailable`; then nothing has changed.
        """
        state = self.storage.new_state()
        for name in SPECS:
            state.table(name)
        for name, document in (remembered or {}).items():
            state.table(WORKSPACE).put(REMEMBERED.index(name) + 1, document)
        _fill(state.table(DATABASES), fixtures.databases)
        _fill(state.table(RESOURCES), fixtures.resources)
        for profile, subscriptions in fixtures.records(now, new_id):
            _add_profile(state, profile, subscriptions)
        self.take(state)

    def take(self, state: State) -> None:
        """Put a whole state in place of this one.

        Raises :class:`~emulator.store.errors.StorageUnavailable`; then nothing has changed.
        """
        self.storage.replace(state)
        self.learn_configuration()

    def learn_configuration(self) -> None:
        """Read the databases and resources anew: wanted whenever their tables have changed."""
        self._databases: dict[int, Database] = {db.id: db for db in self._all(DATABASES)}
        self._by_token: dict[str, Resource] = {one.token: one for one in self._all(RESOURCES)}

    def remember(self, name: str, document: bytes) -> None:
        """Keep a JSON document of the workspace's own, one of :data:`~emulator.store.tables.REMEMBERED`.

        Raises :class:`~emulator.store.errors.StorageUnavailable`.
        """
        self.storage.commit([Op(WORKSPACE, REMEMBERED.index(name) + 1, document)])

    def recall(self, name: str) -> bytes | None:
        """What :meth:`remember` kept."""
        return self._table(WORKSPACE).documents.get(REMEMBERED.index(name) + 1)

    def close(self) -> None:
        """Write the last snapshot and let go of the files."""
        self.db.close()

    def discard(self) -> None:
        """Let go of the files as they are."""
        self.storage.discard()

    # Counts

    @property
    def profile_count(self) -> int:
        return len(self._table(PROFILES).documents)

    @property
    def subscription_count(self) -> int:
        return len(self._table(SUBSCRIPTIONS).documents)

    @property
    def profiles_made(self) -> int:
        """How many profiles the workspace has ever had, deleted ones included."""
        return self._table(PROFILES).last_id

    def databases(self) -> list[Database]:
        """All databases, in the order of the fixtures."""
        return list(self._databases.values())

    def resources(self) -> list[Resource]:
        """All resources, in the order of the fixtures."""
        return list(self._by_token.values())

    def subscriptions_of(self, profile: Profile) -> list[Subscription]:
        """A profile's subscriptions, oldest first."""
        table = self._table(SUBSCRIPTIONS)
        found = table.indexes["profile"].find(profile_key(profile.db_id, profile.id))
        return [table.decode(table.documents[doc_id]) for doc_id in found]

    def find_by_hash(self, hash_id: str) -> list[Subscription]:
        """The records with this hash id: one key, on one profile or more, the oldest first."""
        table = self._table(SUBSCRIPTIONS)
        return [table.decode(table.documents[doc_id]) for doc_id in table.indexes["hash"].find(hash_id)]

    # Inside

    def _taken_back(self) -> None:
        self.learn_configuration()
        self.on_taken_back()

    def _table(self, name: str) -> TableState:
        return self.storage.state.table(name)

    def _all(self, name: str) -> Iterable[Any]:
        """Every record, oldest first: one whose removal was taken back stands last among the documents."""
        table = self._table(name)
        return (table.decode(document) for _, document in sorted(table.documents.items()))

    def subscription_doc_id(self, subscription: Subscription) -> int | None:
        return self._own_doc_id(subscription.key, subscription.profile_id)

    def _own_doc_id(self, key: PushKey, profile_id: str) -> int | None:
        """Where the record of a key on a profile is: looked for among the fewer of the two's records."""
        table, wanted = self._table(SUBSCRIPTIONS), push_key(key)
        active, inactive, owned = (table.indexes[name] for name in ("active", "inactive", "profile"))
        owner = profile_key(key.db_id, profile_id)
        others: Iterable[int] = ()
        if inactive.count(wanted):
            fewer = inactive.count(wanted) <= owned.count(owner)
            others = inactive.find(wanted) if fewer else owned.find(owner)
        for doc_id in chain(active.find(wanted), others):
            one: Subscription = table.decode(table.documents[doc_id])
            if one.profile_id == profile_id and one.key == key:
                return doc_id
        return None


def _fill(table: TableState, records: Iterable[Any]) -> None:
    for record in records:
        table.put(table.last_id + 1, _encode(record), record)


def _add_profile(state: State, profile: Profile, subscriptions: list[Subscription]) -> None:
    _fill(state.table(PROFILES), [profile])
    table = state.table(SUBSCRIPTIONS)
    for subscription in subscriptions:
        hash_id = _held(table, subscription.key).hash_id
        if hash_id is not None:  # A5: one key, one hash
            subscription.hash_id = hash_id
        else:
            taken = table.indexes["hash"].__contains__
            subscription.hash_id = subscription_hash_id(subscription.key, taken)
        _fill(table, [subscription])


def push_ids(table: TableState, key: Hashable) -> list[int]:
    """The ids of all subscriptions with this :func:`push_key`, ascending."""
    return sorted([*table.indexes["active"].find(key), *table.indexes["inactive"].find(key)])


def _held(table: TableState, key: PushKey) -> Held:
    active, inactive, wanted = table.indexes["active"], table.indexes["inactive"], push_key(key)
    others = inactive.count(wanted)
    for doc_id in active.find(wanted):
        one: Subscription = table.decode(table.documents[doc_id])
        if one.key == key:
            return Held(one, others, one.hash_id)
    # Two keys may have one number, hardly ever: then the first is not enough.
    for limit in (1, None) if others else ():
        for doc_id in inactive.find(wanted, limit):
            one = table.decode(table.documents[doc_id])
            if one.key == key:
                return Held(None, others, one.hash_id)
    return Held()
