"""How many files are open: few of the states at a time, and as many in all as the system allows.

The system counts open files by process, so this is the one place of the process.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from typing import Protocol

if sys.platform != "win32":
    import resource

#: States that hold a file open at a time; another one that is written to makes an earlier one let go.
MOST_OPEN = 64
#: Where the system says "any number", macOS takes no more than this.
_MOST_ALLOWED = 10240


class HoldsFile(Protocol):
    """Whatever can let go of its open file and open it again."""

    def rest(self) -> None:
        """Let go of the file, unless it is in use just now."""


_open: dict[HoldsFile, None] = {}  # the one that was opened first comes first
_lock = threading.Lock()


def opened(one: HoldsFile) -> None:
    """Note that it holds a file open; others rest where there are too many."""
    with _lock:
        _open[one] = None
        over = list(_open)[:-MOST_OPEN]
    for other in over:
        other.rest()


def closed(one: HoldsFile) -> None:
    """Note that it holds none any more."""
    with _lock:
        _open.pop(one, None)


def raise_limit() -> None:
    """Let this process open as many files as the system lets it."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_ALLOWED if sys.platform == "darwin" and hard == resource.RLIM_INFINITY else hard
    if soft != wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
