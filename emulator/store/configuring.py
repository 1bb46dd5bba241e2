"""Changes of databases and resources by hand that leave every stored record valid and readable.

Each change is one transaction. A change that concerns every profile or subscription goes through them in
steps; the caller holds the store alone meanwhile. All but the two look-ups raise :class:`Invalid` and
:class:`~emulator.store.errors.Unavailable`.
"""

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, MutableMapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace
from tinydb import where

from emulator.rules.errors import Invalid, NotFound
from emulator.rules.fields import InvalidFieldValue, read_value
from emulator.rules.model import Database, FieldType, Profile, Resource
from emulator.rules.texts import Message, Problem, first_problems, message, one_after_other
from emulator.store.editing import refuse
from emulator.store.long_list import LongList
from emulator.store.set_check import SetCheck
from emulator.store.state import Op
from emulator.store.table import IndexedTable
from emulator.store.tinydb_store import TinyDBStore

#: Steps of a transaction that are carried out at once; more of them, a few at a time.
_FEW = 200


class _Place(msgspec.Struct):
    db_id: int
    resource_id: int = 0


_place = msgspec.json.Decoder(_Place).decode
_Wanted = Callable[[_Place], bool]


def find_database(store: TinyDBStore, db_id: int) -> Database:
    """The database. Raises :class:`NotFound`."""
    for database in store.databases():
        if database.id == db_id:
            return database
    raise NotFound(message("database %(id)s not found", id=db_id))


def find_resource(store: TinyDBStore, resource_id: int) -> Resource:
    """The resource. Raises :class:`NotFound`."""
    for resource in store.resources():
        if resource.id == resource_id:
            return resource
    raise NotFound(message("resource %(id)s not found", id=resource_id))


def add_database(store: TinyDBStore, database: Database) -> None:
    """Add a database."""
    every = [*store.databases(), database]
    refuse(_last(SetCheck(every, store.resources(), present=store).databases(), len(every) - 1))
    store.database_table.insert(msgspec.to_builtins(database))
    store.learn_configuration()


def add_resource(store: TinyDBStore, resource: Resource) -> None:
    """Add a resource."""
    _check_resource(store, resource)
    store.resource_table.insert(msgspec.to_builtins(resource))
    store.learn_configuration()


async def change_database(
    store: TinyDBStore,
    database: Database,
    name: str | None,
    fields: Mapping[str, FieldType | None],
    cascade: bool = False,
) -> Database:
    """Change the name of a database and the types of fields; ``None`` removes a field.

    The profiles' values are converted to the new types; the change is refused if a value cannot be converted,
    or if a removed field has values and ``cascade``, which removes them, is false.
    """
    gone = {one for one, kind in fields.items() if kind is None}
    refuse(SetCheck([], []).values(database, dict.fromkeys(gone)))
    kept = {one: kind for one, kind in {**database.fields, **fields}.items() if kind is not None}
    changed = Database(database.id, database.name if name is None else name, kept)
    retyped = {one for one, kind in database.fields.items() if kept.get(one, kind) != kind}
    steps = LongList[Op]()
    if gone or retyped:
        await _convert(steps, store.profiles, changed, retyped, gone, cascade)
    async with _changing(store, steps):
        store.database_table.update(msgspec.to_builtins(changed), where("id") == changed.id)
    return changed


async def _convert(
    steps: LongList[Op],
    profiles: IndexedTable,
    changed: Database,
    retyped: set[str],
    gone: set[str],
    cascade: bool,
) -> None:
    """Add what converts the profiles' values to the fields of the changed database."""
    problems: Counter[tuple[str, str, str]] = Counter()  # what the value would have to be; nothing: no field
    async for doc_id, document in profiles.walk():
        if _place(document).db_id != changed.id:
            continue
        profile: Profile = profiles.record(doc_id)
        values = {}
        for name, value in profile.fields.items():
            if name in gone:
                if not cascade:
                    problems[name, "", ""] += 1
            elif name in retyped:
                try:
                    values[name] = read_value(changed.fields[name], value)
                except InvalidFieldValue as error:
                    problems[name, error.wanted, error.options] += 1
            else:
                values[name] = value
        if not problems and not profile.fields.keys().isdisjoint(retyped | gone):
            step = profiles.step(doc_id, replace(profile, fields=values))
            steps.append(replace(step, decoded=None))  # bytes alone are nothing to the garbage collector
    refuse(
        Problem(f"fields.{name}", _lost(count, InvalidFieldValue(*wanted)))
        for (name, *wanted), count in problems.items()
    )


def _lost(count: int, wanted: InvalidFieldValue) -> Message:
    if not wanted.wanted:
        return message("%(count)s profile(s) have a value of it (?cascade=true removes it)", count=count)
    return message("%(count)s profile(s) have a value that is not %(what)s", count=count, what=wanted.what)


