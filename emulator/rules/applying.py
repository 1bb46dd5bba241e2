"""One database of a request or of an imported row: find the profile, apply the subscriptions (S-rules)."""

from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from emulator.rules.context import RequestContext
from emulator.rules.keys import subscription_hash_id
from emulator.rules.matching import MatchingError, match_profile
from emulator.rules.model import Database, Profile, PushKey, Status, Subscription, SubscriptionRequest

#: The effect of one entry of ``subscriptions`` in one database.
Effect = Literal["added", "changed", "unchanged", "refused"]


class Applied(Struct):
    """The effect of one entry; ``record``: its subscription, if any; ``description``: why it was refused."""

    wanted: SubscriptionRequest
    effect: Effect
    record: Subscription | None
    description: str = ""


def _apply_one(context: RequestContext, profile: Profile, at: int, wanted: SubscriptionRequest) -> Applied:
    if context.forced is not None:
        return Applied(wanted, "refused", None, context.description(context.forced.answer))
    if at in context.not_configured:  # S6
        context.note_at(at, "S6", profile.db_id, "not_configured", wanted.provider)
        return Applied(wanted, "refused", None, context.description("S6"))
    if at in context.repeated:  # S5
        if context.policies.repeated_subscription == "unchanged":
            context.note_at(at, "S5", profile.db_id, "twice_ignored")
            return Applied(wanted, "unchanged", None)
        context.note_at(at, "S5", profile.db_id, "twice")
        return Applied(wanted, "refused", None, context.description("S5"))

    key, held = context.keys[at], context.find_by_push(at)
    holder = held.active
    own = holder if holder is not None and holder.profile_id == profile.id else None
    if own is None and held.others:
        own = context.lookup.find_own(key, profile.id)
    status: Status = "unsubscribed" if wanted.unsubscribe else context.status
    if (own is None and wanted.unsubscribe) or (own is not None and own.status == status):  # S3
        if own is None:
            context.note_at(at, "S3", profile.db_id, "not_there")
        else:
            context.note_at(at, "S3", profile.db_id, "already", own.status)
        return Applied(wanted, "unchanged", own)

    if holder is not None and status == "subscribed":  # S4
        if context.policies.duplicate_token == "error":
            context.note_at(at, "S4", profile.db_id, "active_on", holder.profile_id)
            return Applied(wanted, "refused", None, context.description("S4"))
        so_far = context.read + len(context.changes.subscriptions)
        for other in context.lookup.find_active(key, so_far) if held.others else (holder,):
            context.note_at(at, "S4", other.db_id, "moved", other.profile_id)
            context.changes.subscriptions.append(replace(other, status="unsubscribed", updated=context.now))
    if own is not None:  # S2
        context.note_at(at, "S2", profile.db_id, "changed", own.status, status)
        changed = replace(own, status=status, updated=context.now)
        context.changes.subscriptions.append(changed)
        return Applied(wanted, "changed", changed)
    context.note_at(at, "S1", profile.db_id, "added")  # S1
    added = _new_record(context, profile, key, held.hash_id)
    context.changes.subscriptions.append(added)
    return Applied(wanted, "added", added)


def _new_record(context: RequestContext, profile: Profile, key: PushKey, hash_id: str | None) -> Subscription:
    if hash_id is None:  # A5: the hash depends on the key alone
        hash_id = subscription_hash_id(key, context.lookup.hash_taken, context.made)
        context.made.add(hash_id)
    return key.record(hash_id, profile.id, context.status, context.now)


class DatabaseResult(Struct, gc=False):
    """The result of a request in one database.

    ``profile``: ``None`` if the search failed; ``error`` then says why. ``created``: the profile is new.
    ``applied``: the result of each subscription. ``effects``: what is counted, one of each subscription, or
    one refusal where the search failed.
    """

    profile: Profile | None
    created: bool
    applied: list[Applied]
    effects: list[Effect]
    error: str = ""


def apply_database(context: RequestContext, database: Database) -> DatabaseResult:
    """Find or make the profile in this database and apply the subscriptions (M-rules, S-rules).

    The changes are added to ``context.changes``; nothing else is touched.
    """
    before = len(context.changes.profiles)
    context.enter(database.id)
    try:
        profile = match_profile(context, database)
    except MatchingError as error:
        return DatabaseResult(None, False, [], ["refused"], str(error))
    applied: list[Applied] = []
    effects: list[Effect] = []
    for at, wanted in enumerate(context.request.subscriptions):
        one = _apply_one(context, profile, at, wanted)
        applied.append(one)
        effects.append(one.effect)
    return DatabaseResult(profile, len(context.changes.profiles) > before, applied, effects)
