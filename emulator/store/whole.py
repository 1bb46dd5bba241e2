"""All profiles with their subscriptions, gathered in one walk through each of the two tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from emulator.rules.model import Profile, Subscription
from emulator.store.tables import profile_key

#: Subscriptions that are read in about a millisecond.
_AT_ONCE = 500


class _Owner(msgspec.Struct):
    db_id: int
    profile_id: str


_owner = msgspec.json.Decoder(_Owner).decode


def with_subscriptions(
    profiles: Mapping[int, bytes], subscriptions: Mapping[int, bytes]
) -> Iterator[tuple[Profile, list[Subscription]] | None]:
    """Each profile with its subscriptions, the oldest first; ``None`` now and then before the first."""
    owned: dict[str, int | list[int]] = {}  # mostly one: a million lists would cost much memory
    for number, (doc_id, document) in enumerate(subscriptions.items(), 1):
        owner = _owner(document)
        key = profile_key(owner.db_id, owner.profile_id)
        before = owned.setdefault(key, doc_id)
        if isinstance(before, list):
            before.append(doc_id)
        elif before != doc_id:
            owned[key] = [before, doc_id]
        if not number % _AT_ONCE:
            yield None
    read_profile = msgspec.json.Decoder(Profile).decode
    read_subscription = msgspec.json.Decoder(Subscription).decode
    for doc_id in sorted(profiles):  # the oldest first: M9
        profile = read_profile(profiles[doc_id])
        ids = owned.get(profile_key(profile.db_id, profile.id), [])
        own = [read_subscription(subscriptions[i]) for i in ([ids] if isinstance(ids, int) else sorted(ids))]
        yield profile, own
