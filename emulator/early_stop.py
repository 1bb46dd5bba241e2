"""SIGTERM and Ctrl-C before the server is ready: they end the process, in a container, too.

Process 1 of a container has no default action for a signal: without a handler the signal is lost. This module
imports only what loads fast.
"""

from __future__ import annotations

import os
import signal
from types import FrameType


def end_process(number: int, frame: FrameType | None) -> None:
    """Handle a signal: end at once, with the status that a shell gives."""
    os._exit(128 + number)


def end_on_signals() -> None:
    """Make SIGTERM and Ctrl-C end the process until other handlers are set."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as for a job in the background
            signal.signal(number, end_process)


def interrupt_on_ctrl_c() -> None:
    """Make Ctrl-C raise :class:`KeyboardInterrupt` again, for a command that has to clean up."""
    if signal.getsignal(signal.SIGINT) is end_process:
        signal.signal(signal.SIGINT, signal.default_int_handler)
