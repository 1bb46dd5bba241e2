"""The answers of the endpoint, and what all answers are made of, as structs.

The server makes them, its OpenAPI document describes them, the client reads them. Members that a newer
server adds are ignored.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

from msgspec import Meta, Struct

T = TypeVar("T")

NonEmpty = Annotated[str, Meta(min_length=1)]
#: A profile and a key, as items name them.
ProfileId = Annotated[str, Meta(description="the found or new profile (A5)", min_length=1, max_length=64)]
HashId = Annotated[
    str,
    Meta(description="8 or more hex digits that depend on the key alone (A5)", pattern="^[0-9a-f]{8,64}$"),
]
#: A number of things.
Count = Annotated[int, Meta(ge=0)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
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


class PushItem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of the endpoint's ``data``; members that a bare or an error item lacks are ``None``."""

    db_id: Annotated[int, Meta(description="the database")]
    resource_id: Annotated[int, Meta(description="the resource")]
    profile_id: ProfileId | None = None
    subscription_id: Annotated[NonEmpty, Meta(description="the push token")] | None = None
    unsubscribe: Annotated[bool, Meta(description="what was asked for")] | None = None
    provider: Annotated[NonEmpty, Meta(description="the provider")] | None = None
    subscription_hash_id: HashId | None = None
    status: Literal["ok", "error"]
    description: str


class Envelope(Struct, frozen=True):
    """A request that was carried out (A1, A2), or refused as a whole with HTTP status 200 under the policy
    ``http_status: always_200`` (A3)."""

    data: Annotated[
        list[PushItem], Meta(description="the databases in the resource's order, each with its items")
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
