"""The tables of a workspace's state, how their documents are decoded and what finds them."""

from collections.abc import Hashable, Sequence

import msgspec

from emulator.rules.model import Database, FieldValue, Profile, PushKey, Resource, Subscription
from emulator.store.state import TableSpec

PROFILES, SUBSCRIPTIONS, DATABASES, RESOURCES = "profiles", "subscriptions", "databases", "resources"
#: What a workspace remembers beside its data: a document for each of :data:`REMEMBERED`, its number as id.
WORKSPACE = "workspace"
REMEMBERED = ("settings", "clock", "faults")


def profile_key(db_id: int, profile_id: str) -> str:
    """The key of a profile, and of the subscriptions of a profile."""
    return f"{db_id}/{profile_id}"


def push_key(key: PushKey | Subscription) -> int:
    """The key of the records of one subscription key: a number instead of a long token.

    Two keys may rarely have the same number: the reader of a record compares its key.
    """
    return hash((key.db_id, key.resource_id, key.provider, key.subscription_id))


def folded_key(key: PushKey | Subscription) -> int:
    """The :func:`push_key` of the same key with its token in lower case."""
    return hash((key.db_id, key.resource_id, key.provider, key.subscription_id.lower()))


def phone_key(db_id: int, phone: str) -> tuple[int, str, FieldValue]:
    """The key of the profiles that have this number among several in ``phones`` (T6)."""
    return (db_id, "phones[]", phone)


def _keys_of_profile(profile: Profile) -> Sequence[tuple[str, Hashable]]:
    db_id = profile.db_id
    keys: list[tuple[str, Hashable]] = [("id", f"{db_id}/{profile.id}")]
    if profile.fields:
        keys += [("field", (db_id, name, value)) for name, value in profile.fields.items()]
        phones = profile.fields.get("phones")
        if isinstance(phones, str) and "," in phones:
            keys += {("field", phone_key(db_id, one.strip())) for one in phones.split(",")}
    return keys


def _keys_of_subscription(one: Subscription) -> Sequence[tuple[str, Hashable]]:
    # As push_key(), folded_key() and profile_key() make them, without the calls: each load has millions.
    db_id, resource_id, provider, token = one.db_id, one.resource_id, one.provider, one.subscription_id
    return (
        ("active" if one.status == "subscribed" else "inactive", hash((db_id, resource_id, provider, token))),
        ("folded", hash((db_id, resource_id, provider, token.lower()))),
        ("hash", one.hash_id),
        ("profile", f"{db_id}/{one.profile_id}"),
    )


#: The tables in the order of the file. A token that moves gets more and more inactive records and one active
#: one.
SPECS = {
    WORKSPACE: TableSpec(decode=bytes),
    DATABASES: TableSpec(decode=msgspec.json.Decoder(Database).decode),
    RESOURCES: TableSpec(decode=msgspec.json.Decoder(Resource).decode),
    PROFILES: TableSpec(
        ("id", "field"),
        _keys_of_profile,
        msgspec.json.Decoder(Profile).decode,
    ),
    SUBSCRIPTIONS: TableSpec(
        ("active", "inactive", "folded", "hash", "profile"),
        _keys_of_subscription,
        msgspec.json.Decoder(Subscription).decode,
    ),
}
