"""Who calls: a role token, or a JWT with a claim (T-rules)."""

from __future__ import annotations

from emulator.mobile.call import Call, Caller
from emulator.rules.errors import Unauthorized


def authorize(call: Call) -> Caller | None:
    """Who calls. Raises :class:`~emulator.rules.errors.Unauthorized` (T5)."""
    if not call.headers.get("authorization"):
        raise Unauthorized("Authorization: is required", "T5")
    return None
