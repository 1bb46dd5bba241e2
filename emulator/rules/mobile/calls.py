"""The SDKs' calls on a profile and its subscriptions: one function a call (K10–K50), and the answer."""

from functools import partial

from msgspec.structs import replace

from emulator.rules.errors import Invalid
from emulator.rules.interfaces import MobileLookup
from emulator.rules.keys import subscription_hash_id
from emulator.rules.mobile.context import MobileContext
from emulator.rules.mobile.finding import (
    find_first_holder,
    find_profile,
    first_holder,
    make_profile,
    owner_of,
)
from emulator.rules.mobile.requests import Pair, Subscribe, Update, UpdateProfile
from emulator.rules.mobile.writing import merged_categories, merged_fields, shown_categories, write_fields
from emulator.rules.model import INACTIVE, Lint, Moved, Profile, PushKey, Status, Subscription

Document = dict[str, object]


def profile_document(
    lookup: MobileLookup, profile: Profile | None, subscription: Subscription | None
) -> Document | None:
    """The answer's ``profile``; ``None`` where there is none (R1)."""
    if profile is None:
        return None
    return {
        "id": profile.id,
        "status": "subscribed",
        "is_test": profile.is_test,
        "subscription": None if subscription is None else _subscription(lookup, subscription),
    }


def _subscription(lookup: MobileLookup, one: Subscription) -> Document:
    cats: list[dict[str, object]] = []
    if one.cats:
        resource = next(found for found in lookup.resources() if found.id == one.resource_id)
        cats = shown_categories(resource, one.cats)
    return {
        "subscription_id": one.subscription_id,
        "hash_id": one.hash_id,
        "provider": one.provider,
        "status": one.status,
        "fields": one.fields,
        "cats": cats,
    }


def subscribe(context: MobileContext, request: Subscribe) -> Document | None:
    """Decide the call; answers the profile with its subscription (R1).

    Raises :class:`~emulator.rules.errors.ProcessingError` (R4, R5); then nothing has changed.
    """
    sent = request.subscription
    profile = find_profile(context)
    if profile is None:
        profile = make_profile(context)
        if sent.status != "subscribed":
            context.note("K15", "made_in_status", sent.status)
    profile = write_fields(context, profile, request.profile_fields)
    record = _write_subscription(context, profile, request)
    if request.replace:  # K11
        pair = record.provider, record.subscription_id
        for other in context.lookup.holders(*pair, (record.db_id,), ("subscribed", "suspended")):
            if other.profile_id != record.profile_id:
                context.set_status(other, "unsubscribed", "K11")
    if request.skip_triggers:  # K13
        context.note("K13", "no_triggers")
    return profile_document(context.lookup, profile, record)


def _write_subscription(context: MobileContext, profile: Profile, request: Subscribe) -> Subscription:
    sent, lookup = request.subscription, context.lookup
    key = PushKey(profile.db_id, context.caller.resource.id, sent.provider, sent.subscription_id)
    held = lookup.find_by_push(key)
    own = None if held.hash_id is None else lookup.find_own(key, profile.id)
    fields = merged_fields(context, {} if own is None else own.fields, sent.fields)
    cats = merged_categories(context, () if own is None else own.cats, sent.cats)
    if own is not None:
        changed = replace(own, status=sent.status, fields=fields, cats=cats)
        if changed == own:
            context.note("K10", "already", own.status)
            context.outcomes.append("unchanged")
            return own
        changed.updated = context.now
        context.note("K10", "changed", own.status, sent.status)
        context.outcomes.append("changed")
    else:
        hash_id = held.hash_id or subscription_hash_id(key, lookup.hash_taken)  # A5
        changed = key.record(hash_id, profile.id, sent.status, context.now)
        changed.fields, changed.cats = fields, cats
        context.note("K10", "added")
        context.outcomes.append("added")
    context.changes.subscriptions.append(changed)
    return changed


def update_token(context: MobileContext, request: Update) -> Document | None:
    """Move the old pair's subscriptions in the database to the new pair; answers the profile (K20)."""
    old = (request.old_provider or "", request.old_token or "")
    first = find_first_holder(context, old) if all(old) else None
    if first is None:
        context.note("K20", "unknown_token")
        context.outcomes.append("unchanged")
        return None
    profile = find_profile(context) if context.caller.claim is not None else owner_of(context, first)
    if (request.new_provider, request.new_token) == old:
        own = [] if profile is None else context.lookup.find_held(profile, *old)
        context.outcomes.append("unchanged")
    else:
        made: dict[PushKey, str] = {}
        holders = context.lookup.holders(*old, (context.caller.db_id,))
        records = [_move(context, one, request, made) for one in holders]
        own = [one for one in records if profile is not None and one.profile_id == profile.id]
    return profile_document(context.lookup, profile, first_holder(context, own))


