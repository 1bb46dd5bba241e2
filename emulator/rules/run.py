"""One request being decided: what the rules read, and what they have made so far."""

from __future__ import annotations

from msgspec import Struct, field

from emulator.rules.model import Changes, Decided, ForcedError, Policies, PushRequest, Resource
from emulator.rules.ports import IdSource, Lookup


class Run(Struct):
    """What every rule needs. ``now`` is the request's time, ISO 8601; all its changes carry it."""

    request: PushRequest
    resource: Resource
    lookup: Lookup
    policies: Policies
    now: str
    ids: IdSource
    decided: list[Decided]
    forced: ForcedError | None = None
    changes: Changes = field(default_factory=Changes)

    def note(self, rule: str, db_id: int | None, detail: str) -> None:
        """Write down that a rule decided something."""
        self.decided.append(Decided(rule, db_id, detail))
