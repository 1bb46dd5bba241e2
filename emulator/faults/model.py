"""What a fault is."""

from http import HTTPStatus
from typing import Any, get_args

from msgspec import Struct, field

from emulator.rules.mobile.context import incorrect_field, not_valid
from emulator.rules.mobile.writing import UNKNOWN_CATEGORY
from emulator.rules.model import SubscriptionRequest
from emulator.rules.overrides import ANSWERS
from push_emulator.answers import CallName, ItemError, Spoil

SPOILS: tuple[Spoil, ...] = get_args(Spoil)
#: Spoils that need an answer: the request is processed, unless ``apply`` says otherwise.
SPOILS_OF_ANSWERS = ("truncated_body", "malformed_json", "slow_body")

#: The item errors that can be forced, and the answers that say them, by their names.
ITEM_ERRORS: dict[ItemError, str] = {
    "duplicate": "S4",
    "provider": "S6",
    "unknown_field": "M4",
    "invalid_value": "M5",
}
#: What the items say with them, where the workspace has no words of its own.
ITEM_TEXTS: dict[ItemError, str] = {
    error: ANSWERS[name].description or "" for error, name in ITEM_ERRORS.items()
}
#: What the platform says to the SDKs (R4, R5), by the word of a token.
PROCESSING_ERRORS = {
    "incorrect-field": incorrect_field("age").text,
    "failed-convert": not_valid("age").text,
    "unknown-category": not_valid("subscriptions.cats", UNKNOWN_CATEGORY).text,
}
#: Those that refuse a whole database, not a subscription.
MATCHING_ERRORS = ("unknown_field", "invalid_value")


#: The name of each status; three have another name in RFC 9110 than in older Pythons.
_PHRASES: dict[int, str] = {
    **{status.value: status.phrase for status in HTTPStatus},
    413: "Content Too Large",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


#: The calls by which a fault can be matched.
CALL_NAMES: tuple[CallName, ...] = get_args(CallName)


class Asked(Struct):
    """What faults match a mobile SDK's call by; ``event``: the name of a mobile event.

    ``profile_id``: the profile that the call finds; looked up only where an armed fault asks for it.
    """

    call: CallName
    subscriptions: list[SubscriptionRequest] = []
    resource_token: str = ""
    event: str | None = None
    profile_id: str | None = None
    field_value: Any = None


class ErrorAnswer(Struct, frozen=True, tag="error_answer"):
    """An error envelope: HTTP ``status``, ``error`` (the status if not given), ``error_text``."""

    status: int
    error: int | None = None
    error_text: str | None = None

    @property
    def code(self) -> int:
        return self.status if self.error is None else self.error

    @property
    def text(self) -> str:
        if self.error_text is not None:
            return self.error_text
        return f"Fault: {_PHRASES.get(self.status, self.status)}"


class RateLimit(Struct, frozen=True, tag="rate_limit"):
    """``per_second`` requests pass on average; more are answered 429.

    After a pause one second's worth (or one request) passes at once: the first second can see twice as many.
    """

    per_second: float


class ItemFault(Struct, frozen=True, tag="item_fault"):
    """Every item of the answer fails in this way, and nothing changes."""

    item_error: ItemError


class FaultMatch(Struct, frozen=True, omit_defaults=True):
    """Which requests a fault is for: all criteria that are given must hold; none means every request.

    ``call``: one of :data:`CallName`; ``event``: the name of a mobile event; ``profile_id``: the profile that
    an SDK's call finds, or the ``id`` of a request to the endpoint.
    """

    provider: str | None = None
    subscription_id: str | None = None
    resource_token: str | None = None
    field_value: Any = None
    call: CallName | None = None
    profile_id: str | None = None
    event: str | None = None


class Fault(Struct):
    """An armed fault.

    ``times``: how often it still acts (``None``: without end). ``delay_ms``: milliseconds, or the bounds of a
    uniform distribution. ``then``: the effect on the answer (``None``: only the delay). ``after``: the state
    changes all the same. ``fired``: how often it has acted.
    """

    id: str
    match: FaultMatch = field(default_factory=FaultMatch)
    times: int | None = None
    probability: float = 1.0
    delay_ms: int | tuple[int, int] = 0
    then: ErrorAnswer | RateLimit | ItemFault | Spoil | None = None
    after: bool = False
    fired: int = 0
