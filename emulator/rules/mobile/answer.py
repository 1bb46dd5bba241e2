"""The profile as an answer has it (R1, R2)."""

from __future__ import annotations

from emulator.rules.interfaces import MobileLookup
from emulator.rules.mobile.writing import shown_categories
from emulator.rules.model import Profile, Subscription

Document = dict[str, object]


def profile_document(
    lookup: MobileLookup, profile: Profile | None, subscription: Subscription | None
) -> Document | None:
    """The answer's ``profile``; ``None`` where there is none (R1)."""
    if profile is None:
        return None
    return {
        "id": profile.id,
        "status": "subscribed",
        "is_test": profile.is_test,
        "subscription": None if subscription is None else _subscription(lookup, subscription),
    }


def _subscription(lookup: MobileLookup, one: Subscription) -> Document:
    cats: list[dict[str, object]] = []
    if one.cats:
        resource = next(found for found in lookup.resources() if found.id == one.resource_id)
        cats = shown_categories(resource, one.cats)
    return {
        "subscription_id": one.subscription_id,
        "hash_id": one.hash_id,
        "provider": one.provider,
        "status": one.status,
        "fields": one.fields,
        "cats": cats,
    }
