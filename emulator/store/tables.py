"""The tables of a workspace's state, their decoders and the keys of their indexes."""

import re
from collections.abc import Hashable, Sequence
from functools import lru_cache
from itertools import compress

import msgspec

from emulator.rules.model import Database, FieldValue, Profile, PushKey, Resource, Status, Subscription
from emulator.store.state import Entries, TableSpec

PROFILES, SUBSCRIPTIONS, DATABASES, RESOURCES = "profiles", "subscriptions", "databases", "resources"
#: What a workspace remembers beside its data: a document for each of :data:`REMEMBERED`, its number as id.
WORKSPACE = "workspace"
REMEMBERED = ("settings", "clock", "faults")
#: Text that every JSON encoder writes as it is.
_PLAIN = re.compile(r"[A-Za-z0-9_.:!#%@+=~ -]+")


#: A token in lower case. Each database of a push needs it twice, and Python would hash each copy anew.
_lowered = lru_cache(1)(str.lower)


def profile_key(db_id: int, profile_id: str) -> int:
    """The key of a profile, and of the subscriptions of a profile: a number, as :func:`push_key` is."""
    return hash((db_id, profile_id))


def push_key(key: PushKey | Subscription) -> int:
    """The key of the records of one subscription key, its token in any case: a number, not a long token.

    Keys whose tokens differ only in case have the same number (L9), and two others rarely: the reader of a
    record compares its key.
    """
    return hash((key.db_id, key.resource_id, key.provider, _lowered(key.subscription_id)))


def field_key(db_id: int, name: str, value: FieldValue) -> int:
    """The key of the profiles with this value of a field: a number, as :func:`push_key` is.

    Python gives -1 and -2 one hash, and many profiles may have -1.
    """
    return hash((db_id, name, value)) ^ (value == -1)


def phone_key(db_id: int, phone: str) -> int:
    """The key of the profiles that have this number among several in ``phones`` (T6)."""
    return hash((db_id, "phones[]", phone))


def several_phones(profile: Profile) -> list[str]:
    """The numbers in a profile's ``phones``, if it has several."""
    phones = profile.fields.get("phones")
    return [one.strip() for one in phones.split(",")] if isinstance(phones, str) and "," in phones else []


def needle_of(text: str | None) -> bytes:
    """Bytes that every document with this text contains; empty if no such bytes are known."""
    return text.encode() if text is not None and _PLAIN.fullmatch(text) else b""


def _keys_of_profile(profile: Profile) -> Sequence[tuple[str, Hashable]]:
    db_id = profile.db_id
    keys: list[tuple[str, Hashable]] = [("id", hash((db_id, profile.id)))]
    if profile.fields:
        for name, value in profile.fields.items():
            keys.append(("field", field_key(db_id, name, value)))
        if "phones" in profile.fields:
            keys += [("field", key) for key in _phone_keys(profile)]
    return keys


def _phone_keys(profile: Profile) -> set[int]:
    return {phone_key(profile.db_id, one) for one in several_phones(profile)}


#: The index of the keys of the records that have this status.
BY_STATUS: dict[Status, str] = {
    "subscribed": "active",
    "suspended": "suspended",
    "unsubscribed": "inactive",
}


def _keys_of_subscription(one: Subscription) -> Sequence[tuple[str, Hashable]]:
    # As push_key() and profile_key() make them, without the calls: each change needs them.
    db_id = one.db_id
    return (
        (BY_STATUS[one.status], hash((db_id, one.resource_id, one.provider, _lowered(one.subscription_id)))),
        ("hash", one.hash_id),
        ("profile", hash((db_id, one.profile_id))),
    )


def _entries_of_profiles(ids: Sequence[int], profiles: Sequence[Profile]) -> Entries:
    """The keys of :func:`_keys_of_profile`."""
    yield "id", zip([hash((one.db_id, one.id)) for one in profiles], ids, strict=True)
    both = list(zip(ids, profiles, strict=True))
    yield (
        "field",
        [(field_key(one.db_id, name, value), i) for i, one in both for name, value in one.fields.items()],
    )
    yield "field", [(key, i) for i, one in both if "phones" in one.fields for key in _phone_keys(one)]


def _entries_of_subscriptions(ids: Sequence[int], many: Sequence[Subscription]) -> Entries:
    """The keys of :func:`_keys_of_subscription`."""
    keys = [hash((one.db_id, one.resource_id, one.provider, one.subscription_id.lower())) for one in many]
    for status, index in BY_STATUS.items():
        yield index, compress(zip(keys, ids, strict=True), [one.status == status for one in many])
    yield "hash", zip([one.hash_id for one in many], ids, strict=True)
    yield "profile", zip([hash((one.db_id, one.profile_id)) for one in many], ids, strict=True)


#: The tables in the order of the file. A token that has moved has one active record and many inactive ones:
#: each status has its index.
SPECS = {
    WORKSPACE: TableSpec(decode=bytes),
    DATABASES: TableSpec(decode=msgspec.json.Decoder(Database).decode),
    RESOURCES: TableSpec(decode=msgspec.json.Decoder(Resource).decode),
    PROFILES: TableSpec(
        ("id", "field"), _keys_of_profile, msgspec.json.Decoder(Profile).decode, _entries_of_profiles
    ),
    SUBSCRIPTIONS: TableSpec(
        (*BY_STATUS.values(), "hash", "profile"),
        _keys_of_subscription,
        msgspec.json.Decoder(Subscription).decode,
        _entries_of_subscriptions,
    ),
}
