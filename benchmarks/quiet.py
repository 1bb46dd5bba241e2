"""Measurements that the host of a virtual machine does not disturb."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import sha256
from operator import attrgetter, itemgetter
from time import perf_counter, sleep
from typing import Any, TypeVar

import psutil

#: A measurement is repeated where the host took more than this share of the processors; so often.
MOST_STOLEN, TRIES = 0.02, 4
#: The seconds that a run waits for a quiet host before it repeats, all waits together; those of a look at the
#: host, and those between two looks.
PATIENCE_S, _LOOK_S, _REST_S = 600.0, 0.5, 5.0

_Found = TypeVar("_Found")


class Patience:
    """The waits for a quiet host, as long as there are seconds left."""

    def __init__(self, seconds: float) -> None:
        self.left_s = seconds

    def wait_for_quiet(self, look: Callable[[], float] = lambda: watched(_keep_busy)[1]) -> None:
        """Return when the host leaves the processors alone; ``look``: the share that it takes."""
        while self.left_s > 0 and look() > MOST_STOLEN:
            sleep(_REST_S)
            self.left_s -= _LOOK_S + _REST_S


#: That of this run.
patience = Patience(PATIENCE_S)


def quietest(turn: Callable[[], _Found], stolen: Callable[[Any], float] = attrgetter("stolen")) -> _Found:
    """The first turn during which the host took next to nothing, else the least disturbed of some.

    ``stolen``: the share of the processors that the host took meanwhile.
    """
    found = [turn()]
    while stolen(found[-1]) > MOST_STOLEN and len(found) < TRIES:
        patience.wait_for_quiet()
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


def _keep_busy() -> None:
    """Use all processors for a moment: from an idle one nothing is taken."""
    until, block, count = perf_counter() + _LOOK_S, bytes(1 << 20), psutil.cpu_count() or 1

    def work() -> None:
        while perf_counter() < until:
            sha256(block)  # other threads work meanwhile

    with ThreadPoolExecutor(count) as threads:
        for _ in range(count):
            threads.submit(work)


def _stolen_s() -> float:
    return float(getattr(psutil.cpu_times(), "steal", 0.0))
