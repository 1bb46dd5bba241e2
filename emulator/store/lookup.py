"""The look-ups of the rules in a workspace's tables."""

from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from heapq import merge
from itertools import chain
from operator import itemgetter
from pathlib import Path
from typing import Any

from tinydb import TinyDB

from emulator.rules.keys import possible_hash_ids
from emulator.rules.model import (
    INACTIVE,
    STATUSES,
    Database,
    FieldValue,
    Held,
    Profile,
    PushKey,
    Resource,
    RoleToken,
    Status,
    Subscription,
)
from emulator.store.configured import configuration_of
from emulator.store.indexes import FEW
from emulator.store.storage import LoggedStorage
from emulator.store.table import IndexedTable
from emulator.store.tables import (
    BY_STATUS,
    DATABASES,
    PROFILES,
    RESOURCES,
    SPECS,
    SUBSCRIPTIONS,
    field_key,
    needle_of,
    phone_key,
    profile_key,
    push_key,
    several_phones,
)

_NOTHING = Held()
#: The most tokens that a push looks up without rests, in all its databases: each takes up to 17 µs.
_MOST_LOOKED_UP = 500


class StateDatabase(TinyDB):
    """TinyDB on the engine of this package."""

    table_class = IndexedTable  # type: ignore[assignment]  # TinyDB wants these replaced
    default_storage_class = LoggedStorage  # type: ignore[assignment]
    storage: LoggedStorage

    def table(self, name: str, **options: Any) -> IndexedTable:
        """The table of this name."""
        return super().table(name, **options)  # type: ignore[return-value]


