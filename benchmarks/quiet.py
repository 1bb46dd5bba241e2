"""Measurements that the host of a virtual machine does not disturb."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from operator import attrgetter, itemgetter
from time import perf_counter, sleep
from typing import Any, TypeVar

import psutil

#: A measurement is repeated where the host took more than this share of the processors; so often, after so
#: many seconds.
MOST_STOLEN, TRIES, _REST_S = 0.02, 4, 1.0

_Found = TypeVar("_Found")


def quietest(turn: Callable[[], _Found], stolen: Callable[[Any], float] = attrgetter("stolen")) -> _Found:
    """The first turn during which the host took next to nothing, else the least disturbed of some.

    ``stolen``: the share of the processors that the host took meanwhile.
    """
    found = [turn()]
    while stolen(found[-1]) > MOST_STOLEN and len(found) < TRIES:
        sleep(_REST_S)
        found.append(turn())
    return min(found, key=stolen)


def undisturbed(measure: Callable[[], _Found]) -> _Found:
    """What is measured, as :func:`quietest` chooses it."""
    return quietest(partial(watched, measure), itemgetter(1))[0]


def watched(work: Callable[[], _Found]) -> tuple[_Found, float]:
    """What the work answers, and the share of the processors that the host took meanwhile.

    The share is 0 where the system does not tell.
    """
    since, before = perf_counter(), _stolen_s()
    found = work()
    return found, (_stolen_s() - before) / (perf_counter() - since) / (psutil.cpu_count() or 1)


def _stolen_s() -> float:
    return float(getattr(psutil.cpu_times(), "steal", 0.0))
