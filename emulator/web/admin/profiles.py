"""``/__admin/profiles`` and ``/subscriptions``."""

from types import MappingProxyType
from typing import Any

import msgspec
from marshmallow import fields
from msgspec.structs import asdict

from emulator.fixtures.schema import STATUS, ProfileEntrySchema, SubscriptionEntrySchema
from emulator.rules.model import CategoryChoice, Profile
from emulator.schemas.errors import INT64, integer, string
from emulator.store import editing
from emulator.store.fixture_set import ProfileEntry, SubscriptionEntry
from emulator.store.records import list_profiles, list_subscriptions
from emulator.store.tinydb_store import TinyDBStore
from emulator.web.admin.loading import QuerySchema, number_in_query
from emulator.web.admin.operation import Later, operation
from emulator.web.admin.records import PageSchema, links, listed, load_change, load_new
from emulator.web.current import workspace
from emulator.web.later import change
from emulator.workspaces.answers import profile_record_in_steps, subscription_record
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import Page
from push_emulator.record_answers import DeletedRecords, OneSubscription, ProfileRecord, SubscriptionRecord

_PROFILE = "/profiles/<int64:db_id>/<path:profile_id>"
_CHANGE = ProfileEntrySchema(partial=True, exclude=("id", "db_id", "subscriptions"))
_IN_PATH = ProfileEntrySchema(partial=("id", "db_id", "subscriptions"))


class ProfilesSchema(PageSchema):
    """Criteria on profiles; one subscription of a profile must meet all criteria on subscriptions."""

    other_names = MappingProxyType({"id": "profile_id"})

    profile_id = string()
    db_id = number_in_query()
    resource_id = number_in_query()
    provider = string()
    subscription_id = string()
    status = string(validate=STATUS)
    hash_id = string()
    is_test = fields.Boolean(error_messages={"invalid": "must be true or false"})


def _record(store: TinyDBStore, profile: Profile) -> Later[ProfileRecord]:
    return profile_record_in_steps(profile, store.owned(profile))


@operation("get", "/profiles", query=ProfilesSchema)
def get_profiles() -> Later[Page[ProfileRecord]]:
    """A list of profiles."""
    store = workspace().store
    return listed(ProfilesSchema(), list_profiles, lambda one: _record(store, one))


@operation("get", _PROFILE, merge_slashes=False, refusals=(404,))
def get_profile(db_id: int, profile_id: str) -> Later[ProfileRecord]:
    """One profile."""
    store = workspace().store
    return _record(store, editing.find_profile(store, db_id, profile_id))


@operation(
    "post",
    "/profiles",
    status=201,
    body=ProfileEntrySchema,
    links=links("profile", db_id="/db_id", profile_id="/id"),
)
def post_profile(db_id: int | None = None, profile_id: str | None = None) -> Later[ProfileRecord]:
    """Add a profile.

    Its subscriptions come with it.
    """
    entry = msgspec.convert(load_new(ProfileEntrySchema(), db_id=db_id, id=profile_id), ProfileEntry)

    async def work(found: Workspace) -> ProfileRecord:
        profile = editing.add_profile(found.store, entry, found.clock.timestamp(), found.ids.profile_id)
        return await _record(found.store, profile)

    return change(work)


@operation("post", _PROFILE, merge_slashes=False, status=201, body=_IN_PATH, refusals=(404,))
def post_this_profile(db_id: int, profile_id: str) -> Later[ProfileRecord]:
    """Add a profile, its id in the path."""
    return post_profile(db_id, profile_id)


@operation("patch", _PROFILE, merge_slashes=False, body=_CHANGE, refusals=(404,))
def patch_profile(db_id: int, profile_id: str) -> Later[ProfileRecord]:
    """Change a profile.

    Some of its fields (null removes one), and whether it is a test profile.
    """
    schema = ProfileEntrySchema(partial=True, exclude=("subscriptions",))
    asked = load_change(schema, db_id=db_id, id=profile_id)

    async def work(found: Workspace) -> ProfileRecord:
        profile = editing.find_profile(found.store, db_id, profile_id)
        values, is_test = asked.get("fields", {}), asked.get("is_test")
        return await _record(found.store, editing.change_profile(found.store, profile, values, is_test))

    return change(work)


