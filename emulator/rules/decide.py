"""The whole of one request: from its checked shape to the answer's items and the changes to apply."""

from __future__ import annotations

from emulator.rules.answer import ALL_APPLIED, NOT_ALL_APPLIED, items_of
from emulator.rules.applying import Processed, apply_subscriptions
from emulator.rules.context import RequestContext
from emulator.rules.interfaces import Clock, IdSource, Lookup
from emulator.rules.matching import MatchingError, json_type_lints, match_profile
from emulator.rules.model import Changes, Database, ForcedError, Outcome, Policies, PushRequest
from emulator.rules.request import check_matching, check_providers, choose_databases, find_resource


def decide(
    request: PushRequest,
    lookup: Lookup,
    policies: Policies,
    clock: Clock,
    ids: IdSource,
    forced: ForcedError | None = None,
) -> Outcome:
    """What the request answers and changes. Changes nothing itself: the caller applies ``changes`` (A6).

    ``forced``: an error that every item is to have; then there are no changes.
    Raises :class:`~emulator.rules.model.RequestError` where the whole request is refused (A3).
    """
    id_lint = check_matching(request)
    resource = find_resource(request, lookup)
    context = RequestContext(request, resource, lookup, policies, clock.timestamp(), ids, forced)
    check_providers(context)
    databases = choose_databases(context)
    if id_lint is not None:
        context.lints.append(id_lint)
    outcome = Outcome(ALL_APPLIED, [], context.changes, context.decided, context.lints, resource)
    for database in databases:  # B1
        processed = process_database(context, database)
        effects = processed.effects
        outcome.items += items_of(resource, processed)
        outcome.outcomes += effects
        if "added" not in effects and "changed" not in effects:  # A2
            outcome.error = NOT_ALL_APPLIED
        if effects.count("unchanged") == len(effects):
            context.note("S7", database.id, "nothing changed: one bare item")
    outcome.failed = context.counts["refused"]
    if outcome.failed:  # A2
        outcome.error = NOT_ALL_APPLIED
    outcome.ok = len(outcome.items) - outcome.failed
    if forced is not None:
        outcome.changes = Changes()
    if context.differing:
        context.lints += json_type_lints(context.differing)
    context.note("A2" if outcome.error else "A1", None, f"error {outcome.error}")
    return outcome


def process_database(context: RequestContext, database: Database) -> Processed:
    """Match the request to a profile of one database, apply its subscriptions there, count what was done.

    The changes are added to ``context.changes``, the counts to ``context.counts``.
    """
    counts, profiles = context.counts, context.changes.profiles
    before = len(profiles)
    try:
        profile = match_profile(context, database)
    except MatchingError as error:
        counts["refused"] += 1
        return Processed(database.id, None, [], str(error))
    counts["profiles_created" if len(profiles) > before else "profiles_found"] += 1
    applied = apply_subscriptions(context, profile)
    for one in applied:
        counts[one.effect] += 1
    return Processed(database.id, profile, applied)
