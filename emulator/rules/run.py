"""One request being decided: what the rules read, and what they have made so far."""

from __future__ import annotations

from msgspec import Struct, field

from emulator.rules.model import (
    Changes,
    Decided,
    ForcedError,
    Policies,
    PushKey,
    PushRequest,
    Resource,
    Subscription,
    SubscriptionRequest,
)
from emulator.rules.ports import IdSource, Lookup


class Run(Struct):
    """What every rule needs.

    ``now``: the request's time, ISO 8601; all its changes carry it. ``made``: the hash ids of new keys.
    """

    request: PushRequest
    resource: Resource
    lookup: Lookup
    policies: Policies
    now: str
    ids: IdSource
    decided: list[Decided]
    forced: ForcedError | None = None
    changes: Changes = field(default_factory=Changes)
    known: dict[PushKey, list[Subscription]] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    def key(self, db_id: int, wanted: SubscriptionRequest) -> PushKey:
        """The key of one of the request's subscriptions in a database."""
        return PushKey(db_id, self.resource.id, wanted.provider, wanted.subscription_id)

    def find_by_push(self, key: PushKey) -> list[Subscription]:
        """The records of this key before the request; looked up once, for matching and applying both ask."""
        records = self.known.get(key)
        if records is None:
            records = self.known[key] = self.lookup.find_by_push(key)
        return records

    def note(self, rule: str, db_id: int | None, detail: str) -> None:
        """Write down that a rule decided something."""
        self.decided.append(Decided(rule, db_id, detail))