@operation("delete", _PROFILE, merge_slashes=False, refusals=(404,))
def delete_profile(db_id: int, profile_id: str) -> Later[DeletedRecords]:
    """Delete a profile.

    Its subscriptions go with it.
    """

    async def work(found: Workspace) -> DeletedRecords:
        profile = editing.find_profile(found.store, db_id, profile_id)
        gone = await found.store.gently(lambda: found.store.delete_profile(profile))
        return DeletedRecords({"profiles": 1, "subscriptions": gone})

    return change(work)


_SUBSCRIPTION = "/subscriptions/<hash_id>"
_SUBSCRIPTION_CHANGE = SubscriptionEntrySchema(
    partial=True, exclude=("resource_id", "provider", "subscription_id")
)


class SubscriptionsSchema(ProfilesSchema):
    """Criteria on subscriptions."""

    other_names = MappingProxyType({"id": "hash_id"})


class WhichSchema(QuerySchema):
    """The choice among several records of one key."""

    profile_id = string(load_default=None)


class NewSubscriptionSchema(SubscriptionEntrySchema):
    """A subscription and its profile."""

    db_id = integer(required=True, validate=INT64)
    profile_id = string(required=True)


@operation("get", "/subscriptions", query=SubscriptionsSchema)
def get_subscriptions() -> Later[Page[SubscriptionRecord]]:
    """A list of subscriptions."""
    return listed(SubscriptionsSchema(), list_subscriptions, subscription_record)


@operation("get", _SUBSCRIPTION, query=WhichSchema, refusals=(404,))
def get_subscription(hash_id: str, query: dict[str, Any]) -> Later[OneSubscription]:
    """One subscription.

    And on which profiles its key is.
    """
    store = workspace().store

    async def read() -> OneSubscription:
        meant, profiles = await editing.find_subscription(store, hash_id, query["profile_id"], one_only=False)
        return OneSubscription(**asdict(meant), profiles=profiles)

    return read()


@operation(
    "post",
    "/subscriptions",
    status=201,
    body=NewSubscriptionSchema,
    links=links("subscription", hash_id="/hash_id"),
)
def post_subscription(body: dict[str, Any]) -> Later[SubscriptionRecord]:
    """Add a subscription."""
    db_id, profile_id = body.pop("db_id"), body.pop("profile_id")
    entry = msgspec.convert(body, SubscriptionEntry)

    async def work(found: Workspace) -> SubscriptionRecord:
        now = found.clock.timestamp()
        return subscription_record(editing.add_subscription(found.store, db_id, profile_id, entry, now))

    return change(work)


@operation("patch", _SUBSCRIPTION, query=WhichSchema, body=_SUBSCRIPTION_CHANGE, refusals=(404,))
def patch_subscription(hash_id: str, query: dict[str, Any]) -> Later[SubscriptionRecord]:
    """Change a subscription.

    Its status, some of its fields (null removes one) and of its categories; what is left out stays.
    """
    asked = load_change(_SUBSCRIPTION_CHANGE)
    cats = msgspec.convert(asked.get("cats", []), list[CategoryChoice])

    async def work(found: Workspace) -> SubscriptionRecord:
        record, _ = await editing.find_subscription(found.store, hash_id, query["profile_id"], one_only=True)
        now = found.clock.timestamp()
        status, values = asked.get("status", record.status), asked.get("fields", {})
        return subscription_record(
            editing.change_subscription(found.store, record, status, now, values, cats)
        )

    return change(work)


@operation("delete", _SUBSCRIPTION, query=WhichSchema, refusals=(404,))
def delete_subscription(hash_id: str, query: dict[str, Any]) -> Later[DeletedRecords]:
    """Delete a subscription."""

    async def work(found: Workspace) -> DeletedRecords:
        record, _ = await editing.find_subscription(found.store, hash_id, query["profile_id"], one_only=True)
        found.store.delete_subscription(record)
        return DeletedRecords({"subscriptions": 1})

    return change(work)
