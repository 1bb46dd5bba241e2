"""Finding the profile in one database, or making it (M-rules)."""

from __future__ import annotations

from emulator.rules.context import Run
from emulator.rules.fields import InvalidFieldValue, read_value
from emulator.rules.model import Database, FieldValue, Held, Profile, PushKey, Subscription, shortened


class MatchingError(Exception):
    """This database cannot be searched as asked; its item says why, the other databases go on (M4, M5)."""


def match_profile(run: Run, database: Database) -> Profile:
    """The profile that the request means in this database: the found one or a new one (M6).

    Raises :class:`MatchingError`.
    """
    request = run.request
    if run.forced is not None and run.forced.in_matching:
        raise MatchingError(run.forced.description)
    if request.matching == "custom":  # M3
        return _by_field(run, database, request.field_name or "", request.field_value)
    if request.id:  # M2, M1
        return _by_id(run, database, request.id, "M2" if request.matching else "M1")
    return _by_push(run, database)


def _by_field(run: Run, database: Database, name: str, given: FieldValue | None) -> Profile:
    field_type = database.fields.get(name)
    if field_type is None or given is None:  # M4
        run.note("M4", database.id, "undeclared", shortened(name))
        raise MatchingError("matching error: unknown field")
    try:
        value = read_value(field_type, given)
    except InvalidFieldValue as error:  # M5
        run.note("M5", database.id, "field_takes", shortened(name), error.wanted, error.options)
        raise MatchingError("matching error: invalid field value") from error
    found = run.lookup.find_by_field(database.id, name, value)
    run.note("M3", database.id, "by_field", shortened(name), repr(_shown(value)))
    if not found:
        return _create(run, database, {name: value})  # M7
    if len(found) > 1:
        run.note("M9", database.id, "oldest")
    return found[0]  # M9


def _by_id(run: Run, database: Database, profile_id: str, rule: str) -> Profile:
    run.note(rule, database.id, "by_id")
    found = run.lookup.find_profile(database.id, profile_id)
    if found is not None:
        return found
    if run.policies.unknown_id == "keep":  # M8
        run.note("M8", database.id, "keeps_id")
        return _create(run, database, {}, profile_id)
    run.note("M8", database.id, "new_id")
    return _create(run, database, {})


def _by_push(run: Run, database: Database) -> Profile:
    run.note("M1", database.id, "by_push")
    for wanted in run.request.subscriptions:  # M11
        key = run.key(database.id, wanted)
        held = run.find_by_push(key)
        if held.hash_id is not None:
            run.note("M11", database.id, "known_push", wanted.provider, shortened(wanted.subscription_id))
            profile = run.lookup.find_profile(database.id, _winner(run, key, held).profile_id)
            if profile is not None:
                return profile
    return _create(run, database, {})


def _winner(run: Run, key: PushKey, held: Held) -> Subscription:
    if held.others > (held.active is None):
        run.note("M9", key.db_id, "active_first")
    return held.active or run.lookup.find_all(key)[0]  # M9


def _create(
    run: Run, database: Database, fields: dict[str, FieldValue], profile_id: str | None = None
) -> Profile:
    if profile_id is None:
        profile_id = run.ids.profile_id()
        while run.lookup.find_profile(database.id, profile_id) is not None:
            profile_id = run.ids.profile_id()
    profile = Profile(profile_id, database.id, fields, run.now)
    run.changes.profiles.append(profile)
    run.note("M6", database.id, "created", profile_id)
    if fields:
        run.note("M7", database.id, "searched_value")
    return profile


def _shown(value: FieldValue) -> FieldValue:
    return shortened(value) if isinstance(value, str) else value
