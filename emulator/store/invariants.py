"""The invariants between the records of a state."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import msgspec

from emulator.rules.keys import possible_hash_ids
from emulator.rules.model import Database, Profile, PushKey, Resource, Subscription
from emulator.store.state import State
from emulator.store.tables import BY_STATUS, DATABASES, PROFILES, RESOURCES, SUBSCRIPTIONS, profile_key


class _Known(NamedTuple):
    databases: set[int]
    resources: set[int]


def unreadable(state: State) -> Iterator[str]:
    """The databases and resources that cannot be decoded; with one of them, no server starts."""
    for name in (DATABASES, RESOURCES):
        table = state.table(name)
        for doc_id, document in sorted(table.documents.items()):
            try:
                table.decode(document)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                yield f"document {doc_id} of {name} cannot be read: {error}"


def breaches(state: State) -> Iterator[str]:
    """Everything that the rules could not have made in a state with readable databases and resources."""
    known = _Known(set(), set())
    yield from _configuration(state, known)
    yield from _profiles(state, known)
    yield from _subscriptions(state, known)
    yield from _keys(state)
    yield from _hashes(state)


def _configuration(state: State, known: _Known) -> Iterator[str]:
    table = state.table(DATABASES)
    for document in table.documents.values():
        database: Database = table.decode(document)
        if database.id in known.databases:
            yield f"database {database.id} is there twice"
        known.databases.add(database.id)
    tokens: set[str] = set()
    roles: set[str] = set()
    table = state.table(RESOURCES)
    for document in table.documents.values():
        resource: Resource = table.decode(document)
        if resource.id in known.resources or resource.token in tokens:
            yield f"resource {resource.id} or its token is there twice"
        known.resources.add(resource.id)
        tokens.add(resource.token)
        missing = [str(db_id) for db_id in resource.db_ids if db_id not in known.databases]
        if missing:
            yield f"resource {resource.id} names a database that is missing: {', '.join(missing)}"
        for role in resource.role_tokens:
            if role.db_id not in resource.db_ids:
                yield f"resource {resource.id}: it lacks database {role.db_id} of a role token ({role.name})"
            if role.token in roles:
                yield f"resource {resource.id}: a role token ({role.name}) is there twice"
            roles.add(role.token)


def _profiles(state: State, known: _Known) -> Iterator[str]:
    table = state.table(PROFILES)
    for document in table.documents.values():
        profile: Profile = table.decode(document)
        if profile.db_id not in known.databases:
            yield f"profile {profile.id}: its database {profile.db_id} is missing"
    for several in (ids for _, ids in table.indexes["id"].entries() if len(ids) > 1):
        alike = [table.decode(table.documents[doc_id]) for doc_id in several]
        for key, times in Counter(f"{one.db_id}/{one.id}" for one in alike).items():
            if times > 1:
                yield f"profile {key} is there {'twice' if times == 2 else f'{times} times'}"


def _subscriptions(state: State, known: _Known) -> Iterator[str]:
    table, profiles = state.table(SUBSCRIPTIONS), state.table(PROFILES)

    def has_owner(one: Subscription) -> bool:
        ids = profiles.indexes["id"].find(profile_key(one.db_id, one.profile_id))
        owners: Iterator[Profile] = (profiles.decode(profiles.documents[doc_id]) for doc_id in ids)
        return any((owner.db_id, owner.id) == (one.db_id, one.profile_id) for owner in owners)

    for document in table.documents.values():
        one: Subscription = table.decode(document)
        if one.hash_id not in possible_hash_ids(one):
            yield f"subscription {one.hash_id}: this is no hash id of its key (A5)"
        if one.db_id not in known.databases:
            missing = f"database {one.db_id}"
        elif one.resource_id not in known.resources:
            missing = f"resource {one.resource_id}"
        elif not has_owner(one):
            missing = f"profile {one.profile_id}"
        else:
            continue
        yield f"subscription {one.hash_id}: its {missing} is missing"


def _keys(state: State) -> Iterator[str]:
    """Problems of keys: one record on each profile, one hash (A5)."""
    table = state.table(SUBSCRIPTIONS)
    indexes = [table.indexes[name] for name in BY_STATUS.values()]
    for position, index in enumerate(indexes):
        for key, ids in index.entries():
            if any(key in earlier for earlier in indexes[:position]):
                continue
            ids = sorted(chain(ids, *(later.find(key) for later in indexes[position + 1 :])))
            if len(ids) > 1:
                by_key: dict[PushKey, list[Subscription]] = defaultdict(list)
                for doc_id in ids:
                    one: Subscription = table.decode(table.documents[doc_id])
                    by_key[one.key].append(one)
                for records in by_key.values():
                    yield from chain(_same_profile(records), _two_hashes(records))


def _same_profile(records: list[Subscription]) -> Iterator[str]:
    profiles: set[str] = set()
    for one in records:
        if one.profile_id in profiles:
            yield f"{_named(one)} is twice on profile {one.profile_id}"
        profiles.add(one.profile_id)


def _two_hashes(records: list[Subscription]) -> Iterator[str]:
    for one in records[1:]:
        if one.hash_id != records[0].hash_id:
            yield f"{_named(one)} has two hash ids: {records[0].hash_id} and {one.hash_id}"


def _hashes(state: State) -> Iterator[str]:
    table = state.table(SUBSCRIPTIONS)
    for hash_id, ids in table.indexes["hash"].entries():
        if len(ids) > 1:
            records: list[Subscription] = [table.decode(table.documents[doc_id]) for doc_id in ids]
            for one in records[1:]:
                if one.key != records[0].key:
                    yield f"hash id {hash_id} stands for two keys: {_named(records[0])} and {_named(one)}"


def _named(one: Subscription) -> str:
    return (
        f"{one.provider} {one.subscription_id[:40]!r} of database {one.db_id} and resource {one.resource_id}"
    )
