"""How the C library gives memory to the threads of the server."""

import contextlib
import ctypes
import sys

#: glibc's number of the setting (mallopt(3): M_ARENA_MAX).
_ARENA_MAX = -8


def share_one_arena() -> None:
    """Let the threads that begin later share one arena with those that are there; glibc only.

    Glibc's arena of a thread grows by a page of 4 KiB and a system call each time, the common one by 128 KiB.
    """
    if sys.platform == "linux":
        with contextlib.suppress(AttributeError, OSError):  # another C library
            ctypes.CDLL(None).mallopt(_ARENA_MAX, 1)
