"""Small ways to write values, for the templates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from emulator.web.console.presenters.details import detail
from emulator.web.console.presenters.json_text import highlight
from emulator.web.console.words import gettext, number
from push_emulator.masking import mask

_SHORT = 24


def short(text: Any, length: int = _SHORT) -> str:
    """A long text without its middle."""
    whole = str(text)
    if len(whole) <= length:
        return whole
    return f"{whole[: length * 2 // 3]}…{whole[-length // 3 :]}"


def clock_time(iso: str) -> str:
    """The time of day of an ISO time, to the millisecond."""
    return iso[11:23]


def day_time(iso: str) -> str:
    """The date and the time of an ISO time, to the second."""
    return f"{iso[:10]} {iso[11:19]}"


def milliseconds(value: float) -> str:
    """A duration."""
    return f"{value:.1f} ms" if value < 10 else f"{value:.0f} ms"


def size(value: int) -> str:
    """Bytes, as people say them."""
    for unit, bytes_each in (("MiB", 1 << 20), ("KiB", 1 << 10)):
        if value >= bytes_each:
            return f"{number(round(value / bytes_each, 1))} {unit}"
    return f"{value} B"


def field_value(value: Any) -> str:
    """A field's value, as JSON would say it where that matters."""
    return str(value).lower() if isinstance(value, bool) else str(value)


FILTERS: dict[str, Callable[..., Any]] = {
    "clock_time": clock_time,
    "day_time": day_time,
    "detail": detail,
    "highlight": highlight,
    "mask": mask,
    "ms": milliseconds,
    "number": number,
    "short": short,
    "size": size,
    "tr": gettext,
    "value": field_value,
}
