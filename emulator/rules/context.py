"""One request being decided: what the rules read, and what they have made so far."""

from __future__ import annotations

from msgspec import Struct, field

from emulator.rules.interfaces import IdSource, Lookup
from emulator.rules.model import (
    Changes,
    Decided,
    ForcedError,
    Held,
    Policies,
    PushKey,
    PushRequest,
    Resource,
    SubscriptionRequest,
)


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
    known: dict[PushKey, Held] = field(default_factory=dict)
    made: set[str] = field(default_factory=set)

    def key(self, db_id: int, wanted: SubscriptionRequest) -> PushKey:
        """The key of one of the request's subscriptions in a database."""
        return PushKey(db_id, self.resource.id, wanted.provider, wanted.subscription_id)

    def find_by_push(self, key: PushKey) -> Held:
        """What there was of this key before the request; looked up once: matching and applying both ask."""
        held = self.known.get(key)
        if held is None:
            held = self.known[key] = self.lookup.find_by_push(key)
        return held

    def note(self, rule: str, db_id: int | None, code: str, *parameters: str | int) -> None:
        """Write down that a rule decided something."""
        self.decided.append(Decided(rule, db_id, code, parameters))
