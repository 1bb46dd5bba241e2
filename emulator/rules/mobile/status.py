"""The status of a profile's subscription (K40)."""

from __future__ import annotations

from emulator.rules.mobile.answer import Document, profile_document
from emulator.rules.mobile.context import MobileContext
from emulator.rules.mobile.finding import find_profile, first_holder


def status(context: MobileContext, provider: str | None, subscription_id: str | None) -> Document | None:
    """The profile with the last subscription, the last of a provider, or exactly the named one (K40)."""
    if context.caller.claim is None and context.pair is None:
        context.lint("K40", "Authorization", "names_no_profile")
        return None
    profile = find_profile(context)
    if profile is None:
        context.note("K40", "no_profile")
        return None
    own = context.lookup.subscriptions_of(profile)
    if provider is not None:
        own = [one for one in own if one.provider == provider]
    if subscription_id is None:
        context.note("K40", "last_subscription")
        return profile_document(context.lookup, profile, own[-1] if own else None)
    exact = [one for one in own if one.subscription_id == subscription_id]
    context.note("K40", "exactly_one")
    return profile_document(context.lookup, profile, first_holder(context, exact))
