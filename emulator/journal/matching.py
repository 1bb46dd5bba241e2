"""Criteria for journal entries: which entries meet them, and in what the others differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import itemgetter
from typing import Any, Generic, TypeVar

import orjson

from emulator.journal.entry import Entry, Packed, Reading, outcome_word, showable
from emulator.journal.query import BODY_KEYS, ENTRY_KEYS, ITEM_KEYS, SUBSCRIPTION_KEYS, Range, read_query
from push_emulator.journal_answers import Difference

#: Criteria whose values are searched in the answer's bytes, under these names.
_ANSWERED = {
    "db_id": "db_id",
    "profile_id": "profile_id",
    "subscription_hash_id": "subscription_hash_id",
    "item_status": "status",
    "description": "description",
}
#: What the answers to the mobile SDKs' calls have in place of items.
_OF_SDK = b'"profile":'
#: Criteria whose values are searched in the body's bytes.
_SENT = ("subscription_id", "id", "resource_token", "provider", "matching", "field_name", "field_value")
#: Characters that no program escapes in JSON.
_PLAIN = re.compile(r"[\w.:-]+", re.ASCII)
#: Criteria of which an entry can have several values.
_LISTED: dict[str, Callable[[Entry], list[str]]] = {
    "rule": lambda entry: [one.rule for one in entry.decided],
    "lint": lambda entry: [one.rule for one in entry.lints],
    "outcome": lambda entry: [outcome_word(entry), *entry.outcomes],
    "effect": lambda entry: entry.effects,
}

R = TypeVar("R", bound=Packed[Any])
C = TypeVar("C", bound="Criteria[Any]")
#: What one criterion, or several together, find different in an entry.
Check = Callable[[R], list[Difference]]


class Criteria(Generic[R]):
    """A set of criteria, all of which must hold.

    Values compare as JSON does; ``loose`` compares their text, for criteria that came in a query string, and
    ``blind`` their text without case, for those of a search. ``since`` is a time as the journal writes it,
    ``q`` texts that must all occur somewhere in the entry, in any spelling. A subclass makes the checks.
    ``needed``: what the body of an entry that meets them contains, unless it escapes it.
    """

    needed = b""

    def __init__(self, criteria: Mapping[str, Any], loose: bool = False, blind: bool = False) -> None:
        self.criteria = dict(criteria)
        self._loose = loose
        self._blind = blind
        self._words = list(map(str.casefold, self._texts()))
        costs_and_checks = list(self._make_checks())
        self._checks = [check for _, check in costs_and_checks]
        self._cheapest_first = [check for _, check in sorted(costs_and_checks, key=itemgetter(0))]

    def alone(self: C, key: str) -> C:
        """One of the criteria by itself."""
        return type(self)({key: self.criteria[key]}, self._loose, self._blind)

    @property
    def parts(self) -> list[Criteria[R]]:
        """All sets of criteria in it, each of which can be asked by itself."""
        return [self]

    def is_possible(self, wanted: Any, values: Iterable[Any]) -> bool:
        """Whether one of these values, or a value of a range, is wanted."""
        return any(self._equal(wanted, value) for value in values)

    def meets(self, reading: R) -> bool:
        """Whether an entry meets all criteria; the cheapest are checked first."""
        for check in self._cheapest_first:
            if check(reading):
                return False
        return all(word in reading.folded for word in self._words)

    def differences(self, reading: R) -> list[Difference]:
        """Every criterion that an entry does not meet, with the entry's own value."""
        found = [one for check in self._checks for one in check(reading)]
        found += [Difference("q", word, None) for word in self._words if word not in reading.folded]
        return [Difference(one.key, showable(_plain(one.expected)), showable(one.actual)) for one in found]

    def _texts(self) -> Sequence[str]:
        """The texts of ``q``."""
        return str(self.criteria.get("q", "")).split()

    def _make_checks(self) -> Iterator[tuple[int, Check[R]]]:
        """The checks in the order in which their differences are shown, each with its cost."""
        raise NotImplementedError

    def _equal(self, wanted: Any, actual: Any) -> bool:
        if isinstance(wanted, Range):
            return wanted.includes(actual)
        if self._blind:
            text = _text(wanted).casefold()
            several = actual if isinstance(actual, list) else [actual]
            return any(one is not None and _text(one).casefold() == text for one in several)
        if self._loose:
            return actual is not None and _text(wanted) == _text(actual)
        return bool(wanted == actual) and isinstance(wanted, bool) == isinstance(actual, bool)


