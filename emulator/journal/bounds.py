"""How much of one request the journal keeps: no request may push all others out."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, takewhile

from emulator.journal.entry import Entry
from emulator.rules.model import Changes, Decided

#: Decisions, changes and outcomes of one request; of more the rest is counted.
MOST_KEPT = 1000
#: Bytes of an answer.
MOST_ANSWER = 1 << 20
#: Characters of the tokens and field values of a request's changes.
MOST_TEXT = 1 << 18


def bound(entry: Entry) -> None:
    """Cut the parts of an entry that are too long.

    Of the decisions the first stay, and for each rule how often it has decided since; of the outcomes the
    first, and each word that the others have, once. Of the changes as many stay as are neither too many nor
    too long: how many there were is said by the decisions, of which each stands for a change. Of the answer
    its beginning stays, and how many bytes followed.
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
    """The first changes of a request whose body has so many bytes: no token or value in them is longer."""
    profiles, subscriptions = changes.profiles[:MOST_KEPT], changes.subscriptions[:MOST_KEPT]
    if (len(profiles) + len(subscriptions)) * body <= MOST_TEXT:
        return Changes(profiles, subscriptions)
    values = [sum(len(str(value)) for value in one.fields.values()) for one in profiles]
    tokens = [len(one.subscription_id) for one in subscriptions]
    return Changes(profiles[: _how_many(values)], subscriptions[: _how_many(tokens)])


def _how_many(lengths: list[int]) -> int:
    """How many of the first have at most :data:`MOST_TEXT` characters together."""
    return sum(1 for _ in takewhile(MOST_TEXT.__ge__, accumulate(lengths)))
