"""Finds the profile in one database, or creates it (M-rules)."""

from collections.abc import Sequence

from emulator.rules.context import RequestContext
from emulator.rules.fields import InvalidFieldValue, json_type_differs, read_value
from emulator.rules.keys import new_profile_id
from emulator.rules.lints import first_lints
from emulator.rules.model import Database, FieldValue, Held, Lint, Profile, PushKey, Subscription, shortened


class MatchingError(Exception):
    """This database cannot be searched; its item says why, the other databases are processed (M4, M5, M9)."""


def match_profile(context: RequestContext, database: Database) -> Profile:
    """Find the request's profile in this database, or create it (M6).

    Raises :class:`MatchingError`.
    """
    request = context.request
    if context.forced is not None and context.forced.in_matching:
        raise MatchingError(context.description(context.forced.answer))
    if request.matching == "custom":  # M3
        return _by_field(context, database, request.field_name or "", request.field_value)
    if request.id:  # M2, M1
        return _by_id(context, database, request.id, "M2" if request.matching else "M1")
    return _by_push(context, database)


def _by_field(context: RequestContext, database: Database, name: str, given: FieldValue | None) -> Profile:
    field_type = database.fields.get(name)
    if field_type is None or given is None:  # M4
        context.note("M4", database.id, "undeclared", shortened(name))
        raise MatchingError(context.description("M4"))
    if json_type_differs(field_type, given):  # L7
        context.differing.append((database.id, field_type.kind))
    try:
        value = read_value(field_type, given)
    except InvalidFieldValue as error:  # M5
        context.note("M5", database.id, "field_takes", shortened(name), error.wanted, error.options)
        raise MatchingError(context.description("M5")) from error
    newest = context.policies.several_profiles == "newest"
    found = context.lookup.find_by_field(database.id, name, value, newest)
    shown = shortened(value) if isinstance(value, str) else value
    context.note("M3", database.id, "by_field", shortened(name), repr(shown))
    if not found:
        return _create(context, database, {name: value})  # M7
    if len(found) > 1:
        _choose_of_several(context, database.id)
    return found[0]  # M9


def _choose_of_several(context: RequestContext, db_id: int, at: int | None = None) -> None:
    """Note which of several profiles wins. Raises :class:`MatchingError` if the policy is an error."""
    choice = context.policies.several_profiles
    context.note_at(at, "M9", db_id, choice if choice != "error" else "several")
    if choice == "error":
        raise MatchingError(context.description("M9"))


def json_type_lints(differing: Sequence[tuple[int, str]]) -> list[Lint]:
    """Lints for databases whose field has another JSON type than the value, and the field's type (L7)."""
    lints = (Lint("L7", "field_value", "json_type", (kind, db_id)) for db_id, kind in differing)
    return first_lints(lints, len(differing), "field_value", "more_types")


def other_case_lints(context: RequestContext) -> list[Lint]:
    """Lints for tokens that are stored only in another case (L9)."""
    found = context.other_case
    lints = [
        Lint("L9", f"subscriptions[{at}].subscription_id", "other_case", (other.profile_id, other.db_id))
        for at, one in enumerate(context.request.subscriptions)
        if (other := found.pop((one.provider, one.subscription_id), None)) is not None
    ]
    return first_lints(lints, len(lints), "subscriptions", "more_other_case")


def _by_id(context: RequestContext, database: Database, profile_id: str, rule: str) -> Profile:
    context.note(rule, database.id, "by_id")
    found = context.lookup.find_profile(database.id, profile_id)
    if found is not None:
        return found
    if context.policies.unknown_id == "keep":  # M8
        context.note("M8", database.id, "keeps_id")
        return _create(context, database, {}, profile_id)
    context.note("M8", database.id, "new_id")
    return _create(context, database, {})


def _by_push(context: RequestContext, database: Database) -> Profile:
    context.note("M1", database.id, "by_push")
    for at, key in enumerate(context.keys):  # M11
        held = context.find_by_push(at)
        if held.hash_id is not None:
            token = shortened(key.subscription_id)
            context.note_at(at, "M11", database.id, "known_push", key.provider, token)
            profile = context.lookup.find_profile(database.id, _winner(context, at, key, held).profile_id)
            if profile is not None:
                return profile
    return _create(context, database, {})


def _winner(context: RequestContext, at: int, key: PushKey, held: Held) -> Subscription:
    if held.active is not None:
        if held.others and context.lookup.has_others(held.active):
            context.note_at(at, "M9", key.db_id, "active_first")
        return held.active
    found = context.lookup.find_all(key, context.read)
    context.read += len(found)
    if len(found) > 1:
        _choose_of_several(context, key.db_id, at)
    newest = context.policies.several_profiles == "newest"
    return found[-1 if newest else 0]  # M9


def _create(
    context: RequestContext, database: Database, fields: dict[str, FieldValue], profile_id: str | None = None
) -> Profile:
    if profile_id is None:
        profile_id = new_profile_id(context.ids.profile_id, context.lookup, database.id)
    profile = Profile(profile_id, database.id, fields, context.now)
    context.changes.profiles.append(profile)
    context.note("M6", database.id, "created", profile_id)
    if fields:
        context.note("M7", database.id, "searched_value")
    return profile
