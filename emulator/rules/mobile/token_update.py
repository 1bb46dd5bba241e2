"""A push service has given the app another token (K20)."""

from __future__ import annotations

from msgspec.structs import replace

from emulator.rules.keys import subscription_hash_id
from emulator.rules.mobile.answer import Document, profile_document
from emulator.rules.mobile.context import MobileContext
from emulator.rules.mobile.finding import find_profile, first_holder
from emulator.rules.mobile.requests import Update
from emulator.rules.model import Moved, Profile, PushKey, Subscription


def update_token(context: MobileContext, request: Update) -> Document | None:
    """Move the old pair's subscriptions in the database to the new pair; answers the profile (K20)."""
    old = []
    if request.old_token and request.old_provider:
        context.pair = request.old_provider, request.old_token
        old = context.lookup.holders(*context.pair, (context.caller.db_id,))
    if not old:
        context.note("K20", "unknown_token")
        context.outcomes.append("unchanged")
        return None
    profile = find_profile(context) if context.caller.claim is not None else _owner(context, old)
    if (request.new_provider, request.new_token) == context.pair:
        records = old
        context.outcomes.append("unchanged")
    else:
        made: dict[PushKey, str] = {}
        records = [_move(context, one, request, made) for one in old]
    own = [one for one in records if profile is not None and one.profile_id == profile.id]
    return profile_document(context.lookup, profile, first_holder(context, own))


def _owner(context: MobileContext, holders: list[Subscription]) -> Profile | None:
    held = first_holder(context, holders)
    return None if held is None else context.lookup.find_profile(held.db_id, held.profile_id)


def _move(
    context: MobileContext, one: Subscription, request: Update, made: dict[PushKey, str]
) -> Subscription:
    """The record under its new pair; ``made``: the hash ids of keys that this call makes."""
    lookup = context.lookup
    key = PushKey(one.db_id, one.resource_id, request.new_provider, request.new_token)
    held = lookup.find_by_push(key)
    present = None if held.hash_id is None else lookup.find_own(key, one.profile_id)
    context.outcomes.append("changed")
    if present is not None:
        context.set_status(one, "unsubscribed", "K20")
        return present
    hash_id = held.hash_id or made.get(key)
    if hash_id is None:  # A5
        taken = made.values()
        hash_id = made[key] = subscription_hash_id(key, lambda it: it in taken or lookup.hash_taken(it))
    moved = replace(
        one, hash_id=hash_id, provider=key.provider, subscription_id=key.subscription_id, updated=context.now
    )
    context.note("K20", "moved_token", one.profile_id)
    context.changes.moved.append(Moved(one, moved))
    return moved