async def change_resource(
    store: TinyDBStore, resource: Resource, change: Mapping[str, Any], cascade: bool = False
) -> Resource:
    """Change some of a resource's properties.

    The change is refused if subscriptions are in a database that the resource no longer has, unless
    ``cascade`` removes them; subscriptions of a provider that it no longer accepts stay.
    """
    changed = replace(resource, **change)
    _check_resource(store, changed, resource)
    steps = LongList[Op]()
    lost = set(resource.db_ids) - set(changed.db_ids)
    if lost:
        is_lost: _Wanted = lambda one: one.resource_id == resource.id and one.db_id in lost  # noqa: E731
        await _remove(steps, store.subscriptions, is_lost, first_only=not cascade)
        if steps and not cascade:
            text = "leaves out a database in which it has subscriptions (?cascade=true removes them)"
            refuse([Problem("db_ids", text)])
    async with _changing(store, steps):
        store.resource_table.update(partial(_become, changed), where("id") == changed.id)
    return changed


async def delete_database(store: TinyDBStore, database: Database, cascade: bool = False) -> dict[str, int]:
    """Remove a database; returns the numbers of removed profiles and subscriptions.

    Refused while a resource names it or profiles are in it, unless ``cascade`` removes it from the resources
    and removes its profiles.
    """
    naming = [one for one in store.resources() if database.id in one.db_ids]
    in_it: _Wanted = lambda one: one.db_id == database.id  # noqa: E731
    steps = LongList[Op]()
    await _remove(steps, store.profiles, in_it, first_only=not cascade)
    profiles = len(steps)
    await _remove(steps, store.subscriptions, in_it, first_only=not cascade)
    removed = {store.profiles.name: profiles, store.subscriptions.name: len(steps) - profiles}
    if (naming or steps) and not cascade:
        having = [Problem.of("", "resource %(id)s has it", id=one.id) for one in naming]
        uses = [one.text for one in first_problems(having)]
        if steps:
            uses.append(message("there are profiles in it"))
        text = "database %(id)s is in use: %(uses)s (?cascade=true removes it all the same)"
        raise Invalid(message(text, id=database.id, uses=one_after_other(uses)))
    async with _changing(store, steps):
        if naming:
            named = where("db_ids").any([database.id])
            store.resource_table.update(lambda one: _take_database(one, database.id), named)
        store.database_table.remove(where("id") == database.id)
    return removed


async def delete_resource(store: TinyDBStore, resource: Resource, cascade: bool = False) -> dict[str, int]:
    """Remove a resource; returns the number of removed subscriptions.

    Refused while it has subscriptions, unless ``cascade`` removes them.
    """
    steps = LongList[Op]()
    await _remove(
        steps, store.subscriptions, lambda one: one.resource_id == resource.id, first_only=not cascade
    )
    if steps and not cascade:
        text = "resource %(id)s is in use: there are subscriptions of it (?cascade=true removes them)"
        raise Invalid(message(text, id=resource.id))
    removed = len(steps)
    async with _changing(store, steps):
        store.resource_table.remove(where("id") == resource.id)
    return {store.subscriptions.name: removed}


def _become(changed: Resource, document: MutableMapping[str, Any]) -> None:
    document.clear()  # members that are empty are not written
    document.update(msgspec.to_builtins(changed))


def _take_database(resource: MutableMapping[str, Any], db_id: int) -> None:
    resource["db_ids"].remove(db_id)
    roles = [one for one in resource.pop("role_tokens", ()) if one["db_id"] != db_id]
    if roles:
        resource["role_tokens"] = roles


def _check_resource(store: TinyDBStore, resource: Resource, before: Resource | None = None) -> None:
    others = [one for one in store.resources() if before is None or one.id != before.id]
    check = SetCheck(store.databases(), [*others, resource], present=store)
    refuse(_last(check.resources(), len(others)))


def _last(problems: Iterable[Problem], position: int) -> list[Problem]:
    """The problems of the entry at this position, with paths relative to the entry."""
    prefix = f"[{position}]"
    return [
        one._replace(path=one.path.removeprefix(prefix)) for one in problems if one.path.startswith(prefix)
    ]


@asynccontextmanager
async def _changing(store: TinyDBStore, steps: LongList[Op]) -> AsyncIterator[None]:
    """One transaction of the steps, which are freed then, and of what is done inside."""
    if len(steps) <= _FEW:
        with store.batch():
            store.storage.commit(list(steps))
            yield
    else:
        async with store.storage.batch_in_steps(steps):
            yield
        steps.free()
    store.learn_configuration()


async def _remove(steps: LongList[Op], table: IndexedTable, is_wanted: _Wanted, first_only: bool) -> None:
    """Add the removal of all wanted documents, or of the first one."""
    async for doc_id, document in table.walk():
        if is_wanted(_place(document)):
            steps.append(table.step(doc_id, None))
            if first_only:
                break
