"""Keys that one object of a JSON document has more than once: readers keep the last one in silence."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import orjson

from emulator.loop.gc_pause import collections_paused
from emulator.rules.lints import MOST_LINTS, duplicate_key_lints
from emulator.rules.model import Lint
from emulator.schemas.strict_json import MAX_DEPTH, PARSERS, JSONProblem, path_of, read_json

#: The most bytes of a body that is worth a search in Python, which takes a hundred times as long as another.
SHORT = 32 << 10
#: A longer body of so few quotes, brackets and commas is searched in the same way.
_FEW_PARTS = 5000
#: Looking at so few texts is quicker than reading the document.
_FEW = 10_000
_TEXTS = re.compile(rb'("[^"]*")(\s*:)?')
#: The names and positions that lead to a value, the last one first: ``(step, those before)``.
_Steps = tuple[Any, "_Steps | None"]


def lints_of_duplicates(body: bytes) -> list[Lint]:
    """Lints for keys that are duplicate somewhere in a document (L8); in one of many parts without place.

    Raises :class:`~emulator.schemas.strict_json.JSONProblem` for a document nested too deeply to be read.
    """
    if len(body) <= SHORT or sum(map(body.count, (b'"', b"[", b"{", b","))) <= _FEW_PARTS:
        return duplicate_key_lints(*duplicate_keys(body.decode(), MOST_LINTS))
    with collections_paused():  # of a million arrays the collector would walk each again and again
        return [Lint("L8", "body", "some_duplicate")] if has_duplicate_keys(body) else []


def has_duplicate_keys(body: bytes) -> bool:
    """Whether an object of a readable JSON document has a key more than once, told without its place.

    Written again, such a document has fewer quotation marks.
    """
    if b"\\" not in body and body.count(b'"') < _FEW:
        names = [text for text, colon in _TEXTS.findall(body) if colon]
        if len(names) == len(set(names)):
            return False
    try:
        return _quotes(orjson.dumps(orjson.loads(body))) < _quotes(body)
    except (orjson.JSONDecodeError, TypeError):
        return False


def _quotes(document: bytes) -> int:
    """The quotation marks around keys and texts."""
    if b"\\" in document:
        document = document.replace(rb"\\", b"").replace(rb"\"", b"")
    return document.count(b'"')


def duplicate_keys(text: str, most: int) -> tuple[list[tuple[str, str]], int]:
    """The path and name of the first ``most`` duplicate keys of a JSON document, and how many there are.

    Raises :class:`~emulator.schemas.strict_json.JSONProblem` for a document nested too deeply to be read.
    """
    try:
        found = list(_all_of(_read_members(text)))
    except RecursionError as error:
        raise JSONProblem(f"is nested deeper than {MAX_DEPTH} levels") from error
    return [(path_of(_in_order(steps)), steps[0]) for steps in found[:most]], len(found)


def read_unique_json(data: bytes) -> Any:
    """The document's value, as :func:`read_json` has it; no object may have a key twice.

    Raises :class:`~emulator.schemas.strict_json.JSONProblem`.
    """
    value = read_json(data)
    if has_duplicate_keys(data):
        for path, _ in duplicate_keys(data.decode(), 1)[0]:
            raise JSONProblem("duplicate key", path)
    return value


class _Members(list[Any]):
    """An object's members, as pairs."""


_read_members = json.JSONDecoder(object_pairs_hook=_Members, **PARSERS).decode


def _all_of(document: Any) -> Iterator[_Steps]:
    rest: list[tuple[Any, _Steps | None]] = [(document, None)] if isinstance(document, list) else []
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
