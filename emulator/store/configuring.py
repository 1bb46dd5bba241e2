"""Databases and resources changed by hand: nothing that is stored may be left hanging or unreadable.

Each change is one transaction. Where it concerns every profile or subscription, these are gone through in
steps; meanwhile requests are answered, but no other change by hand may begin (the caller sees to that).
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from emulator.loop.pacing import Pacing
from emulator.rules.fields import InvalidFieldValue, read_value
from emulator.rules.model import Database, FieldType, Profile, RequestError, Resource, some_of
from emulator.store.consistency import SetCheck
from emulator.store.editing import refuse
from emulator.store.problem import Problem
from emulator.store.state import Op, State
from emulator.store.tables import DATABASES, PROFILES, RESOURCES, SUBSCRIPTIONS
from emulator.store.tinydb_store import TinyDBStore
from emulator.store.unsynced import Basis
from emulator.store.walking import ids_after

#: What becomes of documents, by table and id: ``None`` removes one.
Rewritten = dict[str, dict[int, bytes | None]]

_encode = msgspec.json.Encoder().encode


class _Place(msgspec.Struct):
    db_id: int
    resource_id: int = 0


_place = msgspec.json.Decoder(_Place).decode


def find_database(store: TinyDBStore, db_id: int) -> Database:
    """The database. Raises :class:`RequestError` 404."""
    for database in store.databases():
        if database.id == db_id:
            return database
    raise RequestError(404, f"database {db_id} not found", "A3")


def find_resource(store: TinyDBStore, resource_id: int) -> Resource:
    """The resource. Raises :class:`RequestError` 404."""
    for resource in store.resources():
        if resource.id == resource_id:
            return resource
    raise RequestError(404, f"resource {resource_id} not found", "A3")


def add_database(store: TinyDBStore, database: Database) -> None:
    """Add a database. Raises :class:`RequestError` 400 and ``StorageUnavailable``."""
    every = [*store.databases(), database]
    check = SetCheck(every, store.resources(), present=store)
    refuse(_last(check.databases(""), len(every) - 1))
    _commit(store, store.storage.basis, {DATABASES: {_next_id(store, DATABASES): _encode(database)}})


def add_resource(store: TinyDBStore, resource: Resource) -> None:
    """Add a resource. Raises :class:`RequestError` 400 and ``StorageUnavailable``."""
    _check_resource(store, resource)
    _commit(store, store.storage.basis, {RESOURCES: {_next_id(store, RESOURCES): _encode(resource)}})


async def change_database(
    store: TinyDBStore,
    database: Database,
    name: str | None,
    fields: Mapping[str, FieldType | None],
    cascade: bool = False,
) -> Database:
    """Give a database another name, and some of its fields another type; ``None`` removes a field.

    The profiles' values are read anew as the new types; one that cannot be is a reason to refuse. Values of
    a removed field are too, unless ``cascade`` has them removed. Raises as :func:`add_database` does.
    """
    gone = {one for one, kind in fields.items() if kind is None}
    refuse(SetCheck([], []).values("", "", database, dict.fromkeys(gone)))
    kept = {one: kind for one, kind in {**database.fields, **fields}.items() if kind is not None}
    changed = Database(database.id, database.name if name is None else name, kept)
    retyped = {one for one, kind in database.fields.items() if kept.get(one, kind) != kind}
    basis = store.storage.basis
    rewritten: Rewritten = {DATABASES: {_doc_ids(store, DATABASES)[database.id]: _encode(changed)}}
    if gone or retyped:
        rewritten[PROFILES] = await _converted(basis.state, changed, retyped, gone, cascade)
    _commit(store, basis, rewritten)
    return changed


async def _converted(
    state: State, changed: Database, retyped: set[str], gone: set[str], cascade: bool
) -> dict[int, bytes | None]:
    """The profiles with their values as the changed database wants them."""
    rewritten: dict[int, bytes | None] = {}
    problems: Counter[tuple[str, str]] = Counter()
    async for doc_id, profile in _profiles_of(state, changed.id):
        values = {}
        for name, value in profile.fields.items():
            if name in gone:
                if not cascade:
                    problems[name, "profile(s) have a value of it (?cascade=true removes it)"] += 1
            elif name in retyped:
                try:
                    values[name] = read_value(changed.fields[name], value)
                except InvalidFieldValue as error:
                    problems[name, f"profile(s) have a value that is not {error}"] += 1
            else:
                values[name] = value
        if not problems and (values != profile.fields or _types(values) != _types(profile.fields)):
            rewritten[doc_id] = _encode(replace(profile, fields=values))
    refuse(Problem("", f"fields.{name}", f"{count} {text}") for (name, text), count in problems.items())
    return rewritten


def _types(values: Mapping[str, object]) -> list[type]:
    return [type(value) for value in values.values()]


async def change_resource(
    store: TinyDBStore, resource: Resource, change: Mapping[str, Any], cascade: bool = False
) -> Resource:
    """Change some of a resource's properties.

    Subscriptions in a database that it no longer has are a reason to refuse, unless ``cascade`` has them
    removed; those of a provider that it no longer accepts stay. Raises as :func:`add_database` does.
    """
    changed = replace(resource, **change)
    _check_resource(store, changed, resource)
    basis = store.storage.basis
    rewritten: Rewritten = {}
    lost = set(resource.db_ids) - set(changed.db_ids)
    if lost:

        def is_lost(one: _Place) -> bool:
            return one.resource_id == resource.id and one.db_id in lost

        rewritten = await _removed(basis.state, {SUBSCRIPTIONS: is_lost}, first_only=not cascade)
        if rewritten and not cascade:
            text = "leaves out a database in which it has subscriptions (?cascade=true removes them)"
            refuse([Problem("", "db_ids", text)])
    rewritten[RESOURCES] = {_doc_ids(store, RESOURCES)[resource.id]: _encode(changed)}
    _commit(store, basis, rewritten)
    return changed


async def delete_database(store: TinyDBStore, database: Database, cascade: bool = False) -> dict[str, int]:
    """Remove a database; how many profiles and subscriptions went with it.

    Refused while a resource names it or profiles are in it, unless ``cascade`` has it taken out of the
    resources and its profiles removed. Raises :class:`RequestError` 400 and ``StorageUnavailable``.
    """
    basis = store.storage.basis
    naming = [one for one in store.resources() if database.id in one.db_ids]

    def inside(one: _Place) -> bool:
        return one.db_id == database.id

    rewritten = await _removed(basis.state, {PROFILES: inside, SUBSCRIPTIONS: inside}, first_only=not cascade)
    if (naming or rewritten) and not cascade:
        uses = [some_of([f"resource {one.id} has it" for one in naming])] if naming else []
        uses += ["there are profiles in it"] if rewritten else []
        text = f"database {database.id} is in use: {', '.join(uses)} (?cascade=true removes it all the same)"
        raise RequestError(400, text, "A3")
    gone = {name: len(rewritten.get(name, ())) for name in (PROFILES, SUBSCRIPTIONS)}
    doc_ids = _doc_ids(store, RESOURCES)
    rewritten[RESOURCES] = {}
    for one in naming:
        left = replace(one, db_ids=[db_id for db_id in one.db_ids if db_id != database.id])
        rewritten[RESOURCES][doc_ids[one.id]] = _encode(left)
    rewritten[DATABASES] = {_doc_ids(store, DATABASES)[database.id]: None}
    _commit(store, basis, rewritten)
    return gone


async def delete_resource(store: TinyDBStore, resource: Resource, cascade: bool = False) -> dict[str, int]:
    """Remove a resource; how many subscriptions went with it.

    Refused while it has subscriptions, unless ``cascade`` has them removed. Raises as
    :func:`delete_database` does.
    """
    basis = store.storage.basis
    wanted = {SUBSCRIPTIONS: lambda one: one.resource_id == resource.id}
    rewritten = await _removed(basis.state, wanted, first_only=not cascade)
    if rewritten and not cascade:
        text = "there are subscriptions of it (?cascade=true removes them)"
        raise RequestError(400, f"resource {resource.id} is in use: {text}", "A3")
    gone = {SUBSCRIPTIONS: len(rewritten.get(SUBSCRIPTIONS, ()))}
    rewritten[RESOURCES] = {_doc_ids(store, RESOURCES)[resource.id]: None}
    _commit(store, basis, rewritten)
    return gone


def _check_resource(store: TinyDBStore, resource: Resource, before: Resource | None = None) -> None:
    others = [one for one in store.resources() if before is None or one.id != before.id]
    every = [*others, resource]
    check = SetCheck(store.databases(), every, present=store)
    refuse(_last(check.resources(""), len(every) - 1))


def _last(problems: list[Problem], position: int) -> list[Problem]:
    """The problems of the entry at this position, under paths of its own."""
    prefix = f"[{position}]"
    return [
        one._replace(path=one.path.removeprefix(prefix)) for one in problems if one.path.startswith(prefix)
    ]


def _commit(store: TinyDBStore, basis: Basis, rewritten: Rewritten) -> None:
    """Make the change, if the state is still the one that it was worked out for."""
    if store.storage.basis != basis:
        text = "the state was replaced, or a part of it taken back, meanwhile; nothing was changed, try again"
        raise RequestError(400, text, "A3")
    was_enabled = gc.isenabled()
    gc.disable()  # it would walk a million new steps again and again
    try:
        store.storage.commit(
            [Op(name, doc_id, after) for name, table in rewritten.items() for doc_id, after in table.items()],
            checked=True,
        )
    finally:
        if was_enabled:
            gc.enable()
    store.learn_configuration()


def _next_id(store: TinyDBStore, table: str) -> int:
    return store.storage.state.table(table).last_id + 1


def _doc_ids(store: TinyDBStore, name: str) -> dict[int, int]:
    table = store.storage.state.table(name)
    return {table.decode(document).id: doc_id for doc_id, document in table.documents.items()}


async def _removed(
    state: State, wanted: Mapping[str, Callable[[_Place], bool]], first_only: bool
) -> Rewritten:
    """The removal of all wanted documents that there are at the moment of return, or of the first found."""
    steps = Pacing()
    removed: Rewritten = {}
    seen: dict[str, int] = {}
    for name, is_wanted in wanted.items():
        table = state.table(name)
        for doc_id in ids_after(table):
            if steps.long:
                await steps.pause()
            seen[name] = doc_id
            document = table.documents.get(doc_id)
            if document is not None and is_wanted(_place(document)):
                removed.setdefault(name, {})[doc_id] = None
                if first_only:
                    return removed
    for name, is_wanted in wanted.items():  # what came into one table while another was gone through
        documents = state.table(name).documents
        for doc_id in ids_after(state.table(name), seen.get(name, 0)):
            if doc_id in documents and is_wanted(_place(documents[doc_id])):
                removed.setdefault(name, {})[doc_id] = None
    return removed


async def _profiles_of(state: State, db_id: int) -> AsyncIterator[tuple[int, Profile]]:
    table = state.table(PROFILES)
    steps = Pacing()
    for doc_id in ids_after(table):
        if steps.long:
            await steps.pause()
        document = table.documents.get(doc_id)
        if document is not None and _place(document).db_id == db_id:
            yield doc_id, table.decode(document)
