"""Finds the caller's profile, or creates it (T1, T2, T6, K10)."""

from collections.abc import Sequence

from emulator.rules.keys import new_profile_id
from emulator.rules.mobile.context import MobileContext
from emulator.rules.model import INACTIVE, FieldValue, Profile, Status, Subscription, shortened

#: The standard field that a mode searches.
_EMAIL, _PHONES = "email", "phones"
_ACTIVE: tuple[Status, ...] = ("subscribed",)


def find_profile(context: MobileContext) -> Profile | None:
    """The caller's profile. Raises :class:`~emulator.rules.errors.ProcessingError` (R4, R5)."""
    claim, db_id = context.caller.claim, context.caller.db_id
    mode = context.caller.mode
    if claim is None or mode == "push_sub":
        return _owner(context)
    if mode == "profile_id":
        context.note("T2", "by_id")
        return context.lookup.find_profile(db_id, str(claim.values["profile_id"]))
    found: list[Profile] = []
    for name, value in _searched(context).items():
        context.note("T2", "by_field", shortened(name), repr(value))
        found = found or context.lookup.find_by_field(db_id, name, value)
        if not found and name == _PHONES:
            found = context.lookup.find_by_phone(db_id, str(value))
    if len(found) > 1:
        context.note("M9", "oldest")
    return found[0] if found else None


def make_profile(context: MobileContext) -> Profile:
    """A new profile, which the same claim finds (K10); it is added to the changes.

    Raises :class:`~emulator.rules.errors.ProcessingError` (R4, R5).
    """
    claim, db_id = context.caller.claim, context.caller.db_id
    profile_id = None
    if context.caller.mode == "profile_id" and claim is not None and context.policies.unknown_id == "keep":
        profile_id = str(claim.values["profile_id"])  # M8
    if profile_id is None:
        profile_id = new_profile_id(context.ids.profile_id, context.lookup, db_id)
    profile = Profile(profile_id, db_id, dict(_searched(context)), context.now)
    context.changes.profiles.append(profile)
    context.note("K10", "created", profile_id)
    return profile


def first_holder(context: MobileContext, holders: Sequence[Subscription]) -> Subscription | None:
    """The record of a token that decides: the resource's own, active first, then the oldest (M9)."""
    own = context.caller.resource.id
    ordered = sorted(holders, key=lambda one: (one.resource_id != own, not one.active))
    return ordered[0] if ordered else None


def find_first_holder(context: MobileContext, pair: tuple[str, str]) -> Subscription | None:
    """The :func:`first_holder` of a token in the caller's database; reads no other record of the token."""
    for resource_id in (context.caller.resource.id, None):
        for statuses in _ACTIVE, INACTIVE:
            of_these = context.lookup.holders(*pair, (context.caller.db_id,), statuses, resource_id)
            found = next(iter(of_these), None)
            if found is not None:
                return found
    return None


def owner_of(context: MobileContext, held: Subscription | None) -> Profile | None:
    """The profile of a record."""
    return None if held is None else context.lookup.find_profile(held.db_id, held.profile_id)


def _owner(context: MobileContext) -> Profile | None:
    """The owner of the token in the caller's database (T1)."""
    claim, pair = context.caller.claim, context.pair
    if claim is not None and "provider" in claim.values and "subscription_id" in claim.values:
        pair = str(claim.values["provider"]), str(claim.values["subscription_id"])
    if pair is None:
        return None
    context.note("T1" if claim is None else "T2", "by_push")
    return owner_of(context, find_first_holder(context, pair))


def _searched(context: MobileContext) -> dict[str, FieldValue]:
    """The fields that the claim names, with their values in the fields' own form (T6)."""
    claim = context.caller.claim
    given: dict[str, FieldValue] = {}
    if claim is None or claim.mode in ("push_sub", "profile_id"):
        return given
    if claim.mode == "custom":
        given[str(claim.values["field_name"])] = claim.values["field_value"]
    else:
        if claim.mode != "phone" and "email" in claim.values:
            given[_EMAIL] = claim.values["email"]
        if claim.mode in ("phone", "email_phone") and "phone" in claim.values:
            given[_PHONES] = claim.values["phone"]
    return {name: context.read(name, value) for name, value in given.items()}
