"""The whole of one request: from its checked shape to the answer's items and the changes to apply."""

from __future__ import annotations

from emulator.rules.answer import (
    ALL_APPLIED,
    NOT_ALL_APPLIED,
    matching_error_item,
    profile_items,
)
from emulator.rules.context import Run
from emulator.rules.database import apply_database
from emulator.rules.interfaces import Clock, IdSource, Lookup
from emulator.rules.model import Changes, Decided, ForcedError, Outcome, Policies, PushRequest
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
        done = apply_database(run, database)
        effects = done.effects
        if done.profile is None:
            outcome.items.append(matching_error_item(resource, database.id, done.error))
        else:
            if effects.count("unchanged") == len(effects):
                run.note("S7", database.id, "nothing changed: one bare item")
            outcome.items += profile_items(resource, done.profile, done.applied)
        outcome.outcomes += effects
        outcome.failed += effects.count("refused")
        if "added" not in effects and "changed" not in effects:  # A2
            outcome.error = NOT_ALL_APPLIED
    if outcome.failed:  # A2
        outcome.error = NOT_ALL_APPLIED
    outcome.ok = len(outcome.items) - outcome.failed
    if forced is not None:
        outcome.changes = Changes()
    run.note("A2" if outcome.error else "A1", None, f"error {outcome.error}")
    return outcome
