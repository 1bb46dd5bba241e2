"""Keys that one object of a JSON document has more than once: readers keep the last one in silence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from emulator.schemas.strict_json import MAX_DEPTH, PARSERS, JSONProblem, path_of, read_json

#: The names and positions that lead to a value, the last one first: ``(step, those before)``.
_Steps = tuple[Any, "_Steps | None"]


def duplicate_keys(text: str, most: int) -> tuple[list[tuple[str, str]], int]:
    """The path and name of the first ``most`` duplicate keys of a JSON document, and how many there are.

    Raises :class:`~emulator.schemas.strict_json.JSONProblem` for a document nested too deeply to be read.
    """
    try:
        _search(text)
        return [], 0
    except _Found:
        found = list(_all_of(_read_members(text)))
    except RecursionError as error:
        raise JSONProblem(f"is nested deeper than {MAX_DEPTH} levels") from error
    return [(path_of(_in_order(steps)), steps[0]) for steps in found[:most]], len(found)


def read_unique_json(data: bytes) -> Any:
    """The document's value, as :func:`read_json` has it; no object may have a key twice.

    Raises :class:`~emulator.schemas.strict_json.JSONProblem`.
    """
    value = read_json(data)
    for path, _ in duplicate_keys(data.decode(), 1)[0]:
        raise JSONProblem("duplicate key", path)
    return value


class _Found(Exception):
    """An object has a key again."""


class _Members(list[Any]):
    """An object's members, as pairs."""


def _check(members: list[tuple[str, Any]]) -> None:
    if len(dict(members)) != len(members):
        raise _Found


_search = json.JSONDecoder(object_pairs_hook=_check, **PARSERS).decode
_read_members = json.JSONDecoder(object_pairs_hook=_Members, **PARSERS).decode


def _all_of(document: Any) -> Iterator[_Steps]:
    rest: list[tuple[Any, _Steps | None]] = [(document, None)]
    while rest:  # no recursion: a document may be nested deeply
        value, steps = rest.pop()
        is_object = isinstance(value, _Members)
        if is_object and len(dict(value)) != len(value):
            for name, times in Counter(name for name, _ in value).items():
                if times > 1:
                    yield name, steps
        members = value if is_object else enumerate(value)
        within = [(inner, (step, steps)) for step, inner in members if isinstance(inner, list)]
        rest += within if len(within) < 2 else within[::-1]


def _in_order(steps: _Steps | None) -> list[str | int]:
    found: list[str | int] = []
    while steps is not None:
        step, steps = steps
        found.append(step)
    return found[::-1]
