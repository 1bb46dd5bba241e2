"""What is typed into the search box: the journal API's criteria as ``word:value``, and free text."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from emulator.journal.matching import KEYS, Match

_WORD = re.compile(r'(?:(?P<key>[A-Za-z_]+(?:\.[\w.]+)?)[:=])?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s]+))')


class Search(NamedTuple):
    """A search: its criteria by name, and the text that means it."""

    criteria: dict[str, Any]
    text: str

    @property
    def match(self) -> Match:
        return Match(self.criteria, loose=True)


def read_search(text: str) -> Search:
    """The search that a text means.

    ``provider:ios-apns outcome:refused`` are criteria; a value with spaces stands in quotes; whatever has no
    known criterion before it must occur somewhere in the request (tokens have colons, too).
    """
    criteria: dict[str, str] = {}
    free: list[str] = []
    for found in _WORD.finditer(text):
        key, value = found["key"], found["quoted"] if found["quoted"] is not None else found["plain"]
        if key is not None and (key in KEYS or key.startswith("field.")):
            criteria[key] = value
        elif key is not None and found["quoted"] is None:
            free.append(found[0])
        else:
            free.append(value)
    if free:
        criteria["q"] = " ".join(filter(None, (criteria.get("q"), *free)))
    return Search(criteria, text.strip())


def with_outcome(text: str, outcome: str | None) -> str:
    """The search text with another outcome; ``None`` takes it away."""
    rest = " ".join(re.sub(r'(?<!\S)outcome[:=]("[^"]*"|\S*)', " ", text).split())
    return f"{rest} outcome:{outcome}".strip() if outcome else rest
