"""What came to a workspace as structs: requests, events, how they are counted and verified."""

from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

from push_emulator.answers import Count, Int64, Page, Spoil, Time

T = TypeVar("T")

#: Milliseconds since 1970, until the year 9999.
Milliseconds = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
#: What an SDK can report.
EventKind = Literal["delivery", "open", "mobile_event"]
#: One word for the result of a request.
Outcome = Literal["fault", "refused", "changed", "added", "unchanged"]


class Decision(Struct, frozen=True):
    """A rule that decided something; ``db_id`` is ``None`` for the whole request.

    ``subscription``: the position in the request's ``subscriptions`` of the one that the rule was about, and
    ``subscription_id`` its token; both are ``None`` where it was about all of them.
    """

    rule: str
    db_id: int | None
    detail: str
    subscription: int | None
    subscription_id: str | None


class LintRemark(Struct, frozen=True):
    """A remark on a request that was answered nevertheless."""

    rule: str
    path: str
    text: str


class RecordedRequest(Struct, frozen=True):
    """One request of the journal, as it came and as it was answered; secrets are masked.

    ``outcomes``: a word for each subscription in each database. ``fault``: the id, or the token, of the
    applied fault; ``effect``: what it did to the connection or the answer's body (after ``connection_reset``
    and ``empty_response`` no ``answer`` left, and ``status`` is that of the one that was held back);
    ``delay_ms``: how long it held the answer back, beside ``duration_ms``. A server that shows
    secrets masks no values.
    """

    id: Count
    time: Time
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
    answer: Annotated[Any, Meta(description="a JSON object, or the text that was sent")]
    duration_ms: float
    decided: list[Decision]
    lints: list[LintRemark]
    outcomes: list[str]
    changes: dict[str, Any] | None
    resource_id: int | None
    resource: str | None
    fault: str | None
    effect: Spoil | None
    delay_ms: Count
    request_id: str | None
    outcome: Outcome
    resource_token: Annotated[Any, Meta(description="masked, as it was sent")]

    @property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; ``{}`` for any other body."""
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
        fault += f" ({self.effect})" if self.effect else ""
        fault += f" after {self.delay_ms} ms" if self.delay_ms else ""
        answered = f"{self.status}, error {self.error}, {self.outcome}{fault}"
        return f"{self.id}: {self.method} {self.path} -> {answered}" + (f": {asked}" if asked else "")


class RecordedPage(Page[T], Generic[T], frozen=True):
    """Entries of a journal, newest first; how many ever came, were evicted, how large those kept are."""

    recorded: Count
    dropped: Count
    bytes: Count


class JournalPage(RecordedPage[RecordedRequest], frozen=True):
    """Requests, newest first; how many ever came, how many were evicted, how large those kept are."""


class RecordedEvent(Struct, frozen=True):
    """One event that an SDK reported: ``delivery`` or ``open`` of a message, or a ``mobile_event``.

    ``time``: when it came; ``time_ms``: when it happened, as the client says; ``smid``: the message;
    ``name``: a mobile event's; ``tz``: minus the client's UTC offset in minutes. ``profile_id``: the profile
    that was found.
    """

    id: Count
    time: Time
    at_ms: Milliseconds
    kind: EventKind
    time_ms: Int64 | None
    smid: str | None
    name: str | None
    db_id: Int64 | None
    profile_id: str | None
    resource_id: Int64 | None
    resource: str | None
    provider: str | None
    subscription_id: str | None
    matching_mode: str | None
    request_id: str | None
    launch_id: str | None
    pixel: str | None
    tz: Int64 | None
    altcraft_client_id: str | None
    payload: dict[str, Any] | None
    utm: dict[str, str] | None
    matching: dict[str, Any] | None
    subscription: dict[str, Any] | None
    profile_fields: dict[str, Any] | None

    def __str__(self) -> str:
        parts = [f"{self.id}: {self.kind}"]
        parts += [f'"{self.name}"'] if self.name is not None else []
        parts += [f"of message {self.smid}"] if self.smid is not None else []
        parts += [f"by profile {self.profile_id}"] if self.profile_id is not None else []
        said = "" if self.payload is None else f": {msgspec.json.encode(self.payload).decode()}"
        return " ".join(parts) + said


class EventPage(RecordedPage[RecordedEvent], frozen=True):
    """Events, newest first; how many ever came, how many were evicted, how large those kept are."""


class Cleared(Struct, frozen=True):
    """How many entries were removed."""

    cleared: Count


class Counted(Struct, frozen=True):
    """How many entries match."""

    count: Count


class AttemptGroup(Struct, frozen=True):
    """Repeated attempts of one request, the oldest first; ``gaps_ms``: the time from each to the next."""

    by: Literal["request_id", "body"]
    entries: list[int]
    times: list[str]
    gaps_ms: list[int]
    outcomes: list[str]
    statuses: list[int]
    count: Count


class Difference(Struct, frozen=True):
    """One criterion that an entry does not meet."""

    key: str
    expected: Any
    actual: Any


class NearMiss(Struct, frozen=True):
    """An entry that nearly matches; ``request``: a request's body, with characters for their ``\\u`` escapes,
    or the whole event."""

    id: Count
    time: str
    request: str
    differences: list[Difference]


class Unverified(Struct, frozen=True):
    """The expected requests or events did not come; ``text``: all of it for people, in lines."""

    error: int
    error_text: str
    count: Count
    nearest: list[NearMiss]
    text: str
