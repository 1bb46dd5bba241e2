"""How much of one request the journal keeps: no request may push all others out."""

from __future__ import annotations

from collections import Counter
from itertools import accumulate, takewhile

from emulator.rules.model import Changes, Decided

#: Decisions, changes and outcomes of one request; of more the rest is counted.
MOST_KEPT = 1000
#: Bytes of an answer.
MOST_ANSWER = 1 << 20
#: Characters of the tokens and field values of a request's changes.
MOST_TEXT = 1 << 18


def kept_decisions(decided: list[Decided]) -> list[Decided]:
    """The first decisions, and behind them for each rule how often it has decided since."""
    if len(decided) <= MOST_KEPT:
        return decided
    rest = Counter(one.rule for one in decided[MOST_KEPT:])
    return [*decided[:MOST_KEPT], *(Decided(rule, None, "more", (more,)) for rule, more in rest.items())]


def kept_outcomes(outcomes: list[str]) -> list[str]:
    """The first outcomes, and behind them each word that the rest has, once."""
    if len(outcomes) <= MOST_KEPT:
        return outcomes
    return [*outcomes[:MOST_KEPT], *dict.fromkeys(outcomes[MOST_KEPT:])]


def kept_changes(changes: Changes) -> Changes | None:
    """The first changes, as many as are neither too many nor too long; ``None`` for none at all.

    How many there were is said by the decisions, of which each stands for a change.
    """
    if not changes:
        return None
    profiles, subscriptions = changes.profiles[:MOST_KEPT], changes.subscriptions[:MOST_KEPT]
    lengths = [sum(len(str(value)) for value in one.fields.values()) for one in profiles]
    fitting = _fitting(lengths, MOST_TEXT)
    return Changes(
        profiles[:fitting],
        subscriptions[: _fitting([len(one.subscription_id) for one in subscriptions], MOST_TEXT)],
    )


def kept_answer(answer: bytes) -> bytes:
    """The answer, or its beginning and how many bytes followed."""
    if len(answer) <= MOST_ANSWER:
        return answer
    return answer[:MOST_ANSWER] + f"… and {len(answer) - MOST_ANSWER} more bytes".encode()


def _fitting(lengths: list[int], most: int) -> int:
    """How many of the first have at most so many characters together."""
    return sum(1 for _ in takewhile(most.__ge__, accumulate(lengths)))
