"""Times as text: ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache

#: A time as :func:`iso` writes it, with or without a fraction.
UTC_PATTERN = (
    r"(19[7-9][0-9]|[2-9][0-9]{3})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?Z"
)
TIME_FORM = "must be a time from 1970 to 9998 as 2026-01-31T12:00:00Z"
_EARLIEST = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LATEST = datetime(9999, 1, 1, tzinfo=timezone.utc)
LATEST_MS = round(_LATEST.timestamp() * 1000)


def read_iso(text: str) -> int | None:
    """A time with a zone, ISO 8601, as milliseconds since 1970; ``None`` for what is no such time."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return None
    if moment.tzinfo is None or not _EARLIEST <= moment < _LATEST:
        return None
    return round(moment.timestamp() * 1000)


def iso(milliseconds: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, ``2026-01-31T12:00:00.000Z``."""
    return f"{iso_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(maxsize=64)  # formatting a date costs more than the rest of a small request
def iso_second(second: int) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, without a fraction and a zone."""
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