class RequestCriteria(Criteria[Reading]):
    """Criteria for requests; ``rule`` and ``lint`` are ids that must be among those that decided.

    ``q`` is a search (:mod:`emulator.journal.query`). Raises
    :class:`~emulator.journal.query.BadCriteria` for one that cannot be read.
    """

    def __init__(self, criteria: Mapping[str, Any], loose: bool = False, blind: bool = False) -> None:
        self._query = read_query(str(criteria.get("q", "")))
        super().__init__(criteria, loose, blind)
        self._absent = list(map(str.casefold, self._query.absent))
        self._asked = [RequestCriteria(one, blind=True) for one in self._query.asked]
        self._excluded = [RequestCriteria(one, blind=True) for one in self._query.excluded]
        # Most entries are ruled out by a look at their bytes.
        self._in_body = [] if blind else list(filter(None, map(_sent_text, criteria, criteria.values())))
        self.needed = max(self._in_body, key=len, default=b"")
        self._in_answer = [
            orjson.dumps({name: criteria[key]})[1:-1]
            for key, name in _ANSWERED.items()
            if (type(criteria.get(key)) is int if blind else criteria.get(key) is not None)
        ]

    @property
    def parts(self) -> list[Criteria[Reading]]:
        return [self, *self._asked, *self._excluded]

    def meets(self, reading: Reading) -> bool:
        """Whether a request meets all criteria; the cheapest are checked first."""
        for text in self._in_body:
            if text not in reading.body and not reading.escapes:
                return False
        for text in self._in_answer:
            if text not in reading.answer and _OF_SDK not in reading.answer:
                return False
        if not super().meets(reading) or not all(one.meets(reading) for one in self._asked):
            return False
        return not any(word in reading.folded for word in self._absent) and not any(
            one.meets(reading) for one in self._excluded
        )

    def differences(self, reading: Reading) -> list[Difference]:
        """Every criterion that a request does not meet, with the request's own value."""
        found = super().differences(reading)
        found += [Difference("q", "-" + word, word) for word in self._absent if word in reading.folded]
        found += [one for match in self._asked for one in match.differences(reading)]
        for match in self._excluded:
            if match.meets(reading):
                [(key, value)] = match.criteria.items()
                found.append(Difference(key, f"not {_plain(value)}", _plain(value)))
        return found

    def _texts(self) -> Sequence[str]:
        return self._query.texts

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
            elif key == "took" or (key in ENTRY_KEYS and key != "q"):
                yield 1, partial(self._check_entry, key, value)

    def _check_subscriptions(self, wanted: dict[str, Any], reading: Reading) -> list[Difference]:
        return self._nearest(wanted, list(filter(None, reading.entry.sent())))

    def _check_items(self, wanted: dict[str, Any], reading: Reading) -> list[Difference]:
        """Compare the answer's items, except those of other subscriptions."""
        named = [key for key in ("provider", "subscription_id") if key in self.criteria]
        items = [
            item
            for item in reading.entry.items()
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
            if any(self._equal(wanted, one) for one in several):
                return []
            return [Difference(key, wanted, list(dict.fromkeys(several)))]
        actual = getattr(entry, "duration_ms" if key == "took" else key)
        return [] if self._equal(wanted, actual) else [Difference(key, wanted, actual)]


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _sent_text(key: str, wanted: Any) -> bytes:
    """What a body that meets this criterion must contain, unless it escapes it."""
    is_sent = key in _SENT or key.startswith("field.")
    return wanted.encode() if is_sent and isinstance(wanted, str) and _PLAIN.fullmatch(wanted) else b""


def _plain(value: Any) -> Any:
    return value.text if isinstance(value, Range) else value
