"""Whether a recorded history of one register could have happened one call after the other.

The search of Wing and Gong, with the memory of Lowe: an order is built call by call, and what was found to
lead nowhere is not looked at again.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from math import inf
from typing import NamedTuple


class Call(NamedTuple):
    """A call of a client; one without an answer ends never: it may happen any time later, or not at all.

    ``writes``: whether ``value`` was written, else it was read.
    """

    start: float
    end: float
    writes: bool
    value: Hashable


def is_linearizable(calls: Sequence[Call], first: Hashable) -> bool:
    """Whether some order explains every answer: none before a call that had ended when it began.

    ``first``: the register's value before all of them.
    """
    calls = sorted(one for one in calls if one.writes or one.end < inf)
    answered = sum(1 << n for n, one in enumerate(calls) if one.end < inf)
    seen: set[tuple[int, Hashable]] = set()
    #: Which calls have happened, as bits, and the register's value then.
    states = [(0, first)]
    while states:
        state = states.pop()
        if state in seen:
            continue
        seen.add(state)
        done, value = state
        if done & answered == answered:
            return True
        left = [n for n in range(len(calls)) if not done >> n & 1]
        deadline = min(calls[n].end for n in left)
        for n in left:
            one = calls[n]
            if one.start > deadline:
                break  # this one, and all later ones, began after the end of another that is not there yet
            if one.writes:
                states.append((done | 1 << n, one.value))
            elif one.value == value:
                states.append((done | 1 << n, value))
    return False
