"""What must hold between the records of a state, and how to mend where it does not."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace

from emulator.rules.keys import subscription_hash_id
from emulator.rules.model import Database, Profile, PushKey, Resource, Subscription
from emulator.store.state import Op, State
from emulator.store.tables import DATABASES, PROFILES, RESOURCES, SUBSCRIPTIONS, profile_key
from emulator.store.tinydb_store import push_ids

_encode = msgspec.json.Encoder().encode


class Breach(NamedTuple):
    """Something that must not be: what, what mends it, and the steps that do."""

    text: str
    remedy: str
    steps: list[Op]


class _Known(NamedTuple):
    databases: dict[int, Database]
    resources: dict[int, Resource]


def breaches(state: State) -> Iterator[Breach]:
    """Everything in a state that the rules could not have made. Mending one may bring others to light."""
    databases: dict[int, Database] = {}
    resources: dict[int, Resource] = {}
    yield from _configuration(state, databases, resources)
    known = _Known(databases, resources)
    yield from _profiles(state, known)
    yield from _subscriptions(state, known)
    yield from _keys(state)
    yield from _hashes(state)


def _configuration(
    state: State, databases: dict[int, Database], resources: dict[int, Resource]
) -> Iterator[Breach]:
    for doc_id, database in _records(state, DATABASES):
        if isinstance(database, Breach):
            yield database
        elif databases.setdefault(database.id, database) is not database:
            yield _drop(DATABASES, doc_id, f"database {database.id} is there twice")
    tokens: set[str] = set()
    for doc_id, resource in _records(state, RESOURCES):
        if isinstance(resource, Breach):
            yield resource
        elif resource.id in resources or resource.token in tokens:
            yield _drop(RESOURCES, doc_id, f"resource {resource.id} or its token is there twice")
        else:
            resources[resource.id] = resource
            tokens.add(resource.token)
            left = [db_id for db_id in resource.db_ids if db_id in databases]
            if left != resource.db_ids:
                missing = ", ".join(str(db_id) for db_id in resource.db_ids if db_id not in databases)
                text = f"resource {resource.id} names a database that is missing: {missing}"
                mended = replace(resource, db_ids=left)
                yield Breach(text, "taken off its list", [Op(RESOURCES, doc_id, _encode(mended))])


def _records(state: State, table_name: str) -> Iterator[tuple[int, Any]]:
    """The records of a table without indexes, which nobody has decoded yet."""
    table = state.table(table_name)
    for doc_id, document in sorted(table.documents.items()):
        try:
            yield doc_id, table.decode(document)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            yield doc_id, _drop(table_name, doc_id, f"document {doc_id} of {table_name} is none: {error}")


def _profiles(state: State, known: _Known) -> Iterator[Breach]:
    table = state.table(PROFILES)
    for doc_id, document in table.documents.items():
        profile: Profile = table.decode(document)
        if profile.db_id not in known.databases:
            text = f"profile {profile.id}: its database {profile.db_id} is missing"
            yield _drop(PROFILES, doc_id, text)
    for key, ids in table.indexes["id"].entries():
        for doc_id in ids[1:]:
            yield _drop(PROFILES, doc_id, f"profile {key} is there twice")


def _subscriptions(state: State, known: _Known) -> Iterator[Breach]:
    table, profiles = state.table(SUBSCRIPTIONS), state.table(PROFILES).indexes["id"]
    for doc_id, document in table.documents.items():
        one: Subscription = table.decode(document)
        if one.db_id not in known.databases:
            missing = f"database {one.db_id}"
        elif one.resource_id not in known.resources:
            missing = f"resource {one.resource_id}"
        elif profile_key(one.db_id, one.profile_id) not in profiles:
            missing = f"profile {one.profile_id}"
        else:
            continue
        yield _drop(SUBSCRIPTIONS, doc_id, f"subscription {one.hash_id}: its {missing} is missing")


def _keys(state: State) -> Iterator[Breach]:
    """One record of a key on each profile, one active one in all (S4), one hash (A5)."""
    table = state.table(SUBSCRIPTIONS)
    active, inactive = table.indexes["active"], table.indexes["inactive"]
    lonely = (key for key, _ in inactive.entries() if key not in active)
    for key in chain((key for key, _ in active.entries()), lonely):
        ids = push_ids(table, key)
        if len(ids) > 1:
            by_key: dict[PushKey, list[tuple[int, Subscription]]] = defaultdict(list)
            for doc_id in ids:
                one: Subscription = table.decode(table.documents[doc_id])
                by_key[one.key].append((doc_id, one))
            for records in by_key.values():
                yield from chain(_same_profile(records), _active_twice(records), _two_hashes(records))


def _same_profile(records: list[tuple[int, Subscription]]) -> Iterator[Breach]:
    profiles: set[str] = set()
    for doc_id, one in records:
        if one.profile_id in profiles:
            yield _drop(SUBSCRIPTIONS, doc_id, f"{_named(one)} is twice on profile {one.profile_id}")
        profiles.add(one.profile_id)


def _active_twice(records: list[tuple[int, Subscription]]) -> Iterator[Breach]:
    active = [(doc_id, one) for doc_id, one in records if one.active]
    if len(active) > 1:
        last = max(active, key=lambda entry: entry[1].updated)
        owners = ", ".join(one.profile_id for _, one in active)
        steps = [
            Op(SUBSCRIPTIONS, doc_id, _encode(replace(one, status="unsubscribed")))
            for doc_id, one in active
            if doc_id != last[0]
        ]
        text = f"{_named(last[1])} is active on several profiles: {owners}"
        yield Breach(text, f"unsubscribed on all but {last[1].profile_id}, the last to change", steps)


def _two_hashes(records: list[tuple[int, Subscription]]) -> Iterator[Breach]:
    first = records[0][1]
    for doc_id, one in records[1:]:
        if one.hash_id != first.hash_id:
            mended = replace(one, hash_id=first.hash_id)
            text = f"{_named(one)} has two hash ids: {first.hash_id} and {one.hash_id}"
            yield Breach(text, "set to the older one", [Op(SUBSCRIPTIONS, doc_id, _encode(mended))])


def _hashes(state: State) -> Iterator[Breach]:
    table = state.table(SUBSCRIPTIONS)
    hashes = table.indexes["hash"]
    taken: Callable[[str], bool] = hashes.__contains__
    for hash_id, ids in hashes.entries():
        if len(ids) > 1:
            records: list[tuple[int, Subscription]] = [(i, table.decode(table.documents[i])) for i in ids]
            first = records[0][1]
            for doc_id, one in records[1:]:
                if one.key != first.key:
                    mended = replace(one, hash_id=subscription_hash_id(one.key, taken))
                    text = f"hash id {hash_id} stands for two keys: {_named(first)} and {_named(one)}"
                    remedy = f"the younger one is {mended.hash_id} now"
                    yield Breach(text, remedy, [Op(SUBSCRIPTIONS, doc_id, _encode(mended))])


def _named(one: Subscription) -> str:
    return (
        f"{one.provider} {one.subscription_id[:40]!r} of database {one.db_id} and resource {one.resource_id}"
    )


def _drop(table: str, doc_id: int, text: str) -> Breach:
    return Breach(text, "dropped", [Op(table, doc_id, None)])
