"""Limits of one journal entry: no request may evict all others."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, takewhile

from emulator.journal.entry import Entry
from emulator.rules.model import Changes, Decided

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
    """The first changes; ``body``: the size of the request's body, which no text in them exceeds."""
    profiles, subscriptions = changes.profiles[:MOST_KEPT], changes.subscriptions[:MOST_KEPT]
    if (len(profiles) + len(subscriptions)) * body <= MOST_TEXT:
        return Changes(profiles, subscriptions)
    values = [sum(len(str(value)) for value in one.fields.values()) for one in profiles]
    tokens = [len(one.subscription_id) for one in subscriptions]
    return Changes(profiles[: _how_many(values)], subscriptions[: _how_many(tokens)])


def _how_many(lengths: list[int]) -> int:
    """The number of first texts that have at most :data:`MOST_TEXT` characters together."""
    return sum(1 for _ in takewhile(MOST_TEXT.__ge__, accumulate(lengths)))
