"""The answers of the endpoint, the journal and the faults, as structs.

The server makes them, its OpenAPI document describes them, the client reads them. Members that a newer
server adds are ignored.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import Meta, Struct

T = TypeVar("T")

#: A number of things.
Count = Annotated[int, Meta(ge=0)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
#: Milliseconds since 1970, until the year 9999.
Milliseconds = Annotated[int, Meta(ge=0, le=253_402_300_799_999)]
#: ISO 8601, UTC.
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
#: What a fault can do to a connection or an answer.
Spoil = Literal["connection_reset", "empty_response", "truncated_body", "malformed_json", "slow_body"]
#: What a fault can refuse an item for.
ItemError = Literal["duplicate", "provider", "unknown_field", "invalid_value"]
#: The calls by which a fault can be matched: the documented endpoint's, then the mobile SDKs'.
CallName = Literal[
    "push_subscribe",
    "subscribe",
    "suspend",
    "unsubscribe",
    "update",
    "unsuspend",
    "status",
    "delivery",
    "open",
    "mobile_event",
    "profile_update",
]
#: What an SDK can report.
EventKind = Literal["delivery", "open", "mobile_event"]
#: One word for the result of a request.
Outcome = Literal["fault", "refused", "changed", "added", "unchanged"]


class PushItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of the endpoint's ``data``; members that a bare or an error item lacks are ``None``."""

    db_id: Annotated[int, Meta(description="the database")]
    resource_id: Annotated[int, Meta(description="the resource")]
    profile_id: (
        Annotated[str, Meta(description="the found or new profile (A5)", min_length=1, max_length=64)] | None
    ) = None
    subscription_id: Annotated[str, Meta(description="the push token", min_length=1)] | None = None
    unsubscribe: Annotated[bool, Meta(description="what was asked for")] | None = None
    provider: Annotated[str, Meta(description="the provider", min_length=1)] | None = None
    subscription_hash_id: (
        Annotated[
            str,
            Meta(
                description="8 or more hex digits that depend on the key alone (A5)",
                pattern="^[0-9a-f]{8,64}$",
            ),
        ]
        | None
    ) = None
    status: Literal["ok", "error"]
    description: str


class Envelope(Struct, frozen=True):
    """A request that was carried out (A1, A2), or refused as a whole with HTTP status 200 under the policy
    ``http_status: always_200`` (A3)."""

    data: Annotated[
        list[PushItem],
        Meta(description="the databases in the resource's order, each with its items"),
    ]
    error: Annotated[
        int,
        Meta(
            description="0: everything was applied. 200: some item failed, or some database changed nothing. "
            "400–599: refused as a whole."
        ),
    ]
    error_text: Annotated[str, Meta(examples=["Successful operation"])]


class Refusal(Struct, frozen=True):
    """A request-level error: nothing has changed (A3)."""

    data: Annotated[list[Any], Meta(max_length=0)]
    error: Annotated[int, Meta(description="the code")]
    error_text: Annotated[
        str,
        Meta(
            description="what is wrong, with the parameter's path",
            examples=['subscriptions[0].provider: unknown provider "x"'],
        ),
    ]


class PushAnswer(Envelope, frozen=True):
    """The endpoint's answer: the HTTP ``status`` and the envelope."""

    status: int

    @property
    def ok(self) -> bool:
        """Whether every database applied something and no item failed (A1)."""
        return self.status == 200 and self.error == 0


class Page(Struct, Generic[T], frozen=True):
    """One page of a list; ``next``: the cursor of the next page, ``total``: the number of all matches."""

    items: list[T]
    next: Annotated[str | int | None, Meta(description="the next page's `cursor`")]
    total: Count


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


class JournalPage(Page[RecordedRequest], frozen=True):
    """Requests, newest first; how many ever came, how many were evicted, how large those kept are."""

    recorded: Count
    dropped: Count
    bytes: Count


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


class EventPage(Page[RecordedEvent], frozen=True):
    """Events, newest first; how many ever came, how many were evicted, how large those kept are."""

    recorded: Count
    dropped: Count
    bytes: Count


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


class ArmedFault(Struct, frozen=True):
    """An armed fault, in the form in which it is armed.

    ``times``: how often it still acts; ``fired``: how often it has acted.
    """

    id: str
    match: dict[str, Any]
    times: int | None
    probability: float
    delay_ms: Any
    then: Any
    apply: Literal["before", "after"]
    fired: Count


class Disarmed(Struct, frozen=True):
    """How many faults were disarmed."""

    disarmed: Count
