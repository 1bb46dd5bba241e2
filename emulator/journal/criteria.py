"""The criteria of journal entries: their names and types."""

from __future__ import annotations

#: Criteria that one entry of ``subscriptions`` must meet together.
SUBSCRIPTION_KEYS = ("provider", "subscription_id", "unsubscribe")
#: Criteria that one item of the answer's ``data`` must meet together.
ITEM_KEYS = ("db_id", "profile_id", "subscription_hash_id", "item_status", "description")
#: Criteria on the request's body.
BODY_KEYS = ("resource_token", "id", "matching", "field_name", "field_value", "db_ids")
#: Criteria on the entry itself.
ENTRY_KEYS = (
    "method",
    "path",
    "status",
    "error",
    "error_text",
    "resource_id",
    "resource",
    "request_id",
    "rule",
    "lint",
    "fault",
    "effect",
    "outcome",
    "since",
    "q",
)
KEYS = (*SUBSCRIPTION_KEYS, *ITEM_KEYS, *BODY_KEYS, *ENTRY_KEYS)
#: The type of each criterion's value; a value of another type never matches. ``field_value`` has any type.
JSON_TYPES: dict[str, type] = {
    **dict.fromkeys((key for key in KEYS if key != "field_value"), str),
    **dict.fromkeys(("status", "error", "resource_id", "db_id"), int),
    "unsubscribe": bool,
    "db_ids": list,
}
