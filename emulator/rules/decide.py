"""The whole of one request: from its checked shape to the answer's items and the changes to apply."""

from __future__ import annotations

from emulator.rules.answer import (
    ALL_APPLIED,
    NOT_ALL_APPLIED,
    Item,
    matching_error_item,
    profile_items,
)
from emulator.rules.applying import Effect, apply_subscriptions
from emulator.rules.context import Run
from emulator.rules.interfaces import Clock, IdSource, Lookup
from emulator.rules.matching import MatchingError, match_profile
from emulator.rules.model import Changes, Database, Decided, ForcedError, Outcome, Policies, PushRequest
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
    decided: list[Decided] = []
    check_matching(request)
    resource = find_resource(request, lookup)
    check_providers(request, resource)
    databases = choose_databases(request, resource, lookup, decided)
    run = Run(request, resource, lookup, policies, clock.timestamp(), ids, decided, forced)
    outcome = Outcome(ALL_APPLIED, [], run.changes, decided, resource)
    for database in databases:  # B1
        items, effects = _process(run, database)
        outcome.items += items
        outcome.outcomes += effects
        outcome.failed += effects.count("refused")
        if "added" not in effects and "changed" not in effects:  # A2
            outcome.error = NOT_ALL_APPLIED
    if outcome.failed:  # A2
        outcome.error = NOT_ALL_APPLIED
    outcome.ok = len(outcome.items) - outcome.failed
    if forced is not None:
        outcome.changes = Changes()
    run.note("A2" if outcome.error else "A1", None, "error", outcome.error)
    return outcome


def _process(run: Run, database: Database) -> tuple[list[Item], list[Effect]]:
    try:
        profile = match_profile(run, database)
    except MatchingError as error:
        return [matching_error_item(run.resource, database.id, str(error))], ["refused"]
    applied = apply_subscriptions(run, profile)
    effects = [one.effect for one in applied]
    if effects.count("unchanged") == len(effects):
        run.note("S7", database.id, "bare")
    return profile_items(run.resource, profile, applied), effects
