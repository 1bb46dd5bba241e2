"""The names of criteria, and the language of searches: ``word:value``, ``-word:value``, ranges, phrases."""

import re
from math import inf, nextafter
from typing import Any, NamedTuple

from emulator.rules.errors import Invalid
from emulator.rules.lints import nearest_name, with_nearest
from emulator.rules.texts import Problem, Text
from emulator.timestamps import TIME_FORM, iso, read_iso

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
    "effect",
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


#: The words of a search; ``q`` is the search itself, ``took`` the time of the work in milliseconds.
WORDS = (*(key for key in KEYS if key != "q"), "took")

_NUMBERS = "must be a number or a range: 5xx, >=400, 400..499"
_TIMES = "must be a range of milliseconds: >100, <0.5, 10..100, >2s"
_TOKEN = re.compile(
    r'(?=\S)(?P<minus>-?)(?:(?P<key>field\.[^\s:="]+|[A-Za-z_]+)(?P<sign>[:=]))?'
    r'(?:"(?P<quoted>[^"]*)"(?=\s|$)|(?P<plain>\S*))'
)
#: Longer names before a colon are parts of tokens.
_LONGEST_WORD = max(map(len, WORDS))
_NUMBER = r"-?\d{1,18}(?:[.,]\d{1,9})?"
_COMPARED = re.compile(rf"(>=|<=|>|<)({_NUMBER})(ms|s|мс|с)?")
_BETWEEN = re.compile(rf"({_NUMBER})?\.\.({_NUMBER})?(ms|s|мс|с)?")
_HUNDRED = re.compile("([1-9])xx", re.IGNORECASE)
_INTEGER = re.compile(r"-?\d{1,18}", re.ASCII)


class BadCriteria(Invalid):
    """A search, or criteria, that no request can meet or that cannot be read."""


class Range(NamedTuple):
    """Numbers from ``low`` to ``high``, both included, and the text that means them."""

    low: float
    high: float
    text: str

    def includes(self, number: Any) -> bool:
        """Whether a value is a number of the range."""
        return type(number) in (int, float) and self.low <= number <= self.high

    def __str__(self) -> str:
        return self.text


class Query(NamedTuple):
    """A search: texts that must occur, texts that must not, criteria to meet, criteria not to meet."""

    texts: list[str]
    absent: list[str]
    asked: list[dict[str, Any]]
    excluded: list[dict[str, Any]]


def read_query(text: str) -> Query:
    """The search that a text means; upper and lower case are the same.

    Of criteria with one name the second must be met, too. Raises :class:`BadCriteria`.
    """
    query = Query([], [], [], [])
    for found in _TOKEN.finditer(text):
        name, quoted = found["key"], found["quoted"]
        value = found["plain"] if quoted is None else quoted
        key = None if name is None else _word(name, found["sign"], value)
        if key is not None:
            _add(query, key, value, quoted is None, bool(found["minus"]))
        elif name is None and found["minus"] and value and (quoted is not None or ":" not in value):
            query.absent.append(value)
        elif name is None and quoted is not None:
            query.texts.extend([quoted] if quoted.strip() else [])
        else:
            query.texts.append(found[0])
    return query


def _word(name: str, sign: str, value: str) -> str | None:
    """The search word that a name is meant as. Raises :class:`BadCriteria` for an unknown one."""
    if name.startswith("field."):
        return name
    if name.lower() in WORDS:
        return name.lower()
    nearest = nearest_name(name, WORDS)
    if len(name) > _LONGEST_WORD or value.startswith("//") or (sign == "=" and nearest is None):
        return None
    said = "no search word has this name; put a text with a colon in quotes"
    raise _bad(name, with_nearest(said, nearest))


def _add(query: Query, key: str, text: str, plain: bool, negated: bool) -> None:
    if plain and not text:
        raise _bad(key, "must have a value")
    value = _value(key, text)
    if negated:
        query.excluded.append({key: value})
        return
    into = next((one for one in query.asked if key not in one), None)
    if into is None:
        query.asked.append(into := {})
    into[key] = value


def _value(key: str, text: str) -> Any:
    kind = JSON_TYPES.get(key)
    if key == "took" or kind is int:
        if key != "took" and _INTEGER.fullmatch(text):
            return int(text)
        found = _range(text, key)
        if found is None:
            raise _bad(key, _TIMES if key == "took" else _NUMBERS)
        return found
    if kind is bool:
        if text.lower() not in ("true", "false"):
            raise _bad(key, "must be true or false")
        return text.lower() == "true"
    if key == "since":
        moment = read_iso(text)
        if moment is None:
            raise _bad(key, TIME_FORM)
        return iso(moment)
    return text


def _range(text: str, key: str) -> Range | None:
    """``>100``, ``>=100``, ``400..499``, ``5xx`` (of statuses and errors), ``>2s`` (of times)."""
    hundred = _HUNDRED.fullmatch(text)
    if hundred and key in ("status", "error"):
        first = int(hundred[1]) * 100
        return Range(first, first + 99, text)
    compared, between = _COMPARED.fullmatch(text), _BETWEEN.fullmatch(text)
    found = compared or between
    if found is None or (found[3] and key != "took"):
        return None
    unit = 1000 if found[3] in ("s", "с") else 1
    if compared:
        sign, number = compared[1], _number(compared[2]) * unit
        if sign.startswith(">"):
            return Range(number if "=" in sign else nextafter(number, inf), inf, text)
        return Range(-inf, number if "=" in sign else nextafter(number, -inf), text)
    low = -inf if found[1] is None else _number(found[1]) * unit
    high = inf if found[2] is None else _number(found[2]) * unit
    return Range(low, high, text) if low <= high and (found[1] or found[2]) else None


def _number(text: str) -> float:
    return float(text.replace(",", "."))


def _bad(key: str, text: Text) -> BadCriteria:
    return BadCriteria(Problem(key, text))
