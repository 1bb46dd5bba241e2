"""The answer's items and envelope, with their keys in order (A-rules, S7)."""

from collections.abc import Mapping, Sequence

from emulator.rules.applying import Applied, DatabaseResult
from emulator.rules.model import Profile, Resource, bounded_text

SUCCESS = "Successful operation"
#: The envelope's ``error`` when everything was applied (A1) and when something was not (A2).
ALL_APPLIED, NOT_ALL_APPLIED = 0, 200

Item = dict[str, object]


def envelope(error: int, items: Sequence[Mapping[str, object]]) -> dict[str, object]:
    """The answer to a request that was carried out (A1, A2)."""
    return {"data": items, "error": error, "error_text": SUCCESS}


def error_envelope(code: int, text: str, has_data: bool = True) -> dict[str, object]:
    """The answer to a request that was not (A3); its text is bounded."""
    if not has_data:
        return {"error": code, "error_text": bounded_text(text)}
    return {"data": [], "error": code, "error_text": bounded_text(text)}


def items_of(resource: Resource, db_id: int, result: DatabaseResult) -> list[Item]:
    """The items of one database (S1, S2, S4–S7); one alone where it could not be searched (M4, M5)."""
    profile = result.profile
    if profile is None:
        return [{"db_id": db_id, "description": result.error, "resource_id": resource.id, "status": "error"}]
    items = [_item(resource, profile, one) for one in result.applied if one.effect != "unchanged"]  # S3
    return items or [_bare_item(resource, profile)]  # S7


def _item(resource: Resource, profile: Profile, one: Applied) -> Item:
    item: Item = {
        "subscription_id": one.wanted.subscription_id,
        "unsubscribe": bool(one.wanted.unsubscribe),
        "profile_id": profile.id,  # A5
        "provider": one.wanted.provider,
        "db_id": profile.db_id,
        "resource_id": resource.id,
    }
    if one.record is not None:
        item["subscription_hash_id"] = one.record.hash_id
    item["status"] = "error" if one.effect == "refused" else "ok"
    item["description"] = one.description
    return item


def _bare_item(resource: Resource, profile: Profile) -> Item:
    return {
        "db_id": profile.db_id,
        "description": "",
        "profile_id": profile.id,
        "resource_id": resource.id,
        "status": "ok",
    }
