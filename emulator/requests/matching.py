"""Which journal entries a match means, and how far from it the others are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from emulator.requests.entry import Entry, outcome_word, showable
from emulator.requests.journal import RequestJournal

#: Criteria that one entry of ``subscriptions`` must meet together.
SUBSCRIPTION_KEYS = ("provider", "subscription_id", "unsubscribe")
#: Criteria that one item of the answer's ``data`` must meet together.
ITEM_KEYS = ("db_id", "profile_id", "subscription_hash_id", "item_status", "description")
#: Criteria on the request's body.
BODY_KEYS = ("resource_token", "id", "matching", "field_name", "field_value", "db_ids")
#: Criteria on the entry itself.
ENTRY_KEYS = (
    "method",
    "path",
    "status",
    "error",
    "error_text",
    "resource_id",
    "resource",
    "request_id",
    "rule",
    "lint",
    "fault",
    "outcome",
    "since",
    "q",
)
KEYS = (*SUBSCRIPTION_KEYS, *ITEM_KEYS, *BODY_KEYS, *ENTRY_KEYS)
#: The type of each criterion's value; with any other it could never be met. A field's value can be of any.
JSON_TYPES: dict[str, type] = {
    **dict.fromkeys((key for key in KEYS if key != "field_value"), str),
    **dict.fromkeys(("status", "error", "resource_id", "db_id"), int),
    "unsubscribe": bool,
    "db_ids": list,
}


@dataclass(frozen=True)
class Difference:
    """One criterion that an entry does not meet."""

    key: str
    expected: Any
    actual: Any


class Match:
    """A set of criteria, all of which must hold.

    Values compare as JSON does; ``loose`` compares their text, for criteria that came in a query string.
    ``since`` is a time as :func:`emulator.clock.iso` writes it, ``q`` words that must all occur somewhere in
    the entry, ``rule`` and ``lint`` ids that must be among those that decided.
    """

    def __init__(self, criteria: Mapping[str, Any], loose: bool = False) -> None:
        self.criteria = dict(criteria)
        self._loose = loose
        self._fields = {k: v for k, v in self.criteria.items() if k.startswith("field.")}

    def entries(self, journal: RequestJournal, before: int | None = None) -> Iterator[Entry]:
        """The entries that match, newest first."""
        for entry in journal.newest_first(before, self._needle()):
            if not self.differences(entry):
                yield entry

    def count(self, journal: RequestJournal) -> int:
        """How many entries match."""
        return sum(1 for _ in self.entries(journal))

    def differences(self, entry: Entry) -> list[Difference]:
        """Every criterion that the entry does not meet, with what it has instead."""
        found: list[Difference] = []
        document = entry.document()
        found += self._nearest(_objects(document.get("subscriptions")), SUBSCRIPTION_KEYS)
        found += self._nearest(self._items(entry), ITEM_KEYS)
        for key, wanted in self.criteria.items():
            if key in BODY_KEYS and not self._equal(wanted, document.get(key)):
                found.append(Difference(key, wanted, document.get(key)))
            elif key in ENTRY_KEYS:
                found += self._entry_difference(key, wanted, entry)
            elif key in self._fields:
                searched = document.get("field_name") == key.partition(".")[2]
                actual = document.get("field_value") if searched else None
                if not self._equal(wanted, actual):
                    found.append(Difference(key, wanted, actual))
        return [Difference(one.key, showable(one.expected), showable(one.actual)) for one in found]

    def nearest_misses(self, journal: RequestJournal, limit: int = 3) -> list[tuple[Entry, list[Difference]]]:
        """The entries with the fewest differences, the newest first among equals."""
        misses = [(entry, self.differences(entry)) for entry in journal.newest_first()]
        misses = [miss for miss in misses if miss[1]]
        return sorted(misses, key=lambda miss: len(miss[1]))[:limit]

    def _items(self, entry: Entry) -> list[dict[str, Any]]:
        """The answer's items, without those of other subscriptions than the wanted one."""
        named = [key for key in ("provider", "subscription_id") if key in self.criteria]
        return [
            {**item, "item_status": item.get("status")}
            for item in _objects(entry.answered().get("data"))
            if all(key not in item or self._equal(self.criteria[key], item[key]) for key in named)
        ]

    def _nearest(self, candidates: list[dict[str, Any]], keys: Iterable[str]) -> list[Difference]:
        """The differences of the candidate that comes nearest."""
        wanted = {key: self.criteria[key] for key in keys if key in self.criteria}
        if not wanted:
            return []
        nearest: list[Difference] | None = None
        for candidate in candidates:
            unlike = [
                Difference(key, value, candidate.get(key))
                for key, value in wanted.items()
                if not self._equal(value, candidate.get(key, False if key == "unsubscribe" else None))
            ]
            if nearest is None or len(unlike) < len(nearest):
                nearest = unlike
        if nearest is None:
            return [Difference(key, value, None) for key, value in wanted.items() if value is not None]
        return nearest

    def _entry_difference(self, key: str, wanted: Any, entry: Entry) -> list[Difference]:
        if key == "q":
            text = f"{entry.body} {entry.answer} {entry.path} {entry.resource} {entry.headers}".casefold()
            missing = [word for word in str(wanted).casefold().split() if word not in text]
            return [Difference(key, word, None) for word in missing]
        if key == "since":
            return [] if entry.time >= str(wanted) else [Difference(key, wanted, entry.time)]
        actual: Any
        if key == "rule":
            actual = list(dict.fromkeys(decided.rule for decided in entry.decided))
        elif key == "lint":
            actual = list(dict.fromkeys(lint.rule for lint in entry.lints))
        elif key == "outcome":
            actual = list(dict.fromkeys([outcome_word(entry), *entry.outcomes]))
        else:
            actual = getattr(entry, key)
            return [] if self._equal(wanted, actual) else [Difference(key, wanted, actual)]
        return [] if wanted in actual else [Difference(key, wanted, actual)]

    def _equal(self, wanted: Any, actual: Any) -> bool:
        if self._loose:
            return _text(wanted) == _text(actual)
        return bool(wanted == actual) and isinstance(wanted, bool) == isinstance(actual, bool)

    def _needle(self) -> bytes | None:
        for key in ("subscription_id", "id", "request_id", "profile_id"):
            wanted = self.criteria.get(key)
            if isinstance(wanted, str) and len(wanted) >= 4 and wanted.isascii() and wanted.isalnum():
                return wanted.encode()
        return None


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
