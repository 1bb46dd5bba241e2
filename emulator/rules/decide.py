"""Decides one checked request: the items of its answer, and the changes to apply."""

from emulator.rules.answer import ALL_APPLIED, NOT_ALL_APPLIED, items_of
from emulator.rules.applying import apply_database
from emulator.rules.context import RequestContext
from emulator.rules.interfaces import Clock, IdSource, Lookup
from emulator.rules.matching import json_type_lints, other_case_lints
from emulator.rules.model import Changes, ForcedError, Outcome, Policies, PushRequest
from emulator.rules.overrides import NO_OVERRIDES, Overrides
from emulator.rules.request import (
    check_matching,
    check_providers,
    choose_databases,
    find_repeated,
    find_resource,
)


def decide(
    request: PushRequest,
    lookup: Lookup,
    policies: Policies,
    clock: Clock,
    ids: IdSource,
    forced: ForcedError | None = None,
    overrides: Overrides = NO_OVERRIDES,
) -> Outcome:
    """Decide one request. Changes nothing itself: the caller applies ``changes`` (A6).

    ``forced``: an error that every item gets; then there are no changes. ``overrides``: what items say
    instead.
    Raises :class:`~emulator.rules.errors.Refused` where the whole request is refused (A3).
    """
    id_lint = check_matching(request)
    resource = find_resource(request, lookup)
    context = RequestContext(request, resource, lookup, policies, clock.timestamp(), ids, forced)
    if overrides:
        context.overrides = overrides
    check_providers(context)
    find_repeated(context)
    databases = choose_databases(context)
    if id_lint is not None:
        context.lints.append(id_lint)
    outcome = Outcome(ALL_APPLIED, [], context.changes, context.decided, context.lints, resource)
    idle = False
    for database in lookup.fan_out(databases, len(request.subscriptions)):  # B1
        result = apply_database(context, database)
        effects = result.effects
        outcome.outcomes += effects
        outcome.failed += effects.count("refused")
        if "added" not in effects and "changed" not in effects:  # A2
            idle = True
            if "refused" not in effects:  # S7
                if policies.unchanged_database == "nothing":
                    context.note("S7", database.id, "no_item")
                    continue
                context.note("S7", database.id, "bare")
        outcome.items += items_of(resource, database.id, result)
    if outcome.failed or (idle and policies.unchanged_error == "200"):  # A2
        outcome.error = NOT_ALL_APPLIED
    outcome.ok = len(outcome.items) - outcome.failed
    if forced is not None:
        outcome.changes = Changes()
    if context.differing:
        context.lints += json_type_lints(context.differing)
    if context.other_case:
        context.lints += other_case_lints(context)
    context.note("A2" if outcome.failed or idle else "A1", None, "error", outcome.error)
    return outcome
