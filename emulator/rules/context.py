"""What the rules read about one request, and what they have found and changed so far."""

from msgspec import Struct, field

from emulator.rules.interfaces import IdSource, Lookup
from emulator.rules.model import (
    Changes,
    Decided,
    FieldKind,
    ForcedError,
    Held,
    Lint,
    Policies,
    PushKey,
    PushRequest,
    Resource,
    Status,
    SubscriptionRequest,
)
from emulator.rules.overrides import ANSWERS, NO_OVERRIDES, Overrides


class RequestContext(Struct):
    """The data that every rule needs.

    ``now``: the request's time, ISO 8601; all its changes carry it. ``made``: the hash ids of new keys.
    ``differing``: the databases whose field has another JSON type than the value, and the field's type.
    ``status``: what a subscription gets that does not unsubscribe.
    ``new``: the keys that have no record yet. ``overrides``: what answers have in place of our own.
    ``read``: how many records of keys that have several were read.
    """

    request: PushRequest
    resource: Resource
    lookup: Lookup
    policies: Policies
    now: str
    ids: IdSource
    forced: ForcedError | None = None
    changes: Changes = field(default_factory=Changes)
    decided: list[Decided] = field(default_factory=list)
    lints: list[Lint] = field(default_factory=list)
    new: dict[PushKey, Held] = field(default_factory=dict)
    last_key: PushKey | None = None
    last: Held = Held()
    made: set[str] = field(default_factory=set)
    differing: list[tuple[int, FieldKind]] = field(default_factory=list)
    status: Status = "subscribed"
    overrides: Overrides = NO_OVERRIDES
    read: int = 0

    def restart(self) -> None:
        """Prepare for the next request to the same resource; its time and the decisions stay."""
        self.changes, self.new, self.made, self.differing = Changes(), {}, set(), []
        self.last_key = None

    def key(self, db_id: int, wanted: SubscriptionRequest) -> PushKey:
        """The key of one of the request's subscriptions in a database."""
        return PushKey(db_id, self.resource.id, wanted.provider, wanted.subscription_id)

    def find_by_push(self, key: PushKey) -> Held:
        """The records of this key before the request; looked up once, for matching and applying.

        Of keys with records only the last one is kept: a request may have ten thousand.
        """
        if key == self.last_key:
            return self.last
        held = self.new.get(key) if self.new else None
        if held is None:
            held = self.lookup.find_by_push(key)
            if held.hash_id is None:
                self.new[key] = held
            else:
                self.last_key, self.last = key, held
        return held

    def description(self, name: str) -> str:
        """What an item says, by the answer's name."""
        override = self.overrides.get(name)
        own = ANSWERS[name].description or ""
        return own if override is None or override.description is None else override.description

    def note(self, rule: str, db_id: int | None, code: str, *parameters: str | int) -> None:
        """Record that a rule decided something: a code of ``NOTES`` with its parameters."""
        self.decided.append(Decided(rule, db_id, code, parameters))

    def note_at(self, at: int | None, rule: str, db_id: int, code: str, *parameters: str | int) -> None:
        """Record what a rule decided about the subscription at this position (``None``: about all)."""
        self.decided.append(Decided(rule, db_id, code, parameters, at))
