"""Limits of one journal entry: no request may evict all others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import accumulate, takewhile
from typing import TypeVar

from emulator.journal.entry import Entry
from emulator.rules.model import Changes, Decided, Profile, Subscription

T = TypeVar("T")
#: The most decisions, changes and outcomes of one entry; further ones are counted.
MOST_KEPT = 1000
#: The most bytes of an answer.
MOST_ANSWER = 1 << 20
#: The most characters of the tokens and field values in the changes.
MOST_TEXT = 1 << 18


def bound(entry: Entry) -> None:
    """Cut the parts of an entry that are too long.

    The first decisions stay, followed by the number of further ones by rule; the first outcomes, followed by
    each different further one; as many changes as fit both limits (the decisions say how many there were);
    the beginning of the answer, followed by the number of bytes left out.
    """
    decided, outcomes, changes, answer = entry.decided, entry.outcomes, entry.changes, entry.answer_bytes
    if len(decided) > MOST_KEPT:
        rest = Counter(one.rule for one in decided[MOST_KEPT:])
        more = [Decided(rule, None, "more", (count,)) for rule, count in rest.items()]
        entry.decided = decided[:MOST_KEPT] + more
    if len(outcomes) > MOST_KEPT:
        entry.outcomes = outcomes[:MOST_KEPT] + list(dict.fromkeys(outcomes[MOST_KEPT:]))
    if changes is not None:
        entry.changes = _fitting(changes, len(entry.body_bytes)) if changes else None
    if len(answer) > MOST_ANSWER:
        entry.answer_bytes = answer[:MOST_ANSWER] + f"… and {len(answer) - MOST_ANSWER} more bytes".encode()


def _fitting(changes: Changes, body: int) -> Changes:
    """The first changes; ``body``: the size of the request's body, which no text that it brought exceeds."""
    profiles, subscriptions = changes.profiles[:MOST_KEPT], changes.subscriptions[:MOST_KEPT]
    stored = changes.changed_profiles or changes.moved or any(one.fields for one in subscriptions)
    if not stored and (len(profiles) + len(subscriptions)) * body <= MOST_TEXT:
        return Changes(profiles, subscriptions)
    return Changes(
        _first(profiles, _length),
        _first(subscriptions, _length),
        _first(changes.changed_profiles[:MOST_KEPT], _length),
        _first(changes.moved[:MOST_KEPT], lambda one: _length(one.before) + _length(one.after)),
    )


def _length(one: Profile | Subscription) -> int:
    token = one.subscription_id if isinstance(one, Subscription) else ""
    return len(token) + sum(len(str(value)) for value in one.fields.values())


def _first(records: list[T], length: Callable[[T], int]) -> list[T]:
    """The first records that have at most :data:`MOST_TEXT` characters together."""
    fitting = takewhile(MOST_TEXT.__ge__, accumulate(map(length, records)))
    return records[: sum(1 for _ in fitting)]