class TableLookup:
    """A :class:`~emulator.rules.interfaces.MobileLookup` on the tables of a database.

    ``path``, ``options``: of its storage. Call :meth:`learn_configuration` before the first look-up.
    """

    def __init__(self, path: Path | None, **options: Any) -> None:
        self.db = StateDatabase(path, specs=SPECS, **options)
        self.storage = self.db.storage
        self.profiles, self.subscriptions = self.db.table(PROFILES), self.db.table(SUBSCRIPTIONS)

    # Made on first use: a table takes a kilobyte, and most workspaces need neither of these two.

    @property
    def database_table(self) -> IndexedTable:
        """The table of databases."""
        return self.db.table(DATABASES)

    @property
    def resource_table(self) -> IndexedTable:
        """The table of resources."""
        return self.db.table(RESOURCES)

    def learn_configuration(self) -> None:
        """Read the databases and resources again: call it when their tables have changed."""
        self._databases, self._by_token, self._role_tokens = configuration_of(self.storage.state)

    # Look-ups (emulator.rules.interfaces.Lookup)

    def find_resource(self, token: str) -> Resource | None:
        return self._by_token.get(token)

    def find_role_token(self, token: str) -> tuple[Resource, RoleToken] | None:
        return self._role_tokens.get(token)

    def database(self, db_id: int) -> Database:
        return self._databases[db_id]

    def find_profile(self, db_id: int, profile_id: str) -> Profile | None:
        table = self.profiles.state
        for doc_id in table.indexes["id"].ids(profile_key(db_id, profile_id)):
            found: Profile = table.decode(table.documents[doc_id])
            if found.id == profile_id and found.db_id == db_id:
                return found
        return None

    def id_taken(self, db_id: int, profile_id: str) -> bool:
        return profile_key(db_id, profile_id) in self.profiles.state.indexes["id"]

    def find_by_field(self, db_id: int, name: str, value: FieldValue, newest: bool = False) -> list[Profile]:
        has = lambda one: one.db_id == db_id and one.fields.get(name) == value  # noqa: E731
        return self._first_two(field_key(db_id, name, value), has, newest)

    def find_by_phone(self, db_id: int, phone: str) -> list[Profile]:
        has = lambda one: one.db_id == db_id and phone in several_phones(one)  # noqa: E731
        return self._first_two(phone_key(db_id, phone), has)

    def _first_two(self, wanted: int, has: Callable[[Profile], bool], newest: bool = False) -> list[Profile]:
        """Up to two profiles with this key in the index of fields, of those that are meant."""
        table = self.profiles.state
        found: list[Profile] = []
        ids: Any = table.indexes["field"].ids(wanted)
        for doc_id in reversed(ids) if newest else ids:
            one = table.decode(table.documents[doc_id])
            if has(one):
                found.append(one)
                if len(found) == 2:
                    break
        return found

    def find_by_push(self, key: PushKey) -> Held:
        indexes, wanted = self.subscriptions.state.indexes, push_key(key)  # the most frequent call: few steps
        active = indexes["active"].ids(wanted)
        inactive = wanted in indexes["inactive"] or wanted in indexes["suspended"]
        if not active and not inactive:  # as for most new tokens
            return _NOTHING
        for one in self._with_key(active, key):
            return Held(one, inactive or len(active) > 1, one.hash_id)
        for one in self._records(key, INACTIVE) if inactive else ():
            return Held(None, True, one.hash_id)
        return Held(other_case=self._in_another_case(key))

    def has_others(self, one: Subscription) -> bool:
        return any(other.profile_id != one.profile_id for other in self._records(one, STATUSES))

    def find_own(self, key: PushKey, profile_id: str) -> Subscription | None:
        return self._own(key, profile_id)[1]

    def find_all(self, key: PushKey, others: int = 0) -> list[Subscription]:
        def age(one: Subscription) -> int:
            ids = self.profiles.index("id").ids(profile_key(one.db_id, one.profile_id))
            (doc_id,) = ids if len(ids) == 1 else self._profile_ids(one.db_id, one.profile_id)
            return doc_id

        aged = ((age(one), one) for one in self._all(key, STATUSES, others))
        return [one for _, one in sorted(aged, key=itemgetter(0))]

    def find_active(self, key: PushKey, others: int = 0) -> Iterable[Subscription]:
        return self._all(key, ("subscribed",), others)

    def holders(
        self,
        provider: str,
        subscription_id: str,
        db_ids: Iterable[int] | None = None,
        statuses: Iterable[Status] = STATUSES,
        resource_id: int | None = None,
    ) -> Iterator[Subscription]:
        wanted = set(self._databases if db_ids is None else db_ids)
        keys = self._keys_of_holders(provider, subscription_id, wanted, resource_id)
        table, last = self.subscriptions.state, 0
        indexes = [table.indexes[BY_STATUS[status]] for status in statuses]
        for doc_id in self.storage.in_pieces(merge(*(index.find(key) for key in keys for index in indexes))):
            if doc_id > last:  # two keys may rarely have one number
                last = doc_id
                one: Subscription = table.decode(table.documents[doc_id])
                is_one = (one.provider, one.subscription_id) == (provider, subscription_id)
                if is_one and one.db_id in wanted and resource_id in (None, one.resource_id):
                    yield one

    def find_held(self, profile: Profile, provider: str, subscription_id: str) -> list[Subscription]:
        keys = [
            PushKey(profile.db_id, one.id, provider, subscription_id)
            for one in self._by_token.values()
            if profile.db_id in one.db_ids
        ]
        found = [(doc_id, one) for doc_id, one in (self._own(key, profile.id) for key in keys) if doc_id]
        return [one for _, one in sorted(found, key=lambda pair: pair[0]) if one is not None]

    def find_newest(self, profile: Profile, provider: str | None = None) -> Subscription | None:
        table, needle = self.subscriptions.state, needle_of(provider)
        owned: Any = table.indexes["profile"].ids(profile_key(profile.db_id, profile.id))
        for doc_id in reversed(owned):
            document = table.documents[doc_id]
            if needle in document:
                one: Subscription = table.decode(document)
                is_own = (one.db_id, one.profile_id) == (profile.db_id, profile.id)
                if is_own and provider in (None, one.provider):
                    return one
        return None

    def fan_out(self, databases: list[Database], each: int) -> Iterable[Database]:
        is_small = len(databases) * each <= _MOST_LOOKED_UP
        return databases if is_small else self.storage.paced(databases)

    def hash_taken(self, hash_id: str) -> bool:
        return hash_id in self.subscriptions.state.indexes["hash"]

    def databases(self) -> list[Database]:
        return list(self._databases.values())

    def resources(self) -> list[Resource]:
        return list(self._by_token.values())

    def subscriptions_of(self, profile: Profile) -> list[Subscription]:
        found = self.subscriptions.find("profile", profile_key(profile.db_id, profile.id))
        return [one for one in found if one.profile_id == profile.id and one.db_id == profile.db_id]

    def holder_ids(
        self, provider: str, subscription_id: str, db_ids: Container[int], resource_id: int | None = None
    ) -> list[int]:
        """The ids of :meth:`holders`, of one resource or of all, rarely of others, too, ascending."""
        indexes = [self.subscriptions.index(name) for name in BY_STATUS.values()]
        keys = self._keys_of_holders(provider, subscription_id, db_ids, resource_id)
        return sorted({doc_id for key in keys for index in indexes for doc_id in index.ids(key)})

    def _keys_of_holders(
        self, provider: str, subscription_id: str, db_ids: Container[int], resource_id: int | None
    ) -> list[int]:
        return [
            push_key(PushKey(db_id, one.id, provider, subscription_id))
            for one in self._by_token.values()
            if resource_id in (None, one.id)
            for db_id in one.db_ids
            if db_id in db_ids
        ]

    def _with_key(self, ids: Collection[int], key: PushKey | Subscription) -> Iterator[Subscription]:
        """The records of this key among these. Of many, those with its hash ids are read (A5)."""
        table, several = self.subscriptions.state, iter(ids)
        if len(ids) > FEW:
            hashes = table.indexes["hash"]
            several = chain.from_iterable(hashes.among(one, ids) for one in possible_hash_ids(key))
        for doc_id in several:
            one: Subscription = table.decode(table.documents[doc_id])
            if _has_key(one, key):
                yield one

    def _records(self, key: PushKey | Subscription, statuses: Iterable[Status]) -> Iterator[Subscription]:
        """The records of this key, by status, the oldest of each first."""
        indexes, wanted = self.subscriptions.state.indexes, push_key(key)
        for status in statuses:
            yield from self._with_key(indexes[BY_STATUS[status]].ids(wanted), key)

    def _all(self, key: PushKey, statuses: Sequence[Status], others: int = 0) -> Iterable[Subscription]:
        return self.storage.in_pieces(self._records(key, statuses), others)

    def _in_another_case(self, key: PushKey) -> Subscription | None:
        table, wanted, folded = self.subscriptions.state, push_key(key), _folded(key)
        for doc_id in merge(*(table.indexes[name].ids(wanted) for name in BY_STATUS.values())):
            one: Subscription = table.decode(table.documents[doc_id])
            if _folded(one) == folded:
                return one
        return None

    def _profile_ids(self, db_id: int, profile_id: str) -> list[int]:
        ids = self.profiles.index("id").find(profile_key(db_id, profile_id))
        found = zip(ids, map(self.profiles.record, ids), strict=True)
        return [i for i, one in found if one.id == profile_id and one.db_id == db_id]

    def _own(self, key: PushKey | Subscription, profile_id: str) -> tuple[int | None, Subscription | None]:
        """The record of a key on a profile and its id; reads no other, whatever the two have else."""
        table, wanted = self.subscriptions.state, push_key(key)
        indexes = table.indexes
        for name in BY_STATUS.values():
            if wanted not in indexes[name]:
                continue
            owner = profile_key(key.db_id, profile_id)
            for doc_id in indexes["profile"].among(owner, indexes[name].ids(wanted)):
                one: Subscription = table.decode(table.documents[doc_id])
                if one.profile_id == profile_id and _has_key(one, key):
                    return doc_id, one
        return None, None


def _has_key(one: Subscription, key: PushKey | Subscription) -> bool:
    """The same as ``one.key == key``, without making another key."""
    return (
        one.subscription_id == key.subscription_id
        and one.db_id == key.db_id
        and one.resource_id == key.resource_id
        and one.provider == key.provider
    )


def _folded(key: PushKey | Subscription) -> PushKey:
    return PushKey(key.db_id, key.resource_id, key.provider, key.subscription_id.lower())
