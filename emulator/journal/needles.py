"""What must stand in an entry's bytes for a criterion to be met: it rules most entries out unopened."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

#: Criteria whose values are looked for in the answer, under these names.
_ANSWERED = {
    "db_id": "db_id",
    "profile_id": "profile_id",
    "subscription_hash_id": "subscription_hash_id",
    "item_status": "status",
    "description": "description",
}
#: Criteria whose values are looked for in the body.
_SENT = ("subscription_id", "id", "resource_token", "provider", "matching", "field_name", "field_value")
_MARKS = str.maketrans("", "", "-_.:")


class Needles(NamedTuple):
    """Bytes that must all be there. ``body`` ones may be escaped instead, ``words`` are in lower case."""

    body: list[bytes]
    answer: list[bytes]
    words: list[bytes]


def needles_of(criteria: Mapping[str, Any]) -> Needles:
    """The needles of those criteria that have one."""
    sent = [
        wanted.encode()
        for key, wanted in criteria.items()
        if (key in _SENT or key.startswith("field.")) and _is_plain(wanted)
    ]
    answered = [
        orjson.dumps({name: criteria[key]})[1:-1]
        for key, name in _ANSWERED.items()
        if criteria.get(key) is not None
    ]
    words = str(criteria.get("q", "")).casefold().split()
    return Needles(sent, answered, [word.encode() for word in words if _is_plain(word)])


def _is_plain(wanted: Any) -> bool:
    """Whether a value is a text in which JSON has nothing to escape."""
    return isinstance(wanted, str) and wanted.isascii() and wanted.translate(_MARKS).isalnum()
