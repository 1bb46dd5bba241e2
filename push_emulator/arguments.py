"""The checks of arguments that Python would take for something else: a text is a sequence of its letters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

__tracebackhide__ = True


def listed(name: str, values: Any, of: str) -> list[Any]:
    """The values of an argument as a list. Raises :class:`TypeError` for text or one value."""
    if isinstance(values, (str, bytes, Mapping)) or not isinstance(values, Iterable):
        raise TypeError(f"{name}: must be a list of {of}, not {_told(values)}")
    return list(values)


def dictionaries(name: str, values: Any) -> list[dict[str, Any]]:
    """The values of an argument as a list of dictionaries. Raises :class:`TypeError` for anything else."""
    entries = listed(name, values, "dictionaries")
    return [dictionary(f"{name}[{number}]", one) for number, one in enumerate(entries)]


def dictionary(name: str, value: Any) -> dict[str, Any]:
    """An argument as a dictionary. Raises :class:`TypeError` for anything else."""
    if not isinstance(value, Mapping):
        raise TypeError(f"{name}: must be a dictionary, not {_told(value)}")
    return dict(value)


def path(*parts: str | int) -> str:
    """A path of these parts. Raises :class:`ValueError` for an empty one: the path would mean all of them."""
    if "" in parts:
        raise ValueError("the id or name is empty")
    return "".join(f"/{quote(str(part), safe='')}" for part in parts)


def _told(value: Any) -> str:
    kind = "the text " if isinstance(value, str) else "the dictionary " if isinstance(value, Mapping) else ""
    return f"{kind}{value!r}"
