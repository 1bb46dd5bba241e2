"""The stored records as structs: databases, resources, profiles, subscriptions."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

Status = Literal["subscribed", "suspended", "unsubscribed"]


class DatabaseRecord(Struct, frozen=True):
    """A database and its declared fields."""

    id: int
    name: str
    fields: Annotated[
        dict[str, Any], Meta(description="the declared fields: name to type, as in the fixtures")
    ]


class RoleToken(Struct, frozen=True, omit_defaults=True):
    """A role token of a resource; ``expires``: ISO 8601."""

    token: str
    name: str
    db_id: int
    expires: str | None = None


class Category(Struct, frozen=True):
    """A category of a resource's subscriptions."""

    name: str
    title: str
    steady: bool


class CategoryChoice(Struct, frozen=True):
    """A subscription's choice of a category."""

    name: str
    active: bool


class ResourceRecord(Struct, frozen=True, omit_defaults=True):
    """A resource; ``providers`` ``None``: the page's. Members with a default may be missing.

    ``token``, those of ``role_tokens`` and ``jwt_key`` are masked unless the server shows secrets.
    """

    id: int
    name: str
    token: str
    db_ids: list[int]
    providers: list[str] | None
    role_tokens: list[RoleToken] = []
    categories: list[Category] = []
    subscription_fields: Annotated[
        dict[str, Any], Meta(description="the declared fields of subscriptions: name to type")
    ] = {}
    jwt_key: str | None = None


class OwnSubscription(Struct, frozen=True, omit_defaults=True):
    """A subscription inside its profile; ``fields`` and ``cats`` are missing while they are empty."""

    hash_id: str
    resource_id: int
    provider: str
    subscription_id: str
    status: Status
    created: str
    updated: str
    fields: Annotated[dict[str, Any], Meta(description="subscription fields by name")] = {}
    cats: list[CategoryChoice] = []

    @property
    def active(self) -> bool:
        return self.status == "subscribed"


class SubscriptionRecord(OwnSubscription, frozen=True, kw_only=True):
    """A subscription by itself."""

    db_id: int
    profile_id: str


class OneSubscription(SubscriptionRecord, frozen=True, kw_only=True):
    """A subscription, and the profiles that have its key."""

    profiles: list[str]


class ProfileRecord(Struct, frozen=True, omit_defaults=True):
    """A profile with its subscriptions; ``is_test`` is missing while it is false."""

    id: str
    db_id: int
    fields: Annotated[dict[str, Any], Meta(description="custom field values by name")]
    created: str
    subscriptions: list[OwnSubscription]
    is_test: bool = False


class DeletedRecords(Struct, frozen=True):
    """How many records were removed, by kind."""

    deleted: dict[str, int]
