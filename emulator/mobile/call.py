"""One call of a mobile SDK: as it came, and what is known about it so far."""

from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import Struct, field

from emulator.journal.events import Event
from emulator.messages import Incoming
from emulator.rules.mobile.caller import Caller
from emulator.rules.model import Changes, Decided, Lint, SubscriptionRequest
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import CallName


class SdkCall(Struct):
    """One call, which adds to ``lints``. ``path`` is one of :data:`emulator.mobile.paths.SERVED`.

    ``name`` is what faults name it by: that of the path's operation, until ``read`` knows it better.
    ``read`` sets ``request`` (the checked body), ``tokens`` (the provider and token of each push subscription
    that the call names) and ``event`` (the name of a mobile event). ``carry_out`` adds ``decided``,
    ``outcomes`` (added, changed, unchanged, refused), ``changes``, which the frame applies in one
    transaction, and ``events``, which it then records.
    """

    workspace: Workspace
    path: str
    incoming: Incoming
    query: dict[str, str]
    lints: list[Lint]
    name: CallName = "subscribe"
    request: Any = None
    tokens: list[SubscriptionRequest] = field(default_factory=list)
    event: str | None = None
    caller: Caller | None = None
    sync: bool = True
    decided: list[Decided] = field(default_factory=list)
    outcomes: list[str] = field(default_factory=list)
    changes: Changes = field(default_factory=Changes)
    events: list[Event] = field(default_factory=list)

    def note(self, rule: str, code: str, *parameters: str | int) -> None:
        """Record that a rule decided something: a code of ``NOTES`` with its parameters."""
        db_id = None if self.caller is None else self.caller.db_id
        self.decided.append(Decided(rule, db_id, code, parameters))


class SdkOperation(NamedTuple):
    """What one path does.

    ``name``: what faults name the call by; ``parameters``: those of the query; ``body``: the form of a JSON
    body; ``read`` checks body and query, ``carry_out`` decides the call and answers the document; both raise
    :class:`~emulator.rules.errors.Refused`. ``authorized``: the caller must be known before (T5).
    """

    method: str
    name: CallName
    parameters: frozenset[str]
    body: type[Struct] | None
    read: Callable[[SdkCall], None]
    carry_out: Callable[[SdkCall], dict[str, object]]
    authorized: bool = True
