"""The bodies of the SDKs' calls, their shape checked; a member that is not sent is UNSET, which is falsy."""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from emulator.rules.errors import Invalid
from emulator.rules.mobile.writing import SentCategory
from emulator.rules.model import NonEmpty, Resource, shortened
from emulator.rules.providers import accepted

#: The providers that the SDKs register tokens of.
SDK_PROVIDERS = (
    "android-firebase",
    "android-huawei",
    "android-rustore",
    "ios-apns",
    "ios-firebase",
    "ios-huawei",
)


class Pair(Struct):
    """A provider and a token."""

    provider: NonEmpty
    subscription_id: NonEmpty


class SentSubscription(Pair):
    """The subscription of :class:`Subscribe`."""

    status: Literal["subscribed", "suspended", "unsubscribed"]
    fields: dict[str, Any] | UnsetType | None = UNSET
    cats: list[SentCategory] | UnsetType | None = UNSET


class Subscribe(Struct):
    """The body of ``POST /subscription/push/subscribe`` (K10)."""

    subscription: SentSubscription
    subscription_id: str | UnsetType | None = UNSET
    time: int | float | UnsetType | None = UNSET
    profile_fields: dict[str, Any] | UnsetType | None = UNSET
    replace: bool | UnsetType | None = UNSET
    skip_triggers: bool | UnsetType | None = UNSET


class Update(Struct):
    """The body of ``POST /subscription/push/update`` (K20)."""

    new_token: NonEmpty
    new_provider: NonEmpty
    old_token: str | UnsetType | None = UNSET
    old_provider: str | UnsetType | None = UNSET


class Unsuspend(Struct):
    """The body of ``POST /subscription/push/unsuspend`` (K30)."""

    subscription: Pair
    replace: bool | UnsetType | None = UNSET


class UpdateProfile(Struct):
    """The body of ``POST /profile/update`` (K50)."""

    profile_fields: dict[str, Any] | UnsetType | None = UNSET
    skip_triggers: bool | UnsetType | None = UNSET


def check_provider(path: str, provider: str, resource: Resource | None = None) -> None:
    """Refuse a provider of no SDK, or one that the resource does not accept. Raises :class:`Invalid` (R6)."""
    if provider not in SDK_PROVIDERS:
        wanted = ", ".join(SDK_PROVIDERS)
        raise Invalid(f'{path}: unknown provider "{shortened(provider)}"; there are {wanted}', "R6")
    if resource is not None and resource.providers is not None and not accepted(provider, resource):
        raise Invalid(f'{path}: "{provider}" is not configured for the resource', "R6")
