"""Writes a profile's fields, and the fields and categories of a subscription (K10, K14, R4, R5)."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import UNSET, Struct, UnsetType
from msgspec.structs import replace

from emulator.rules.fields import InvalidFieldValue, read_subscription_value, subscription_fields
from emulator.rules.lints import unknown_parameters
from emulator.rules.mobile.context import MobileContext, incorrect_field, not_valid
from emulator.rules.model import (
    CategoryChoice,
    FieldValue,
    NonEmpty,
    Profile,
    Resource,
    SubscriptionValue,
    VersionValue,
    shortened,
)

#: Most values have their field's own type and need no conversion.
_AS_SENT = {"string": str, "bool": bool}
#: What the platform says to a category that is not in the resource's catalogue (R5).
UNKNOWN_CATEGORY = "category not found in resource"


class SentCategory(Struct):
    """A category as an SDK sends it: only ``name`` and ``active`` count (K14)."""

    name: NonEmpty
    title: Any = UNSET
    steady: Any = UNSET
    active: bool | UnsetType | None = UNSET


def read_fields(context: MobileContext, given: Mapping[str, object]) -> dict[str, FieldValue | None]:
    """Profile fields in their own form, null for one to clear.

    Raises :class:`~emulator.rules.errors.ProcessingError` (R4, R5).
    """
    read: dict[str, FieldValue | None] = {}
    for name, value in given.items():
        if name not in context.database.fields:  # R4
            raise incorrect_field(name)
        read[name] = None if value is None else context.read(name, value)
    return read


def write_fields(
    context: MobileContext, profile: Profile, given: Mapping[str, object] | UnsetType | None
) -> Profile:
    """The profile with these fields, null clears one; a changed one is added to the changes (K10).

    Raises :class:`~emulator.rules.errors.ProcessingError` (R4, R5).
    """
    if not given:
        return profile
    read = read_fields(context, given)
    fields = {name: value for name, value in {**profile.fields, **read}.items() if value is not None}
    if fields == profile.fields:
        return profile
    context.note("K10", "wrote_fields", len(given))
    changed = replace(profile, fields=fields)
    made = context.changes.profiles
    if made and made[0].id == profile.id:
        made[0] = changed
    else:
        context.changes.changed_profiles.append(changed)
    return changed


def merged_fields(
    context: MobileContext,
    present: Mapping[str, SubscriptionValue],
    given: Mapping[str, object] | UnsetType | None,
) -> dict[str, SubscriptionValue]:
    """A subscription's fields after the call. Raises ``ProcessingError`` (R5)."""
    fields = dict(present)
    if not given:
        return fields
    kinds = subscription_fields(context.caller.resource)
    unknown = []
    for name, value in given.items():
        kind = kinds.get(name)
        if kind is None:  # R5: ignored
            unknown.append((f"subscription.fields.{name}", tuple(kinds)))
        elif isinstance(value, (str, bool)) and type(value) is _AS_SENT.get(kind.kind):
            fields[name] = value
        elif value is None:
            fields.pop(name, None)
        else:
            try:
                fields[name] = read_subscription_value(kind, _scalar(value))
            except InvalidFieldValue as error:
                raise not_valid(name) from error
    if unknown:
        context.lints += unknown_parameters(unknown)
    return fields


def merged_categories(
    context: MobileContext,
    present: Iterable[CategoryChoice],
    given: Iterable[SentCategory] | UnsetType | None,
) -> list[CategoryChoice]:
    """A subscription's categories after the call (K14). Raises ``ProcessingError`` (R5)."""
    if not given:
        return list(present)
    chosen = {one.name: one for one in present}
    catalogue = {one.name: one for one in context.caller.resource.categories}
    for one in given:
        category = catalogue.get(one.name)
        if category is None:  # R5
            raise not_valid("subscriptions.cats", UNKNOWN_CATEGORY)
        if category.steady:  # K14
            context.note("K14", "steady", shortened(one.name))
        elif isinstance(one.active, bool):
            chosen[one.name] = CategoryChoice(one.name, one.active)
    return list(chosen.values())


def shown_categories(resource: Resource, chosen: Iterable[CategoryChoice]) -> list[dict[str, object]]:
    """The categories as an answer has them: title and steady from the resource's catalogue (K14, R2)."""
    catalogue = {one.name: one for one in resource.categories}
    shown: list[dict[str, object]] = []
    for one in chosen:
        category = catalogue.get(one.name)
        title, steady = (one.name, False) if category is None else (category.title, category.steady)
        shown.append({"name": one.name, "title": title, "steady": steady, "active": one.active})
    return shown


def _scalar(value: object) -> SubscriptionValue:
    """The value if a field can have it. Raises :class:`InvalidFieldValue`."""
    if isinstance(value, (str, int, float)):
        return value
    if isinstance(value, dict) and value.keys() == {"raw", "ver"}:
        raw, ver = value["raw"], value["ver"]
        if isinstance(raw, str) and isinstance(ver, list):
            return VersionValue(raw, ver)
    raise InvalidFieldValue("a string, a number, true or false")
