"""``/__admin/subscriptions``."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import msgspec
from msgspec.structs import asdict

from emulator.fixtures.schema import SubscriptionEntrySchema
from emulator.rules.model import CategoryChoice
from emulator.schemas.errors import INT64, integer, string
from emulator.store import editing
from emulator.store.fixture_set import SubscriptionEntry
from emulator.store.records import list_subscriptions
from emulator.web.admin.loading import QuerySchema
from emulator.web.admin.operation import Later, operation
from emulator.web.admin.profiles import ProfilesSchema
from emulator.web.admin.records import links, listed, load_change
from emulator.web.current import workspace
from emulator.web.later import change
from emulator.workspaces.answers import subscription_record
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import Page
from push_emulator.workspace_answers import DeletedRecords, OneSubscription, SubscriptionRecord

_ONE = "/subscriptions/<hash_id>"
_LINKS = links("subscription", hash_id="/hash_id")
_CHANGE = SubscriptionEntrySchema(partial=True, exclude=("resource_id", "provider", "subscription_id"))


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


@operation("get", _ONE, query=WhichSchema, refusals=(404,))
def get_subscription(hash_id: str, query: dict[str, Any]) -> OneSubscription:
    """One subscription.

    And on which profiles its key is.
    """
    meant, every = editing.find_subscription(workspace().store, hash_id, query["profile_id"], one_only=False)
    profiles = [one.profile_id for one in every]
    return OneSubscription(**asdict(meant), profiles=profiles)


@operation("post", "/subscriptions", status=201, body=NewSubscriptionSchema, links=_LINKS)
def post_subscription(body: dict[str, Any]) -> Later[SubscriptionRecord]:
    """Add a subscription."""
    db_id, profile_id = body.pop("db_id"), body.pop("profile_id")
    entry = msgspec.convert(body, SubscriptionEntry)

    async def work(found: Workspace) -> SubscriptionRecord:
        now = found.clock.timestamp()
        return subscription_record(editing.add_subscription(found.store, db_id, profile_id, entry, now))

    return change(work)


@operation("patch", _ONE, query=WhichSchema, body=_CHANGE, refusals=(404,))
def patch_subscription(hash_id: str, query: dict[str, Any]) -> Later[SubscriptionRecord]:
    """Change a subscription.

    Its status, some of its fields (null removes one) and of its categories; what is left out stays.
    """
    asked = load_change(_CHANGE)
    cats = msgspec.convert(asked.get("cats", []), list[CategoryChoice])

    async def work(found: Workspace) -> SubscriptionRecord:
        record, _ = editing.find_subscription(found.store, hash_id, query["profile_id"], one_only=True)
        now = found.clock.timestamp()
        status, values = asked.get("status", record.status), asked.get("fields", {})
        return subscription_record(
            editing.change_subscription(found.store, record, status, now, values, cats)
        )

    return change(work)


@operation("delete", _ONE, query=WhichSchema, refusals=(404,))
def delete_subscription(hash_id: str, query: dict[str, Any]) -> Later[DeletedRecords]:
    """Delete a subscription."""

    async def work(found: Workspace) -> DeletedRecords:
        record, _ = editing.find_subscription(found.store, hash_id, query["profile_id"], one_only=True)
        found.store.delete_subscription(record)
        return DeletedRecords({"subscriptions": 1})

    return change(work)
