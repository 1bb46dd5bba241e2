"""The nouns of the domain, as structs: the store keeps them as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, NamedTuple, get_args

from msgspec import Meta, Struct, field

from emulator.rules.notes import NOTES
from push_emulator.answers import Int64 as Int64
from push_emulator.answers import NonEmpty as NonEmpty
from push_emulator.record_answers import Category as Category
from push_emulator.record_answers import CategoryChoice as CategoryChoice
from push_emulator.record_answers import RoleToken as RoleToken
from push_emulator.record_answers import Status as Status

STATUSES: tuple[Status, ...] = get_args(Status)
#: Those of subscriptions that are not active.
INACTIVE: tuple[Status, ...] = ("suspended", "unsubscribed")
#: ``version`` is a kind of subscription fields only.
FieldKind = Literal["int", "float", "string", "bool", "date", "datetime", "ip", "enum", "version"]
#: A custom field's value as it is stored; dates, times and addresses are canonical text.
FieldValue = str | int | float | bool

#: The most bytes of UTF-8 in an error's text; a longer text is cut.
MAX_ERROR_TEXT = 4096
#: The most subscriptions that one request may carry.
MAX_SUBSCRIPTIONS = 100
INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1
#: What stands in a note's text.
Parameters = tuple[str | int, ...]


def always(value: Callable[[], Any]) -> Any:
    """A default that is written, too; structs with ``omit_defaults`` omit the others."""
    return field(default_factory=lambda: value())


class FieldType(Struct, frozen=True, omit_defaults=True):
    """A declared custom field's type; ``options`` only for an enum."""

    kind: FieldKind
    options: tuple[str, ...] = ()

    @property
    def form(self) -> str | dict[str, object]:
        """The type as fixtures and the admin API write it."""
        return {"type": "enum", "options": list(self.options)} if self.kind == "enum" else self.kind


class Database(Struct):
    """A database and its declared custom fields, by name."""

    id: int
    name: str
    fields: dict[str, FieldType] = {}


class Resource(Struct, omit_defaults=True):
    """A resource: its secret token, its databases in order, its providers (``None``: the documented ones).

    ``jwt_key``: verifies the signature of JWTs (T4): a secret of HS256, or a public key in PEM.
    """

    id: int
    name: str
    token: str
    db_ids: list[int] = always(list)
    providers: list[str] | None = always(lambda: None)
    role_tokens: list[RoleToken] = []
    categories: list[Category] = []
    subscription_fields: dict[str, FieldType] = {}
    jwt_key: str | None = None


class Profile(Struct, omit_defaults=True):
    """A profile of one database; subscriptions are stored apart. ``created``: ISO 8601, UTC."""

    id: str
    db_id: int
    fields: dict[str, FieldValue] = always(dict)
    created: str = always(str)
    is_test: bool = False


class PushKey(Struct, frozen=True, gc=False):
    """Identifies a subscription; each profile has at most one record of a key."""

    db_id: int
    resource_id: int
    provider: str
    subscription_id: str

    def record(self, hash_id: str, profile_id: str, status: Status, now: str) -> Subscription:
        """A subscription of this key that is made now."""
        token = self.subscription_id
        return Subscription(
            hash_id, self.db_id, profile_id, self.resource_id, self.provider, token, status, now, now
        )


class VersionValue(Struct, frozen=True):
    """A version as a subscription's field has it: ``"14.2"`` and its numbers ``[14, 2]``."""

    raw: str
    ver: list[int]


#: A subscription field's value as it is stored.
SubscriptionValue = FieldValue | VersionValue


class Subscription(Struct, omit_defaults=True):
    """A push subscription of one profile. ``created``, ``updated``: ISO 8601, UTC."""

    hash_id: str
    db_id: int
    profile_id: str
    resource_id: int
    provider: str
    subscription_id: str
    status: Status = always(lambda: "subscribed")
    created: str = always(str)
    updated: str = always(str)
    fields: dict[str, SubscriptionValue] = {}
    cats: list[CategoryChoice] = []

    @property
    def key(self) -> PushKey:
        return PushKey(self.db_id, self.resource_id, self.provider, self.subscription_id)

    @property
    def active(self) -> bool:
        return self.status == "subscribed"


class Held(Struct, frozen=True, gc=False):
    """The records of a key: the first active one, whether there are others, the hash id that they share.

    Among the others may be records of another key. ``other_case``: where the key has no record, one
    whose key differs only in the case of its token (L9).
    """

    active: Subscription | None = None
    others: bool = False
    hash_id: str | None = None
    other_case: Subscription | None = None


