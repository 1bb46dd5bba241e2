"""``python -m benchmarks.journal_turns FILE serve …``: the emulator with and without its journal, in turns.

Two servers side by side differ by more than the request journal costs: one takes a snapshot while the other
does not, one's loads fall into a slower second of the machine. So one server changes its mind every few
requests, and what a turn took is compared with what the next one took. FILE gets the pairs when it stops.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from emulator.cli import main
from emulator.endpoint import exchange
from emulator.endpoint.exchange import Call

#: Requests in a turn.
TURN = 64


class Turns:
    """Stands where the exchange writes a call down: does so in every other turn, and looks at the clock.

    Until the journal is full every turn is recorded and none counts: what has to go is part of the cost.
    ``pairs``: microseconds for each request of a recorded turn and of the unrecorded one behind it.
    """

    def __init__(self) -> None:
        self.pairs: list[tuple[float, float]] = []
        self._write_down = exchange._write_down
        self._recording = True
        self._left = TURN
        self._since = perf_counter()
        self._recorded_us = 0.0

    def __call__(self, call: Call, *rest: Any) -> None:
        if self._recording:
            self._write_down(call, *rest)
        self._left -= 1
        if not self._left:
            self._next(full=call.workspace.requests.dropped > 0)

    def _next(self, full: bool) -> None:
        now = perf_counter()
        took_us = (now - self._since) * 1e6 / TURN
        if self._recording:
            self._recorded_us = took_us
        else:
            self.pairs.append((self._recorded_us, took_us))
        if full:
            self._recording = not self._recording
        self._left, self._since = TURN, now


if __name__ == "__main__":
    turns = Turns()
    exchange._write_down = turns  # type: ignore[assignment]
    file = Path(sys.argv.pop(1))
    try:
        main()
    finally:
        file.write_text(json.dumps(turns.pairs))
