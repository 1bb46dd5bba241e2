"""A failed verification as text: what was expected, what came nearest, what came at all."""

import json
import re
from collections.abc import Mapping, Sequence
from itertools import takewhile
from typing import Any

from emulator.journal.search import Expectation
from push_emulator.journal_answers import Difference, NearMiss

#: Requests that the text lists.
LISTED = 10
#: Characters of the longest word that is shown whole, and of what is left of a longer one on each side.
_LONGEST, _LEFT = 40, 8
_LONG_WORD = re.compile(rf'[^\s"/]{{{_LONGEST + 1},}}')


def failure_text(
    expected: str,
    count: int,
    nearest: Sequence[NearMiss],
    came: Sequence[str],
    total: int,
    url: str,
    noun: str,
) -> str:
    """``expected``: :func:`expectation_text`; ``came``: the newest of ``total``; ``url``: the workspace's;
    ``noun``: "request" or "event".

    Long words, such as tokens, are cut in the middle; two that differ are cut where they are equal.
    """
    lines = [f"expected {expected}, came {count}"]
    if not came:
        what = "nothing" if noun == "request" else "no event"
        return f"{lines[0]}\n{what} at all came to {url}: is that where the app under test sends to?"
    for miss in nearest:
        lines += ["", f"nearest: {noun} {miss.id} at {miss.time}"]
        lines += [f"  {_differing(one)}" for one in miss.differences]
        lines.append(f"  {'body' if noun == 'request' else noun}: {_cut_words(miss.request)}")
    lines += ["", f"what came, newest first ({len(came)} of {total}):"]
    return "\n".join(lines + [f"  {_cut_words(one)}" for one in came])


def expectation_text(expect: Expectation, criteria: Mapping[str, Any], within_s: float, noun: str) -> str:
    """``exactly 1 request with subscription_id="t1" within 5 s``; ``criteria``: without secrets."""
    number = "no" if expect.at_most == 0 else str(expect)
    plural = "" if number.endswith((" 1", "no")) else "s"
    told = ", ".join(f"{name}={_cut_words(_json(value))}" for name, value in criteria.items())
    return f"{number} {noun}{plural} with {told}" + (f" within {within_s:g} s" if within_s else "")


def _differing(one: Difference) -> str:
    expected, actual = one.expected, one.actual
    if isinstance(expected, str) and isinstance(actual, str):
        expected, actual = _cut_where_equal(expected, actual)
    return f"{one.key}: expected {_json(expected)}, was {_json(actual)}"


def _cut_where_equal(one: str, other: str) -> tuple[str, str]:
    if max(len(one), len(other)) <= _LONGEST:
        return one, other
    before = max(_equal(one, other) - _LEFT, 0)
    one, other = one[before:], other[before:]
    after = max(_equal(one[::-1], other[::-1]) - _LEFT, 0)
    kept = (text[: len(text) - after] for text in (one, other))
    first, second = (f"{'…' * bool(before)}{_cut_words(text)}{'…' * bool(after)}" for text in kept)
    return first, second


def _equal(one: str, other: str) -> int:
    """The number of characters that both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


def _cut_words(text: str) -> str:
    return _LONG_WORD.sub(lambda found: f"{found[0][:_LEFT]}…{found[0][-_LEFT:]}", text)


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
