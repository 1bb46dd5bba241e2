"""Waiting for another process or thread: the only place where the tests sleep."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
#: Seconds that any single step may take before the test is given up.
PATIENCE_S = 30.0


def until(
    condition: Callable[[], T],
    seconds: float = PATIENCE_S,
    *,
    every_s: float = 0.01,
    otherwise: Callable[[], object] = lambda: "it does not come about",
) -> T:
    """The first true answer of ``condition``, which is asked again every ``every_s`` seconds.

    Raises AssertionError with what ``otherwise`` says when ``seconds`` have passed.
    """
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        assert time.monotonic() < deadline, otherwise()
        time.sleep(every_s)
    return answer


def give_way() -> None:
    """Let any other thread run that can."""
    time.sleep(0)
