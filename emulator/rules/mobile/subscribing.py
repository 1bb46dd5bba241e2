"""Subscribe, suspend and unsubscribe: one call for all three (K10–K15)."""

from __future__ import annotations

from msgspec.structs import replace

from emulator.rules.keys import subscription_hash_id
from emulator.rules.mobile.answer import Document, profile_document
from emulator.rules.mobile.context import MobileContext
from emulator.rules.mobile.finding import find_profile, make_profile
from emulator.rules.mobile.requests import Subscribe
from emulator.rules.mobile.writing import merged_categories, merged_fields, write_fields
from emulator.rules.model import Profile, PushKey, Subscription


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
        _unsubscribe_others(context, record)
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
        changed = Subscription(
            hash_id,
            key.db_id,
            profile.id,
            key.resource_id,
            key.provider,
            key.subscription_id,
            sent.status,
            context.now,
            context.now,
            fields,
            cats,
        )
        context.note("K10", "added")
        context.outcomes.append("added")
    context.changes.subscriptions.append(changed)
    return changed


def _unsubscribe_others(context: MobileContext, record: Subscription) -> None:
    for other in context.lookup.holders(record.provider, record.subscription_id, (record.db_id,)):
        if other.profile_id != record.profile_id:
            context.set_status(other, "unsubscribed", "K11")
