"""SIGTERM and Ctrl-C before the server is ready: they end the process, also where the system would not.

Process 1 of a container has no default for a signal: without a handler it is lost. Imports nothing that is
slow.
"""

from __future__ import annotations

import os
import signal
from types import FrameType


def end_process(number: int, frame: FrameType | None) -> None:
    """Handle a signal: end at once, with the status that a shell gives."""
    os._exit(128 + number)


def end_on_signals() -> None:
    """Have SIGTERM and Ctrl-C end the process, until somebody sets handlers of their own."""
    for number in (signal.SIGTERM, signal.SIGINT):
        if signal.getsignal(number) is not signal.SIG_IGN:  # as for a job in the background
            signal.signal(number, end_process)


def interrupt_on_ctrl_c() -> None:
    """Let Ctrl-C raise :class:`KeyboardInterrupt` again: for a command that has something to tidy up."""
    if signal.getsignal(signal.SIGINT) is end_process:
        signal.signal(signal.SIGINT, signal.default_int_handler)
