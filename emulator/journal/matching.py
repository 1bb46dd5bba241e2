"""Which journal entries a match means, and how far from it the others are."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any

from emulator.journal.entry import showable
from emulator.journal.needles import needles_of
from emulator.journal.reading import Reading
from push_emulator.answers import Difference

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


#: Criteria of which an entry can have several.
_LISTED = {"rule": attrgetter("rules"), "lint": attrgetter("lints"), "outcome": attrgetter("outcomes")}


_Check = Callable[[Reading], list[Difference]]


class Match:
    """A set of criteria, all of which must hold.

    Values compare as JSON does; ``loose`` compares their text, for criteria that came in a query string.
    ``since`` is a time as the journal writes it, ``q`` words that must all occur somewhere in the entry,
    ``rule`` and ``lint`` ids that must be among those that decided.
    """

    def __init__(self, criteria: Mapping[str, Any], loose: bool = False) -> None:
        self.criteria = dict(criteria)
        self._loose = loose
        self._needles = needles_of(self.criteria)
        self._words = str(self.criteria.get("q", "")).casefold().split()
        costs_and_checks = list(self._make_checks())
        self._checks = [check for _, check in costs_and_checks]
        self._cheapest_first = [check for _, check in sorted(costs_and_checks, key=itemgetter(0))]

    def alone(self, key: str) -> Match:
        """One of the criteria by itself."""
        return Match({key: self.criteria[key]}, self._loose)

    def meets(self, reading: Reading) -> bool:
        """Whether an entry meets all criteria: found out as soon as one says no, the cheapest first."""
        for needle in self._needles.body:
            if needle not in reading.body and not reading.escapes:
                return False
        for needle in self._needles.answer:
            if needle not in reading.answer:
                return False
        if not reading.opened:
            for needle in self._needles.words:
                if needle not in reading.lowered:
                    return False
        for check in self._cheapest_first:
            if check(reading):
                return False
        for word in self._words:  # noqa: SIM110
            if word not in reading.folded:
                return False
        return True

    def differences(self, reading: Reading) -> list[Difference]:
        """Every criterion that an entry does not meet, with what it has instead."""
        found = [one for check in self._checks for one in check(reading)]
        found += [Difference("q", word, None) for word in self._words if word not in reading.folded]
        return [Difference(one.key, showable(one.expected), showable(one.actual)) for one in found]

    def _make_checks(self) -> Iterator[tuple[int, _Check]]:
        """What has to be looked at, in the order in which it is told, each with what it costs."""
        wanted = {key: self.criteria[key] for key in SUBSCRIPTION_KEYS if key in self.criteria}
        if wanted:
            yield 2, partial(self._check_subscriptions, wanted)
        wanted = {key: self.criteria[key] for key in ITEM_KEYS if key in self.criteria}
        if wanted:
            yield 3, partial(self._check_items, wanted)
        for key, value in self.criteria.items():
            if key in BODY_KEYS or key.startswith("field."):
                yield 2, partial(self._check_body, key, value)
            elif key in ENTRY_KEYS and key != "q":
                yield 1, partial(self._check_entry, key, value)

    def _check_subscriptions(self, wanted: dict[str, Any], reading: Reading) -> list[Difference]:
        return self._nearest(wanted, _objects(reading.document.get("subscriptions")))

    def _check_items(self, wanted: dict[str, Any], reading: Reading) -> list[Difference]:
        """Of the answer's items, without those of other subscriptions than the wanted one."""
        named = [key for key in ("provider", "subscription_id") if key in self.criteria]
        items = [
            {**item, "item_status": item.get("status")}
            for item in _objects(reading.answered.get("data"))
            if all(key not in item or self._equal(self.criteria[key], item[key]) for key in named)
        ]
        return self._nearest(wanted, items)

    def _nearest(self, wanted: dict[str, Any], candidates: list[dict[str, Any]]) -> list[Difference]:
        """The differences of the candidate that comes nearest."""
        nearest: list[Difference] | None = None
        for candidate in candidates:
            unlike = [
                Difference(key, value, candidate.get(key))
                for key, value in wanted.items()
                if not self._equal(value, candidate.get(key, False if key == "unsubscribe" else None))
            ]
            if not unlike:
                return []
            if nearest is None or len(unlike) < len(nearest):
                nearest = unlike
        if nearest is None:
            return [Difference(key, value, None) for key, value in wanted.items() if value is not None]
        return nearest

    def _check_body(self, key: str, wanted: Any, reading: Reading) -> list[Difference]:
        document = reading.document
        name, _, field = key.partition(".")
        if not field:
            actual = document.get(name)
        else:
            actual = document.get("field_value") if document.get("field_name") == field else None
        return [] if self._equal(wanted, actual) else [Difference(key, wanted, actual)]

    def _check_entry(self, key: str, wanted: Any, reading: Reading) -> list[Difference]:
        entry = reading.entry
        if key == "since":
            return [] if entry.time >= str(wanted) else [Difference(key, wanted, entry.time)]
        if key in _LISTED:
            several = _LISTED[key](reading)
            return [] if wanted in several else [Difference(key, wanted, several)]
        actual = getattr(entry, key)
        return [] if self._equal(wanted, actual) else [Difference(key, wanted, actual)]

    def _equal(self, wanted: Any, actual: Any) -> bool:
        if self._loose:
            return actual is not None and _text(wanted) == _text(actual)
        return bool(wanted == actual) and isinstance(wanted, bool) == isinstance(actual, bool)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
