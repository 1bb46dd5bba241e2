"""Times as text: ISO 8601 in UTC."""

from __future__ import annotations

from datetime import datetime, timezone
from functools import lru_cache


def iso(milliseconds: int) -> str:
    """Milliseconds since 1970 as ISO 8601 in UTC, ``2026-01-31T12:00:00.000Z``."""
    return f"{iso_second(milliseconds // 1000)}.{milliseconds % 1000:03d}Z"


@lru_cache(16)
def iso_second(second: int) -> str:
    """Seconds since 1970 as ISO 8601 in UTC, without a fraction and a zone."""
    return datetime.fromtimestamp(second, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
