"""``python -m emulator.cli.attached …``: the emulator for as long as the process that started it lives.

It stops when its standard input ends, which it does however that process ends.
"""

from __future__ import annotations

import os
import signal
import sys
from threading import Thread

from emulator.cli import main


def _stop_with_standard_input() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    Thread(target=_stop_with_standard_input, daemon=True).start()
    main(sys.argv[1:])
