"""Records as the admin API shows them, in the form of the fixtures."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emulator.rules.model import Database, FieldType, Profile, Resource, Subscription
from push_emulator.masking import mask


def shown_database(one: Database) -> dict[str, Any]:
    """A database."""
    return {"id": one.id, "name": one.name, "fields": {n: _shown_type(t) for n, t in one.fields.items()}}


def _shown_type(field_type: FieldType) -> Any:
    if field_type.kind == "enum":
        return {"type": "enum", "options": list(field_type.options)}
    return field_type.kind


def shown_resource(one: Resource, show_secrets: bool) -> dict[str, Any]:
    """A resource; its token is masked unless secrets are shown."""
    return {
        "id": one.id,
        "name": one.name,
        "token": one.token if show_secrets else mask(one.token),
        "db_ids": one.db_ids,
        "providers": one.providers,
    }


def shown_profile(one: Profile, subscriptions: Iterable[Subscription]) -> dict[str, Any]:
    """A profile with its subscriptions; these do not repeat whose they are."""
    return {
        "id": one.id,
        "db_id": one.db_id,
        "fields": one.fields,
        "created": one.created,
        "subscriptions": [_own_part(subscription) for subscription in subscriptions],
    }


def shown_subscription(one: Subscription) -> dict[str, Any]:
    """A subscription by itself."""
    part = _own_part(one)
    hash_id = part.pop("hash_id")
    return {"hash_id": hash_id, "db_id": one.db_id, "profile_id": one.profile_id, **part}


def _own_part(one: Subscription) -> dict[str, Any]:
    return {
        "hash_id": one.hash_id,
        "resource_id": one.resource_id,
        "provider": one.provider,
        "subscription_id": one.subscription_id,
        "status": one.status,
        "created": one.created,
        "updated": one.updated,
    }
