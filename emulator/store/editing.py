"""Changes of profiles and subscriptions by hand: checked like fixtures, each one transaction."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from msgspec.structs import replace

from emulator.loop.pacing import paced
from emulator.rules.errors import Invalid, NotFound
from emulator.rules.fields import read_subscription_value, read_value, subscription_fields
from emulator.rules.keys import new_profile_id
from emulator.rules.model import (
    CategoryChoice,
    Changes,
    FieldValue,
    Profile,
    PushKey,
    Status,
    Subscription,
    SubscriptionValue,
)
from emulator.rules.texts import Problem, first_problems, message
from emulator.store.fixture_set import FixtureSet, ProfileEntry, SubscriptionEntry, give_hash_ids
from emulator.store.interface import Store
from emulator.store.set_check import SetCheck, no_database


def refuse(problems: Iterable[Problem]) -> None:
    """Raise :class:`Invalid` if there is any problem; its path omits the position ``[0]``."""
    found = [Problem(one.path.removeprefix("[0]").lstrip(".") or "body", one.text) for one in problems]
    if found:
        raise Invalid(first_problems(found))


def find_profile(store: Store, db_id: int, profile_id: str) -> Profile:
    """The profile. Raises :class:`NotFound`."""
    profile = store.find_profile(db_id, profile_id)
    if profile is None:
        text = 'profile "%(id)s" not found in database %(db_id)s'
        raise NotFound(message(text, id=profile_id, db_id=db_id))
    return profile


def add_profile(store: Store, entry: ProfileEntry, now: str, new_id: Callable[[], str]) -> Profile:
    """Add a profile with its subscriptions. ``now``: ISO 8601; ``new_id`` makes its id if it has none.

    Raises :class:`Invalid` and :class:`~emulator.store.errors.Unavailable`.
    """
    databases, resources = store.databases(), store.resources()
    refuse(SetCheck(databases, resources, present=store).profile(0, entry))
    free_id = partial(new_profile_id, new_id, store, entry.db_id)
    (profile,), subscriptions = next(FixtureSet(databases, resources, [entry]).records(now, free_id, 1))
    give_hash_ids(store, subscriptions)
    store.apply(Changes([profile], subscriptions))
    return profile


def change_profile(
    store: Store, profile: Profile, values: Mapping[str, FieldValue | None], is_test: bool | None = None
) -> Profile:
    """Set some of a profile's fields; ``None`` removes one. ``is_test``: the new value, if any.

    Raises as :func:`add_profile` does.
    """
    database = store.database(profile.db_id)
    refuse(SetCheck(store.databases(), store.resources()).values(database, values))
    fields = dict(profile.fields)
    for name, value in values.items():
        if value is None:
            fields.pop(name, None)
        else:
            fields[name] = read_value(database.fields[name], value)
    changed = replace(profile, fields=fields, is_test=profile.is_test if is_test is None else is_test)
    store.apply(Changes(changed_profiles=[changed]))
    return changed


async def find_subscription(
    store: Store, hash_id: str, profile_id: str | None, one_only: bool
) -> tuple[Subscription, list[str]]:
    """The record with this hash id, and the profiles of all records of its key; in steps.

    Among several it is the active one, else the one added last; with ``one_only`` the caller must choose.
    Raises :class:`NotFound` and 400.
    """
    profiles: list[str] = []
    meant: Subscription | None = None
    choices = 0
    async for one in paced(store.find_by_hash(hash_id)):
        profiles.append(one.profile_id)
        if profile_id in (None, one.profile_id):
            choices += 1
            meant = one if meant is None or not meant.active else meant
    if meant is None:
        if profiles:
            text = "subscription %(id)s not found on profile %(profile_id)s"
            raise NotFound(message(text, id=hash_id, profile_id=profile_id or ""))
        raise NotFound(message("subscription %(id)s not found", id=hash_id))
    if one_only and choices > 1:
        text = "say which, %(id)s is on the profiles %(names)s"
        raise Invalid(Problem.of("profile_id", text, id=hash_id, names=", ".join(profiles)))
    return meant, profiles


def add_subscription(
    store: Store, db_id: int, profile_id: str, entry: SubscriptionEntry, now: str
) -> Subscription:
    """Add a subscription to a profile. Raises :class:`Invalid` and ``Unavailable``."""
    if all(database.id != db_id for database in store.databases()):
        raise Invalid(Problem("db_id", no_database(db_id)))
    if store.find_profile(db_id, profile_id) is None:
        text = 'there is no profile "%(id)s" in database %(db_id)s'
        raise Invalid(Problem.of("profile_id", text, id=profile_id, db_id=db_id))
    check = SetCheck(store.databases(), store.resources(), present=store)
    refuse(check.subscription(ProfileEntry(db_id, profile_id), entry))
    key = PushKey(db_id, entry.resource_id, entry.provider, entry.subscription_id)
    own = store.find_own(key, profile_id)
    if own is not None:
        raise Invalid(Problem.of("body", "is on this profile already, as %(hash_id)s", hash_id=own.hash_id))
    added = entry.record(db_id, profile_id, now, {one.id: one for one in store.resources()})
    give_hash_ids(store, [added])
    store.apply(Changes([], [added]))
    return added


def change_subscription(
    store: Store,
    record: Subscription,
    status: Status,
    now: str,
    fields: Mapping[str, SubscriptionValue | None] = MappingProxyType({}),
    cats: Sequence[CategoryChoice] = (),
) -> Subscription:
    """Set a subscription's status, some of its fields, ``None`` removes one, and of its categories.

    Raises as :func:`add_subscription` does.
    """
    resource = next(one for one in store.resources() if one.id == record.resource_id)
    given = {name: one for name, one in fields.items() if one is not None}
    refuse(SetCheck([], [resource]).choices(resource, given, cats))
    entry = SubscriptionEntry(record.resource_id, record.provider, record.subscription_id, status)
    owner = ProfileEntry(record.db_id, record.profile_id)
    check = SetCheck(store.databases(), store.resources(), present=store, of_state=True)
    refuse(check.subscription(owner, entry))
    declared = subscription_fields(resource)
    values = {name: one for name, one in record.fields.items() if name not in fields}
    values |= {name: read_subscription_value(declared[name], one) for name, one in given.items()}
    chosen = {one.name: one for one in (*record.cats, *cats)}
    changed = replace(record, status=status, fields=values, cats=[*chosen.values()])
    if changed == record:
        return record
    changed = replace(changed, updated=now)
    store.apply(Changes([], [changed]))
    return changed