class SubscriptionRequest(Struct, forbid_unknown_fields=True):
    """One entry of a request's ``subscriptions``; ``unsubscribe`` is null where it is not given (Q1)."""

    provider: NonEmpty
    subscription_id: NonEmpty
    unsubscribe: bool | None = None


class PushRequest(Struct, forbid_unknown_fields=True):
    """The body of ``POST /push_subscribe``, its shape checked.

    A valid body is decoded straight from JSON, without unknown members. The marshmallow schema of
    :mod:`emulator.endpoint.schema` reads any other body.
    """

    resource_token: NonEmpty
    subscriptions: Annotated[list[SubscriptionRequest], Meta(min_length=1, max_length=MAX_SUBSCRIPTIONS)]
    id: str | None = None
    db_ids: list[Int64] | None = None
    matching: str | None = None
    field_name: str | None = None
    field_value: str | Int64 | float | bool | None = None


class Policies(Struct, frozen=True):
    """A workspace's choices for behaviour that the documentation leaves open."""

    duplicate_token: Literal["error", "move"] = "error"  # S4
    unknown_id: Literal["keep", "new"] = "keep"  # M8
    several_profiles: Literal["oldest", "newest", "error"] = "oldest"  # M9
    repeated_subscription: Literal["error", "unchanged"] = "error"  # S5
    unchanged_database: Literal["bare_item", "nothing"] = "bare_item"  # S7
    unchanged_error: Literal["200", "0"] = "200"  # A2
    no_databases: Literal["error", "ok"] = "error"  # B3
    error_data: Literal["empty", "absent"] = "empty"  # A3
    http_status: Literal["mirror", "always_200"] = "mirror"  # A3
    sdk_retries: Literal["replay", "apply"] = "replay"  # K3
    sdk_unknown_profile: Literal["null", "error"] = "null"  # K50


class ForcedError(Struct, frozen=True):
    """An item error that a fault forces: the answer's name, and whether it is an error of matching."""

    answer: str
    in_matching: bool


class Moved(NamedTuple):
    """A subscription before and after it got another token (K20)."""

    before: Subscription
    after: Subscription


class Changes(Struct, omit_defaults=True):
    """The changes of one request, applied as one transaction (A6).

    ``profiles`` are new ones, ``changed_profiles`` replace those with their ids; ``subscriptions`` are new
    ones and those that replace one of the same key and profile.
    """

    profiles: list[Profile] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    changed_profiles: list[Profile] = []
    moved: list[Moved] = []

    def __bool__(self) -> bool:
        return bool(self.profiles or self.subscriptions or self.changed_profiles or self.moved)


class Decided(Struct, frozen=True, gc=False, array_like=True):
    """One decision: the rule, the database (``None``: the whole request), what was decided.

    ``subscription``: the position in ``subscriptions`` of the one that it is about (``None``: all of them).
    ``code`` is that of a text in :data:`~emulator.rules.notes.NOTES`; ``parameters`` stand in that text.
    """

    rule: str
    db_id: int | None
    code: str
    parameters: Parameters = ()
    subscription: int | None = None

    @property
    def detail(self) -> str:
        """What the rule made of it, in English."""
        return NOTES[self.code].format(*self.parameters)


class Lint(NamedTuple):
    """A remark on a request: the L-rule, the parameter's path, the remark as :class:`Decided` has it."""

    rule: str
    path: str
    code: str
    parameters: Parameters = ()

    @property
    def text(self) -> str:
        """The remark, in English."""
        return NOTES[self.code].format(*self.parameters)


def bounded_text(text: str) -> str:
    """An error's text, cut after :data:`MAX_ERROR_TEXT` bytes."""
    data = text[: MAX_ERROR_TEXT + 1].encode("utf-8", "replace")
    if len(data) <= MAX_ERROR_TEXT:
        return text
    return data[: MAX_ERROR_TEXT - len("…".encode())].decode("utf-8", "ignore") + "…"


def shortened(text: str, most: int = 64) -> str:
    """A client's text for use in a remark; of a text of more characters only the beginning and the end."""
    return text if len(text) <= most else f"{text[: most - 24]}…{text[-20:]}"


class Outcome(Struct):
    """What :func:`emulator.rules.decide.decide` answers: the items, what to change, why, and remarks."""

    error: int
    items: list[dict[str, object]]
    changes: Changes
    decided: list[Decided]
    lints: list[Lint]
    resource: Resource | None
    ok: int = 0
    failed: int = 0
    outcomes: list[str] = field(default_factory=list)
