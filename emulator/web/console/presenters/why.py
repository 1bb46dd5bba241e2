"""What a request changed, and what to do about its lints."""

from __future__ import annotations

from emulator.journal.entry import Entry
from emulator.rules.model import Subscription

#: What to do about each lint.
FIXES = {
    "L1": "Remove the parameter, or use its documented name.",
    "L2": "Send the header Content-Type: application/json.",
    "L3": "Check which SDK issued the token: the platform cannot deliver to a token of another provider.",
    "L4": "List only databases of this resource in db_ids, or omit db_ids.",
    "L5": "Omit id: matching custom uses only field_name and field_value.",
    "L6": "Send the profile id that the platform issued, or match by a custom field.",
    "L7": "Send the value as the JSON type of the field.",
}


def changed_subscriptions(entry: Entry) -> list[tuple[str | None, Subscription]]:
    """Each subscription that changed, in order, behind its status before (``None``: it is new).

    The journal keeps what each became; what it was stands in the note of the rule that changed it: each note
    of S1 (added), S2 (changed) and S4 (moved) in a database stands for one change, in the same order.
    """
    if entry.changes is None:
        return []
    before = [
        None if one.code == "added" else "subscribed" if one.code == "moved" else str(one.parameters[0])
        for one in entry.decided
        if one.db_id is not None and one.code in ("added", "changed", "moved")
    ]
    return list(zip(before, entry.changes.subscriptions, strict=False))
