"""Lints: remarks on a request that is answered all the same (L-rules)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from emulator.rules.fields import json_type_differs
from emulator.rules.model import Database, Lint, PushRequest, Resource
from emulator.rules.providers import token_complaint

REQUEST_PARAMETERS = PushRequest.__struct_fields__
_OBJECT_ID = re.compile(r"[0-9A-Fa-f]{24}")


def unknown_parameter(path: str, known: Iterable[str]) -> Lint:
    """The lint for a parameter that the page does not name, with the nearest one that it does (L1)."""
    return Lint("L1", path, "unknown parameter" + did_you_mean(path.rpartition(".")[2], known))


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``, did you mean "…"?`` for the nearest known name, or nothing."""
    by_lower_case = {one.lower(): one for one in known}
    nearest = get_close_matches(name.lower(), by_lower_case, n=1)
    return f', did you mean "{by_lower_case[nearest[0]]}"?' if nearest else ""


def content_type_lint(content_type: str | None) -> Lint | None:
    """A Content-Type that is not application/json (L2)."""
    if (content_type or "").partition(";")[0].strip().lower() == "application/json":
        return None
    said = f'"{content_type}"' if content_type else "missing"
    return Lint("L2", "Content-Type", f"is {said}, should be application/json")


def request_lints(request: PushRequest, resource: Resource, databases: Sequence[Database]) -> list[Lint]:
    """What there is to remark on a request to this resource and its databases (L3–L7)."""
    lints = []
    for position, wanted in enumerate(request.subscriptions):
        complaint = token_complaint(wanted.provider, wanted.subscription_id)
        if complaint:  # L3
            path = f"subscriptions[{position}].subscription_id"
            lints.append(Lint("L3", path, f"a token of {wanted.provider} should {complaint}"))
    if request.db_ids:
        for db_id in dict.fromkeys(request.db_ids):
            if db_id not in resource.db_ids:  # L4
                lints.append(Lint("L4", "db_ids", f"database {db_id} is not one of the resource's"))
    if request.id:
        if request.matching == "custom":  # L5
            lints.append(Lint("L5", "id", 'is not used with matching "custom"'))
        elif not _OBJECT_ID.fullmatch(request.id):  # L6
            lints.append(Lint("L6", "id", "is not 24 hex digits"))
    if request.matching == "custom" and request.field_name and request.field_value is not None:
        for database in databases:
            if request.db_ids and database.id not in request.db_ids:  # B2: not looked at
                continue
            field_type = database.fields.get(request.field_name)
            if field_type and json_type_differs(field_type, request.field_value):  # L7
                text = f"is not a JSON value of the field's type {field_type.kind} in database {database.id}"
                lints.append(Lint("L7", "field_value", text))
    return lints
