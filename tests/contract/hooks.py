"""What schemathesis has to know about this server; ``schemathesis.toml`` names this module.

A schema cannot say what depends on the state: that a token must be some resource's, or that a filter must
leave a database. Such refusals are right answers to requests that are right by the schema.
"""

from __future__ import annotations

import re
from typing import Any

import schemathesis

#: Texts of refusals that depend on the state alone, in the other operations.
STATE_REFUSALS = re.compile(
    "|".join(
        (
            "No databases left after db_ids filter",  # B3
            "Resource has no databases",  # B3
            "unknown provider ",  # S6
            "the default workspace cannot be deleted",
            "exactly goes with neither",
            "at_least must not be more than at_most",
            r"request\(s\), found ",
        )
    )
)
#: Operations that change what others meet, and refuse what does not fit to what is there: they get a
#: workspace of their own.
STATEFUL_TAGS = {
    *("faults", "settings", "workspace", "imports"),
    *("databases", "resources", "profiles", "subscriptions"),
}
WORKSPACE = "X-Emulator-Workspace"
_NAME = re.compile(r"[a-z0-9_-]{0,64}")
#: Seconds that a call may wait for requests that never come.
MAX_WITHIN_S = 0.01


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Keep controls apart from what they would control, and waits short."""
    if _is_stateful(case):
        name = (case.headers or {}).get(WORKSPACE, "control")
        if _NAME.fullmatch(name):
            case.headers[WORKSPACE] = "control"
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("within"), (int, float)) and body["within"] <= 60:
        body["within"] = min(body["within"], MAX_WITHIN_S)


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Drop complaints about refusals that only the state explains."""
    kind = type(failure).__name__
    if kind == "AcceptedNegativeData":
        return bool(response.status_code != 413)  # refused, for its size
    if kind != "RejectedPositiveData":
        return True
    if "must be an integer" in response.text and _has_whole_float(case.body):
        return False  # 1.0 is an integer to JSON Schema, not to this server
    return not _is_stateful(case) and STATE_REFUSALS.search(response.text) is None


def _is_stateful(case: Any) -> bool:
    return not STATEFUL_TAGS.isdisjoint(case.operation.definition.raw.get("tags", ()))


def _has_whole_float(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_has_whole_float, value.values()))
    if isinstance(value, list):
        return any(map(_has_whole_float, value))
    return isinstance(value, float) and value.is_integer()
