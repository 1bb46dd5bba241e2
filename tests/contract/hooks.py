"""What schemathesis has to know about this server; ``schemathesis.toml`` names this module.

A schema cannot say what depends on the state: that a token must be some resource's, or that a filter must
leave a database. Such refusals are right answers to requests that are right by the schema; which they are is
said in :mod:`tests.contract.refusals`.
"""

from __future__ import annotations

import re
from typing import Any

import schemathesis

from tests.contract.refusals import is_beyond_schemas

#: Operations that change what others meet: they get a workspace of their own.
STATEFUL_TAGS = {
    *("faults", "settings", "workspace", "imports"),
    *("databases", "resources", "profiles", "subscriptions"),
}
WORKSPACE = "X-Emulator-Workspace"
_NAME = re.compile(r"[a-z0-9_-]{1,64}")
#: Seconds that a call may wait for requests that never come.
MAX_WITHIN_S = 0.01


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Keep controls apart from what they would control, and waits short."""
    if not STATEFUL_TAGS.isdisjoint(case.operation.definition.raw.get("tags", ())):
        name = (case.headers or {}).get(WORKSPACE, "control")
        if _NAME.fullmatch(name):
            case.headers[WORKSPACE] = "control"
    body = case.body
    if isinstance(body, dict) and isinstance(body.get("within"), (int, float)) and body["within"] <= 60:
        body["within"] = min(body["within"], MAX_WITHIN_S)


@schemathesis.hook
def filter_failure(context: Any, failure: Any, case: Any, response: Any) -> bool:
    """Drop complaints about refusals that no schema could foretell."""
    kind = type(failure).__name__
    if kind == "AcceptedNegativeData":
        return bool(response.status_code != 413)  # refused, for its size
    if kind != "RejectedPositiveData" or response.status_code not in (400, 422):
        return True
    return not is_beyond_schemas(response.json()["error_text"], case.body)
