"""The whole of one request: from its checked shape to the answer's items and the changes to apply."""

from __future__ import annotations

from emulator.rules.answer import (
    ALL_APPLIED,
    NOT_ALL_APPLIED,
    Item,
    matching_error_item,
    profile_items,
)
from emulator.rules.applying import Applied, Effect, apply_subscriptions
from emulator.rules.matching import MatchingError, match_profile
from emulator.rules.model import Changes, Database, Decided, ForcedError, Outcome, Policies, PushRequest
from emulator.rules.ports import Clock, IdSource, Lookup
from emulator.rules.request import check_matching, check_providers, choose_databases, find_resource
from emulator.rules.run import Run


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
    effects: list[str] = []
    for database in databases:  # B1
        items, applied = _process(run, database)
        outcome.items += items
        outcome.failed += sum(item["status"] == "error" for item in items)
        effects += [one.effect.value for one in applied] or ["refused"]
        if not any(one.effect in (Effect.ADDED, Effect.CHANGED) for one in applied):  # A2
            outcome.error = NOT_ALL_APPLIED
    if outcome.failed:  # A2
        outcome.error = NOT_ALL_APPLIED
    outcome.ok = len(outcome.items) - outcome.failed
    outcome.outcomes = effects
    if forced is not None:
        outcome.changes = Changes()
    run.note("A2" if outcome.error else "A1", None, f"error {outcome.error}")
    return outcome


def _process(run: Run, database: Database) -> tuple[list[Item], list[Applied]]:
    try:
        profile = match_profile(run, database)
    except MatchingError as error:
        return [matching_error_item(run.resource, database.id, str(error))], []
    applied = apply_subscriptions(run, profile)
    if all(one.effect is Effect.UNCHANGED for one in applied):
        run.note("S7", database.id, "nothing changed: one bare item")
    return profile_items(run.resource, profile, applied), applied
