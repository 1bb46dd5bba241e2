"""What the emulator answers, as data classes. Properties that a newer server adds are ignored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec

from push_emulator.masking import mask

T = TypeVar("T")


@dataclass(frozen=True)
class PushItem:
    """One item of the endpoint's ``data``; what a bare or an error item does not have is ``None``."""

    db_id: int
    resource_id: int
    status: str
    description: str
    profile_id: str | None = None
    provider: str | None = None
    subscription_id: str | None = None
    unsubscribe: bool | None = None
    subscription_hash_id: str | None = None


@dataclass(frozen=True)
class PushAnswer:
    """The endpoint's answer: the HTTP ``status`` and the envelope."""

    status: int
    error: int
    error_text: str
    data: list[PushItem]

    @property
    def ok(self) -> bool:
        """Whether every database applied something and no item failed (A1)."""
        return self.status == 200 and self.error == 0


@dataclass(frozen=True)
class Page(Generic[T]):
    """One page of a list; ``next`` is the cursor of the following one, ``total`` how many match in all."""

    items: list[T]
    next: Any
    total: int


@dataclass(frozen=True)
class Health:
    """How the server does, and what is in the workspace."""

    status: str
    version: str
    workspace: str
    profiles: int
    subscriptions: int
    uptime_s: float
    reason: str | None = None


@dataclass(frozen=True)
class Decision:
    """A rule that decided something; ``db_id`` is ``None`` for the whole request."""

    rule: str
    db_id: int | None
    detail: str


@dataclass(frozen=True)
class LintRemark:
    """A remark on a request that was answered all the same."""

    rule: str
    path: str
    text: str


@dataclass(frozen=True)
class RecordedRequest:
    """One request of the journal.

    ``outcome``: added, changed, unchanged, refused or fault. ``answer``: the JSON that was answered, or the
    text where it was none. ``fault``: the id, or the token, of the fault that was applied. Secrets are
    masked unless the server shows them.
    """

    id: int
    time: str
    at_ms: int
    method: str
    path: str
    query: str
    client: str
    headers: dict[str, str]
    body: str
    status: int
    error: int
    error_text: str
    answer: Any
    duration_ms: float
    decided: list[Decision]
    lints: list[LintRemark]
    outcomes: list[str]
    outcome: str
    changes: dict[str, Any] | None = None
    resource_id: int | None = None
    resource: str | None = None
    resource_token: Any = None
    fault: str | None = None
    request_id: str | None = None

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; ``{}`` if it is none."""
        try:
            value = msgspec.json.decode(self.body)
        except (msgspec.MsgspecError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def subscriptions(self) -> list[dict[str, Any]]:
        """The body's ``subscriptions``."""
        found = self.document.get("subscriptions")
        return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []

    def __str__(self) -> str:
        asked = ", ".join(
            f"{one.get('provider')} {one.get('subscription_id')}"
            + (" unsubscribe" if one.get("unsubscribe") else "")
            for one in self.subscriptions
        )
        fault = f" by fault {self.fault}" if self.fault else ""
        answered = f"{self.status}, error {self.error}, {self.outcome}{fault}"
        return f"{self.id}: {self.method} {self.path} -> {answered}" + (f": {asked}" if asked else "")


@dataclass(frozen=True)
class AttemptGroup:
    """Requests that were attempts at the same thing, the oldest first; ``by``: request_id or body."""

    by: str
    entries: list[int]
    times: list[str]
    gaps_ms: list[int]
    outcomes: list[str]
    statuses: list[int]
    count: int


@dataclass(frozen=True)
class ArmedFault:
    """A fault as the server has it. ``times``: how often it still acts; ``fired``: how often it has."""

    id: str
    match: dict[str, Any]
    times: int | None
    probability: float
    delay_ms: Any
    then: Any
    apply: str
    fired: int


@dataclass(frozen=True)
class ClockState:
    """A workspace's time."""

    now: str
    frozen: bool
    offset_ms: int


@dataclass(frozen=True)
class SettingsState:
    """A workspace's choices: each policy's, strict mode, and each lint's ``report`` or ``off``."""

    policies: dict[str, str]
    strict: bool
    lints: dict[str, str]


@dataclass(frozen=True)
class RuleState:
    """A rule of the specification, and how often it has decided."""

    id: str
    grade: str
    text: str
    decided: int


@dataclass(frozen=True)
class WorkspaceState:
    """A workspace; what is in it is only known while it is ``open``."""

    name: str
    open: bool
    profiles: int | None = None
    subscriptions: int | None = None
    requests: int | None = None
    idle_s: float | None = None


@dataclass(frozen=True)
class DatabaseRecord:
    """A database and its declared fields."""

    id: int
    name: str
    fields: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ResourceRecord:
    """A resource; ``token`` is masked unless the server shows secrets; ``providers`` ``None``: the page's."""

    id: int
    name: str
    token: str
    db_ids: list[int] = field(default_factory=list)
    providers: list[str] | None = None


@dataclass(frozen=True)
class SubscriptionRecord:
    """A subscription; one that is listed with its profile does not repeat whose it is."""

    hash_id: str
    resource_id: int
    provider: str
    subscription_id: str
    status: str
    created: str
    updated: str
    db_id: int | None = None
    profile_id: str | None = None

    @property
    def active(self) -> bool:
        return self.status == "subscribed"


@dataclass(frozen=True)
class ProfileRecord:
    """A profile with its subscriptions."""

    id: str
    db_id: int
    fields: dict[str, Any] = field(default_factory=dict)
    created: str = ""
    subscriptions: list[SubscriptionRecord] = field(default_factory=list)


@dataclass(frozen=True)
class ImportState:
    """An import: how far it is and what it came to. ``counts``: rows and what was made of them."""

    id: str
    state: str
    file: str
    dry_run: bool
    progress: float | None
    counts: dict[str, int] = field(default_factory=dict)
    refusals: list[dict[str, Any]] = field(default_factory=list)
    lints: list[str] = field(default_factory=list)
    problem: str | None = None

    @property
    def running(self) -> bool:
        return self.state == "running"


def told(criteria: dict[str, Any]) -> str:
    """Criteria as a person reads them, the resource token masked."""
    return ", ".join(
        f"{name}={mask(value)!r}"
        if name == "resource_token" and isinstance(value, str)
        else f"{name}={value!r}"
        for name, value in criteria.items()
    )
