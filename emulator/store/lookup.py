"""The look-ups of the rules in a workspace's tables."""

from collections.abc import Container, Iterable
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

import msgspec
from tinydb import TinyDB

from emulator.rules.model import (
    Database,
    FieldValue,
    Held,
    Profile,
    PushKey,
    Resource,
    RoleToken,
    Subscription,
)
from emulator.store.state import State
from emulator.store.storage import LoggedStorage
from emulator.store.table import IndexedTable
from emulator.store.tables import (
    DATABASES,
    PROFILES,
    RESOURCES,
    SPECS,
    SUBSCRIPTIONS,
    folded_key,
    phone_key,
    profile_key,
    push_key,
)

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
        state = self.storage.state
        read = _configuration(_in_order(state, DATABASES), _in_order(state, RESOURCES))
        self._databases, self._by_token, self._role_tokens = read

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
            if found.id == profile_id and found.db_id == db_id:
                return found
        return None

    def find_by_field(self, db_id: int, name: str, value: FieldValue, newest: bool = False) -> list[Profile]:
        key = (db_id, name, value)
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
            # The same as one.key == key, without making another key.
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

    def has_others(self, one: Subscription) -> bool:
        key, wanted = one.key, push_key(one.key)
        for limit in (2, None):  # two keys may rarely have one number: then the first records are not enough
            for index in ("active", "inactive"):
                for other in self.subscriptions.find(index, wanted, limit):
                    if other.profile_id != one.profile_id and other.key == key:
                        return True
        return False

    def find_own(self, key: PushKey, profile_id: str) -> Subscription | None:
        return self._own(key, profile_id)[1]

    def find_all(self, key: PushKey) -> list[Subscription]:
        found = map(self.subscriptions.record, self.push_ids(key))
        return sorted(
            (one for one in found if one.key == key),
            key=lambda one: self._profile_ids(one.db_id, one.profile_id)[0],
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
        wanted = folded_key(key)
        if wanted not in self.subscriptions.index("folded"):  # most tokens
            return None
        folded = _folded(key)
        for limit in (1, None):  # where two keys have one number, the first is not enough
            for one in self.subscriptions.find("folded", wanted, limit):
                if _folded(one) == folded:
                    return None if one.key == key else one
        return None

    def hash_taken(self, hash_id: str) -> bool:
        return self.subscriptions.state.indexes["hash"].count(hash_id) > 0

    def databases(self) -> list[Database]:
        return list(self._databases.values())

    def resources(self) -> list[Resource]:
        return list(self._by_token.values())

    def subscriptions_of(self, profile: Profile) -> list[Subscription]:
        found = self.subscriptions.find("profile", profile_key(profile.db_id, profile.id))
        return [one for one in found if one.profile_id == profile.id and one.db_id == profile.db_id]

    def find_by_hash(self, hash_id: str) -> list[Subscription]:
        return self.subscriptions.find("hash", hash_id)

    def push_ids(self, key: PushKey) -> list[int]:
        """The ids of all records of a key, rarely of another key, too, ascending."""
        table, wanted = self.subscriptions, push_key(key)
        return sorted(chain(table.index("active").find(wanted), table.index("inactive").find(wanted)))

    def holder_ids(
        self, provider: str, subscription_id: str, db_ids: Container[int], resource_id: int | None = None
    ) -> list[int]:
        """The ids of :meth:`holders`, of one resource or of all, rarely of others, too, ascending."""
        found: set[int] = set()
        for one in self._by_token.values():
            if resource_id in (None, one.id):
                for db_id in one.db_ids:
                    if db_id in db_ids:
                        found.update(self.push_ids(PushKey(db_id, one.id, provider, subscription_id)))
        return sorted(found)

    def _profile_ids(self, db_id: int, profile_id: str) -> list[int]:
        ids = self.profiles.index("id").find(profile_key(db_id, profile_id))
        found = zip(ids, map(self.profiles.record, ids), strict=True)
        return [i for i, one in found if one.id == profile_id and one.db_id == db_id]

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


def _folded(key: PushKey | Subscription) -> PushKey:
    return PushKey(key.db_id, key.resource_id, key.provider, key.subscription_id.lower())


def _in_order(state: State, name: str) -> tuple[bytes, ...]:
    table = state.tables.get(name)
    return () if table is None else tuple(one for page in table.documents.pages() for _, one in page)


# Most workspaces keep the databases and resources of the fixtures: they share the decoded records.
@lru_cache(maxsize=16)
def _configuration(
    databases: tuple[bytes, ...], resources: tuple[bytes, ...]
) -> tuple[dict[int, Database], dict[str, Resource], dict[str, tuple[Resource, RoleToken]]]:
    """The databases by id, the resources by token, and the resources with a role by the role's token."""
    by_id = {one.id: one for one in map(_read_database, databases)}
    by_token = {one.token: one for one in map(_read_resource, resources)}
    roles = {role.token: (one, role) for one in by_token.values() for role in one.role_tokens}
    return by_id, by_token, roles
