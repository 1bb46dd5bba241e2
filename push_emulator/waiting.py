"""Waiting without a look at the clock, which tests freeze."""

from __future__ import annotations

from collections.abc import Callable
from time import sleep


def until(condition: Callable[[], bool], seconds: float, every_s: float) -> bool:
    """Whether the condition holds within so many seconds, and the time that asking takes."""
    for _ in range(int(seconds / every_s)):
        if condition():
            return True
        sleep(every_s)
    return condition()
