"""Somebody logs in or out on a device: one profile of its token is active, the others are suspended (K30)."""

from __future__ import annotations

from emulator.rules.mobile.answer import Document, profile_document
from emulator.rules.mobile.context import MobileContext
from emulator.rules.mobile.finding import find_profile, first_holder
from emulator.rules.mobile.requests import Pair
from emulator.rules.model import Profile, Subscription

#: Which of a token's profiles in the database a role token means first.
_FIRST = {"suspended": 0, "subscribed": 1, "unsubscribed": 2}


def unsuspend(context: MobileContext, wanted: Pair) -> Document | None:
    """Give the profile its suspended subscription back and suspend the others', in all databases (K30)."""
    holders = context.lookup.holders(wanted.provider, wanted.subscription_id)
    if context.caller.claim is None:
        here = [one for one in holders if one.db_id == context.caller.db_id]
        chosen = min(here, key=lambda one: _FIRST[one.status], default=None)
        found = None if chosen is None else context.lookup.find_profile(chosen.db_id, chosen.profile_id)
        own = [] if chosen is None else [chosen]
    else:
        found = find_profile(context)
        own = [one for one in holders if _belongs(one, found)]
    for one in holders:
        if one.active and not _belongs(one, found):
            context.set_status(one, "suspended", "K30")
    # A role token's one becomes subscribed whatever it was, a claim's only where it was suspended.
    back = ("suspended",) if context.caller.claim is not None else ("suspended", "unsubscribed")
    records = [context.set_status(one, "subscribed", "K30") if one.status in back else one for one in own]
    context.outcomes.append("changed" if context.changes else "unchanged")
    return profile_document(context.lookup, found, first_holder(context, records))


def _belongs(one: Subscription, profile: Profile | None) -> bool:
    return profile is not None and (one.db_id, one.profile_id) == (profile.db_id, profile.id)
