"""What the rules read about one request, and what they have found and changed so far."""

from collections.abc import Collection

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
    Subscription,
)
from emulator.rules.overrides import ANSWERS, NO_OVERRIDES, Overrides


class RequestContext(Struct):
    """The data that every rule needs.

    ``now``: the request's time, ISO 8601; all its changes carry it. ``made``: the hash ids of new keys.
    ``differing``: the databases whose field has another JSON type than the value, and the field's type.
    ``status``: what a subscription gets that does not unsubscribe.
    ``keys``: those of the request's subscriptions in the database at hand; ``other_case``: records whose key
    differs from one without a record only in the case of its token (L9), by provider and token sent.
    ``not_configured``, ``repeated``: the positions of subscriptions that no database accepts (S6, S5).
    ``overrides``: what answers have in place of our own. ``read``: how many records of keys that have
    several were read.
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
    keys: list[PushKey] = []
    _held: dict[int, Held] = {}
    other_case: dict[tuple[str, str], Subscription] = field(default_factory=dict)
    not_configured: Collection[int] = ()
    repeated: Collection[int] = ()
    made: set[str] = field(default_factory=set)
    differing: list[tuple[int, FieldKind]] = field(default_factory=list)
    status: Status = "subscribed"
    overrides: Overrides = NO_OVERRIDES
    read: int = 0

    def restart(self) -> None:
        """Prepare for the next request to the same resource; its time and the decisions stay."""
        self.changes, self.other_case, self.made, self.differing = Changes(), {}, set(), []

    def enter(self, db_id: int) -> None:
        """Begin with a database of the request."""
        self.keys, self._held = [], {}
        for one in self.request.subscriptions:
            self.keys.append(PushKey(db_id, self.resource.id, one.provider, one.subscription_id))

    def find_by_push(self, at: int) -> Held:
        """The records, before the request, of the subscription at this position in the database at hand.

        Looked up once, for matching and applying.
        """
        held = self._held.get(at)
        if held is None:
            key = self.keys[at]
            held = self._held[at] = self.lookup.find_by_push(key)
            if held.other_case is not None:
                self.other_case.setdefault((key.provider, key.subscription_id), held.other_case)
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
