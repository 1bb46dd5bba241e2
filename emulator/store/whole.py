"""All profiles with their subscriptions, gathered in one walk through each of the two tables."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from emulator.rules.model import Profile, Subscription
from emulator.store.documents import Documents
from emulator.store.indexes import Index
from emulator.store.tables import profile_key

#: Subscriptions that are read in about a millisecond.
_AT_ONCE = 500


class _Owner(msgspec.Struct):
    db_id: int
    profile_id: str


_owner = msgspec.json.Decoder(_Owner).decode


def with_subscriptions(
    profiles: Documents, subscriptions: Documents
) -> Iterator[tuple[Profile, list[Subscription]] | None]:
    """Each profile with its subscriptions, the oldest first; ``None`` now and then before the first."""
    owned = Index()
    for number, (doc_id, document) in enumerate(subscriptions.items(), 1):
        owner = _owner(document)
        owned.add(profile_key(owner.db_id, owner.profile_id), doc_id)
        if not number % _AT_ONCE:
            yield None
    read_profile = msgspec.json.Decoder(Profile).decode
    read_subscription = msgspec.json.Decoder(Subscription).decode
    for doc_id in profiles.in_order():  # the oldest first: M9
        profile = read_profile(profiles[doc_id])
        ids = owned.find(profile_key(profile.db_id, profile.id))
        yield profile, [read_subscription(subscriptions[i]) for i in ids]
