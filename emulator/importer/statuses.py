"""The column with the status of each row's subscription."""

from __future__ import annotations

from emulator.rules.model import STATUSES, Status

_BY_WORD: dict[str, Status] = {"": "subscribed", **{status: status for status in STATUSES}}
#: The counts of the rows of each status with their words; only an import with a status column has them.
STATUS_COUNTS: dict[str, str] = {status: f"rows {status}" for status in STATUSES}


def read_status(cell: str) -> Status | None:
    """The status that a cell names, in any case; blank means subscribed. ``None``: it names none."""
    return _BY_WORD.get(cell) or _BY_WORD.get(cell.strip().lower())
