"""Lints: remarks on a request that is answered all the same (L-rules)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence, Set
from difflib import get_close_matches
from itertools import islice

from emulator.rules.fields import json_type_differs
from emulator.rules.model import Database, Lint, PushRequest, Resource, shortened
from emulator.rules.providers import token_complaint

REQUEST_PARAMETERS = PushRequest.__struct_fields__
_OBJECT_ID = re.compile(r"[0-9A-Fa-f]{24}")


#: More remarks of one rule than these on one request are only counted.
MOST_LINTS = 20
#: A longer name is near to none.
_LONGEST_NAME = 64
#: More known names than these are not searched for a near one.
_MOST_NAMES = 200


def unknown_parameters(found: Sequence[tuple[str, Sequence[str]]]) -> list[Lint]:
    """Lints for the paths of parameters that the page does not name, each with the names it could be (L1)."""
    lints = [unknown_parameter(path, known) for path, known in found[:MOST_LINTS]]
    return lints + _rest("L1", "body", len(found), "unknown parameters")


def unknown_parameter(path: str, known: Iterable[str]) -> Lint:
    """The lint for a parameter that the page does not name, with the nearest one that it does (L1)."""
    where, dot, name = path.rpartition(".")
    return Lint("L1", where + dot + shortened(name), "unknown parameter" + did_you_mean(name, known))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``, did you mean "…"?`` for the nearest known name, or nothing."""
    nearest = nearest_name(name, known)
    return "" if nearest is None else f', did you mean "{nearest}"?'


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """The known name that is spelt most like this one, if any is near."""
    if len(name) > _LONGEST_NAME:
        return None
    by_lower_case = {one.lower(): one for one in islice(known, _MOST_NAMES)}
    nearest = get_close_matches(name.lower(), by_lower_case, n=1)
    return by_lower_case[nearest[0]] if nearest else None


def _first(wanted: Set[int], sequence: Iterable[int]) -> Iterable[int]:
    """The first of the wanted ones in a sequence that has all of them, as many as are shown."""
    found: dict[int, None] = {}
    for one in sequence if wanted else ():
        if one in wanted:
            found[one] = None
            if len(found) in (len(wanted), MOST_LINTS):
                break
    return found


def _rest(rule: str, path: str, count: int, what: str) -> list[Lint]:
    return [Lint(rule, path, f"and {count - MOST_LINTS} more {what}")] if count > MOST_LINTS else []


def content_type_lint(content_type: str | None) -> Lint | None:
    """A Content-Type that is not application/json (L2)."""
    if (content_type or "").partition(";")[0].strip().lower() == "application/json":
        return None
    said = f'"{shortened(content_type)}"' if content_type else "missing"
    return Lint("L2", "Content-Type", f"is {said}, should be application/json")


def request_lints(request: PushRequest, resource: Resource, databases: Sequence[Database]) -> list[Lint]:
    """What there is to remark on a request to this resource and its databases (L3–L7)."""
    wrong = [
        (position, wanted.provider, complaint)
        for position, wanted in enumerate(request.subscriptions)
        if (complaint := token_complaint(wanted.provider, wanted.subscription_id))  # L3
    ]
    lints = [
        Lint("L3", f"subscriptions[{position}].subscription_id", f"a token of {provider} should {complaint}")
        for position, provider, complaint in wrong[:MOST_LINTS]
    ]
    lints += _rest("L3", "subscriptions", len(wrong), "tokens that do not look like their provider's")
    if request.db_ids:
        foreign = set(request.db_ids).difference(resource.db_ids)
        for db_id in _first(foreign, request.db_ids):  # L4
            lints.append(Lint("L4", "db_ids", f"database {db_id} is not one of the resource's"))
        lints += _rest("L4", "db_ids", len(foreign), "that are not the resource's")
    if request.id:
        if request.matching == "custom":  # L5
            lints.append(Lint("L5", "id", 'is not used with matching "custom"'))
        elif not _OBJECT_ID.fullmatch(request.id):  # L6
            lints.append(Lint("L6", "id", "is not 24 hex digits"))
    if request.matching == "custom" and request.field_name and request.field_value is not None:
        wanted_ids = set(request.db_ids or resource.db_ids)  # B2: others are not looked at
        differing = [
            (database.id, field_type.kind)
            for database in databases
            if database.id in wanted_ids
            and (field_type := database.fields.get(request.field_name))
            and json_type_differs(field_type, request.field_value)
        ]
        for db_id, kind in differing[:MOST_LINTS]:  # L7
            text = f"is not a JSON value of the field's type {kind} in database {db_id}"
            lints.append(Lint("L7", "field_value", text))
        lints += _rest("L7", "field_value", len(differing), "databases in which it is not")
    return lints
