"""The limit of open files: few states at the same time, and as many files as the system allows.

The system counts open files by process, so this is the one place of the process.
"""

import contextlib
import sys
import threading
from collections.abc import Callable

if sys.platform != "win32":
    import resource

#: The most states with an open file; a write to another state closes the file of an earlier one.
MOST_OPEN = 64
#: The most that macOS accepts where the system says "any number".
_MOST_ALLOWED = 10240


#: What closes each open file, unless it is in use; the first one opened comes first.
_open: dict[Callable[[], None], None] = {}
_lock = threading.Lock()


def opened(rest: Callable[[], None]) -> None:
    """Record an open file, which ``rest`` closes; closes others if there are too many."""
    with _lock:
        _open[rest] = None
        over = list(_open)[:-MOST_OPEN]
    for rest_other in over:
        rest_other()


def closed(rest: Callable[[], None]) -> None:
    """Record that its file is closed."""
    with _lock:
        _open.pop(rest, None)


def raise_limit() -> None:
    """Raise the limit of this process to the most files that the system allows."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _MOST_ALLOWED if sys.platform == "darwin" and hard == resource.RLIM_INFINITY else hard
    if soft != wanted:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
