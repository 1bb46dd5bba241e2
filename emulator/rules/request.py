"""Request-level rules: what is refused before any database is looked at (A3)."""

from __future__ import annotations

from emulator.rules.interfaces import Lookup
from emulator.rules.model import Database, Decided, PushRequest, RequestError, Resource, shortened
from emulator.rules.providers import known

MAX_ID_LENGTH = 64


def check_matching(request: PushRequest) -> None:
    """Refuse a matching that cannot be carried out (M2, M3, M8, M10). Raises :class:`RequestError`."""
    if not request.matching:  # M1, Q1: null and "" are "not given"
        _check_id(request)
    elif request.matching == "profile_id":
        if not request.id:  # M2
            raise RequestError(400, 'id: is required with matching "profile_id"', "M2")
        _check_id(request)
    elif request.matching == "custom":
        if not request.field_name:  # M3
            raise RequestError(400, 'field_name: is required with matching "custom"', "M3")
        if request.field_value is None:  # M3
            raise RequestError(400, 'field_value: is required with matching "custom"', "M3")
    else:  # M10
        raise RequestError(
            400, f'matching: must be "custom" or "profile_id", not "{shortened(request.matching)}"', "M10"
        )


def _check_id(request: PushRequest) -> None:
    if request.id and not is_profile_id(request.id):  # M8
        raise RequestError(400, f"id: must be at most {MAX_ID_LENGTH} printable characters", "M8")


def is_profile_id(text: str) -> bool:
    """Whether a profile may have this id (M8)."""
    return 0 < len(text) <= MAX_ID_LENGTH and text.isprintable()


def find_resource(request: PushRequest, lookup: Lookup) -> Resource:
    """The request's resource (B4). Raises :class:`RequestError`."""
    resource = lookup.find_resource(request.resource_token)
    if resource is None:  # B4
        raise RequestError(404, "Resource not found", "B4")
    return resource


def check_providers(request: PushRequest, resource: Resource) -> None:
    """Refuse a provider that nobody knows (S6). Raises :class:`RequestError`."""
    for position, wanted in enumerate(request.subscriptions):
        if not known(wanted.provider, resource):  # S6
            where = f"subscriptions[{position}].provider"
            raise RequestError(400, f'{where}: unknown provider "{shortened(wanted.provider)}"', "S6")


def choose_databases(
    request: PushRequest, resource: Resource, lookup: Lookup, decided: list[Decided]
) -> list[Database]:
    """The databases to process, in the resource's order (B1, B2). Raises :class:`RequestError` (B3)."""
    if not resource.db_ids:  # B3
        raise RequestError(400, "Resource has no databases", "B3")
    wanted = resource.db_ids
    if request.db_ids:  # B2; Q1: null and [] are "not given"
        asked = set(request.db_ids)
        wanted = [db_id for db_id in resource.db_ids if db_id in asked]
        decided.append(Decided("B2", None, "filtered", (len(wanted), len(resource.db_ids))))
        if not wanted:  # B3
            raise RequestError(400, "No databases left after db_ids filter", "B3")
    if len(wanted) > 1:
        decided.append(Decided("B1", None, "databases", (len(wanted),)))
    return [lookup.database(db_id) for db_id in wanted]
