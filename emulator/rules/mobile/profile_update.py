"""New values of the caller's profile fields (K50)."""

from __future__ import annotations

from emulator.rules.errors import Invalid
from emulator.rules.mobile.answer import Document, profile_document
from emulator.rules.mobile.context import MobileContext
from emulator.rules.mobile.finding import find_profile
from emulator.rules.mobile.requests import UpdateProfile
from emulator.rules.mobile.writing import write_fields


def update_profile(context: MobileContext, request: UpdateProfile) -> Document | None:
    """Write the fields; answers the profile, ``None`` where there is none: it is not made (K50).

    Raises :class:`~emulator.rules.errors.ProcessingError` (R4, R5), and :class:`Invalid` for an
    unknown profile with the policy ``sdk_unknown_profile: error``.
    """
    if request.skip_triggers:  # K13
        context.note("K13", "no_triggers")
    if context.caller.claim is None:
        context.lint("K50", "Authorization", "names_no_profile")
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