def _move(
    context: MobileContext, one: Subscription, request: Update, made: dict[PushKey, str]
) -> Subscription:
    """The record under its new pair; ``made``: the hash ids of keys that this call makes."""
    lookup = context.lookup
    key = PushKey(one.db_id, one.resource_id, request.new_provider, request.new_token)
    held = lookup.find_by_push(key)
    present = None if held.hash_id is None else lookup.find_own(key, one.profile_id)
    if present is not None:
        left = context.set_status(one, "unsubscribed", "K20")
        context.outcomes.append("unchanged" if left is one else "changed")
        return present
    context.outcomes.append("changed")
    hash_id = held.hash_id or made.get(key)
    if hash_id is None:  # A5
        hash_id = made[key] = subscription_hash_id(key, lookup.hash_taken, made.values())
    moved = replace(
        one, hash_id=hash_id, provider=key.provider, subscription_id=key.subscription_id, updated=context.now
    )
    context.note("K20", "moved_token", one.profile_id)
    context.changes.moved.append(Moved(one, moved))
    return moved


#: The order in which a role token chooses among a token's profiles in the database.
_FIRST: tuple[Status, ...] = ("suspended", "subscribed", "unsubscribed")


def unsuspend(context: MobileContext, wanted: Pair) -> Document | None:
    """Give the profile its suspended subscription back and suspend the others', in all databases (K30)."""
    holders = partial(context.lookup.holders, wanted.provider, wanted.subscription_id)
    if context.caller.claim is None:
        here = (one for status in _FIRST for one in holders((context.caller.db_id,), (status,)))
        chosen = next(here, None)
        found = owner_of(context, chosen)
        own = [] if chosen is None else [chosen]
    else:
        found = find_profile(context)
        pair = wanted.provider, wanted.subscription_id
        own = [] if found is None else context.lookup.find_held(found, *pair)
    for one in holders(statuses=("subscribed",)):
        if not _belongs(one, found):
            context.set_status(one, "suspended", "K30")
    # A role token's one becomes subscribed whatever it was, a claim's only where it was suspended.
    back = ("suspended",) if context.caller.claim is not None else INACTIVE
    records = [context.set_status(one, "subscribed", "K30") if one.status in back else one for one in own]
    context.outcomes.append("changed" if context.changes else "unchanged")
    return profile_document(context.lookup, found, first_holder(context, records))


def _belongs(one: Subscription, profile: Profile | None) -> bool:
    return profile is not None and (one.db_id, one.profile_id) == (profile.db_id, profile.id)


def status(context: MobileContext, provider: str | None, subscription_id: str | None) -> Document | None:
    """The profile with the last subscription, the last of a provider, or exactly the named one (K40)."""
    if context.caller.claim is None and context.pair is None:
        context.lints.append(Lint("K40", "Authorization", "names_no_profile"))
        return None
    profile = find_profile(context)
    if profile is None:
        context.note("K40", "no_profile")
        return None
    if provider is None or subscription_id is None:
        context.note("K40", "last_subscription")
        return profile_document(context.lookup, profile, context.lookup.find_newest(profile, provider))
    exact = context.lookup.find_held(profile, provider, subscription_id)
    context.note("K40", "exactly_one")
    return profile_document(context.lookup, profile, first_holder(context, exact))


def update_profile(context: MobileContext, request: UpdateProfile) -> Document | None:
    """Write the fields; answers the profile, ``None`` where there is none: it is not made (K50).

    Raises :class:`~emulator.rules.errors.ProcessingError` (R4, R5), and :class:`Invalid` for an
    unknown profile with the policy ``sdk_unknown_profile: error``.
    """
    if request.skip_triggers:  # K13
        context.note("K13", "no_triggers")
    if context.caller.claim is None:
        context.lints.append(Lint("K50", "Authorization", "names_no_profile"))
        return None
    profile = find_profile(context)
    if profile is None:
        context.note("K50", "no_profile")
        if context.policies.sdk_unknown_profile == "error":
            raise Invalid("Authorization: the claim names no profile of the database", "K50")
        return None
    changed = write_fields(context, profile, request.profile_fields)
    context.outcomes.append("unchanged" if changed is profile else "changed")
    return profile_document(context.lookup, changed, None)
