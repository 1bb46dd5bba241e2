"""Criteria for journal entries: which entries meet them, and in what the others differ."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from operator import itemgetter
from typing import Any, Generic, NamedTuple, TypeVar

import orjson

from emulator.journal.entry import Entry, Packed, Reading, outcome_word, showable
from emulator.journal.spelling import Word, is_plain
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
#: The type of each criterion's value; a value of another type never matches. ``field_value`` has any type.
JSON_TYPES: dict[str, type] = {
    **dict.fromkeys((key for key in KEYS if key != "field_value"), str),
    **dict.fromkeys(("status", "error", "resource_id", "db_id"), int),
    "unsubscribe": bool,
    "db_ids": list,
}


#: Criteria whose values are searched in the answer's bytes, under these names.
_ANSWERED = {
    "db_id": "db_id",
    "profile_id": "profile_id",
    "subscription_hash_id": "subscription_hash_id",
    "item_status": "status",
    "description": "description",
}
#: Criteria whose values are searched in the body's bytes.
_SENT = ("subscription_id", "id", "resource_token", "provider", "matching", "field_name", "field_value")
#: Criteria of which an entry can have several values.
_LISTED: dict[str, Callable[[Entry], list[str]]] = {
    "rule": lambda entry: [one.rule for one in entry.decided],
    "lint": lambda entry: [one.rule for one in entry.lints],
    "outcome": lambda entry: [outcome_word(entry), *entry.outcomes],
}

R = TypeVar("R", bound=Packed[Any])
C = TypeVar("C", bound="Criteria[Any]")
#: What one criterion, or several together, find different in an entry.
Check = Callable[[R], list[Difference]]


class Criteria(Generic[R]):
    """A set of criteria, all of which must hold.

    Values compare as JSON does; ``loose`` compares their text, for criteria that came in a query string.
    ``since`` is a time as the journal writes it, ``q`` words that must all occur somewhere in the entry,
    in any spelling. A subclass makes the checks.
    """

    def __init__(self, criteria: Mapping[str, Any], loose: bool = False) -> None:
        self.criteria = dict(criteria)
        self._loose = loose
        self._words = [Word(one) for one in str(self.criteria.get("q", "")).split()]
        costs_and_checks = list(self._make_checks())
        self._checks = [check for _, check in costs_and_checks]
        self._cheapest_first = [check for _, check in sorted(costs_and_checks, key=itemgetter(0))]

    def alone(self: C, key: str) -> C:
        """One of the criteria by itself."""
        return type(self)({key: self.criteria[key]}, self._loose)

    def meets(self, reading: R) -> bool:
        """Whether an entry meets all criteria; the cheapest are checked first."""
        if self._words and not reading.opened:
            lowered = reading.packed.lower()
            for word in self._words:
                if not word.possible(lowered):
                    return False
        for check in self._cheapest_first:
            if check(reading):
                return False
        for word in self._words:  # noqa: SIM110
            if word.text not in reading.folded:
                return False
        return True

    def differences(self, reading: R) -> list[Difference]:
        """Every criterion that an entry does not meet, with the entry's own value."""
        found = [one for check in self._checks for one in check(reading)]
        found += [Difference("q", word.text, None) for word in self._words if word.text not in reading.folded]
        return [Difference(one.key, showable(one.expected), showable(one.actual)) for one in found]

    def _make_checks(self) -> Iterator[tuple[int, Check[R]]]:
        """The checks in the order in which their differences are shown, each with its cost."""
        raise NotImplementedError

    def _equal(self, wanted: Any, actual: Any) -> bool:
        if self._loose:
            return actual is not None and _text(wanted) == _text(actual)
        return bool(wanted == actual) and isinstance(wanted, bool) == isinstance(actual, bool)


class Match(Criteria[Reading]):
    """Criteria for requests; ``rule`` and ``lint`` are ids that must be among those that decided."""

    def __init__(self, criteria: Mapping[str, Any], loose: bool = False) -> None:
        super().__init__(criteria, loose)
        self._needles = _needles_of(self.criteria)

    def meets(self, reading: Reading) -> bool:
        """Whether a request meets all criteria; the cheapest are checked first."""
        for needle in self._needles.body:
            if needle not in reading.body and not reading.escapes:
                return False
        for needle in self._needles.answer:
            if needle not in reading.answer:
                return False
        return super().meets(reading)

    def _make_checks(self) -> Iterator[tuple[int, Check[Reading]]]:
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
        return self._nearest(wanted, _sent(reading.document))

    def _check_items(self, wanted: dict[str, Any], reading: Reading) -> list[Difference]:
        """Compare the answer's items, except those of other subscriptions."""
        named = [key for key in ("provider", "subscription_id") if key in self.criteria]
        items = [
            {**item, "item_status": item.get("status")}
            for item in _objects(reading.answered.get("data"))
            if all(key not in item or self._equal(self.criteria[key], item[key]) for key in named)
        ]
        return self._nearest(wanted, items)

    def _nearest(self, wanted: dict[str, Any], candidates: list[dict[str, Any]]) -> list[Difference]:
        """The differences of the candidate with the fewest."""
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
            several = _LISTED[key](entry)
            return [] if wanted in several else [Difference(key, wanted, list(dict.fromkeys(several)))]
        actual = getattr(entry, key)
        return [] if self._equal(wanted, actual) else [Difference(key, wanted, actual)]


def _sent(document: dict[str, Any]) -> list[dict[str, Any]]:
    """The subscriptions of a body: the endpoint's, or the one of a mobile SDK's call."""
    one = document.get("subscription")
    if isinstance(one, dict):
        return [{**one, "unsubscribe": one.get("status") == "unsubscribed"}]
    return _objects(document.get("subscriptions"))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


class _Needles(NamedTuple):
    """Bytes that an entry must contain to match: most entries are ruled out without decoding.

    ``body`` ones may be escaped instead.
    """

    body: list[bytes]
    answer: list[bytes]


def _needles_of(criteria: Mapping[str, Any]) -> _Needles:
    sent = [
        wanted.encode()
        for key, wanted in criteria.items()
        if (key in _SENT or key.startswith("field.")) and isinstance(wanted, str) and is_plain(wanted)
    ]
    answered = [
        orjson.dumps({name: criteria[key]})[1:-1]
        for key, name in _ANSWERED.items()
        if criteria.get(key) is not None
    ]
    return _Needles(sent, answered)
