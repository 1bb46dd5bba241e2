"""``python -m benchmarks.journal_turns FILE serve …``: the emulator with and without its journal, in turns.

Two servers side by side differ by more than the request journal costs: one takes a snapshot while the other
does not, one's loads fall into a slower second of the machine. So one server changes its mind every few
requests, and what a turn took is compared with what the next one took. FILE gets the pairs when it stops.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from pathlib import Path
from time import perf_counter

from emulator.app import create_app
from emulator.emulator import Emulator
from emulator.messages import Answer, Incoming
from emulator.server.access_log import AccessLog
from emulator.server.server import serve
from emulator.settings import Settings
from emulator.web.bodies import body_limit

#: Requests in a turn.
TURN = 64


class Turns:
    """Stands before the emulator's exchange: switches the journal off and on, and looks at the clock.

    Until the journal is full every turn is recorded and none counts: what has to go is part of the cost.
    ``pairs``: microseconds for each request of a recorded turn and of the unrecorded one behind it.
    """

    def __init__(self, emulator: Emulator) -> None:
        self.pairs: list[tuple[float, float]] = []
        self.accepts = emulator.exchange.accepts
        self._answer = emulator.exchange.handle
        self._workspace = emulator.workspaces.default
        self._left = TURN
        self._since = perf_counter()
        self._recorded_us = 0.0

    def handle(self, incoming: Incoming) -> Answer:
        answer = self._answer(incoming)
        self._left -= 1
        if not self._left:
            self._next()
        return answer

    def _next(self) -> None:
        now = perf_counter()
        took_us = (now - self._since) * 1e6 / TURN
        journal = self._workspace.requests
        if journal.recording:
            self._recorded_us = took_us
        else:
            self.pairs.append((self._recorded_us, took_us))
        if journal.dropped:
            journal.recording = not journal.recording
        self._left, self._since = TURN, now


def main() -> None:
    """Serve until it is told to stop, then write the pairs down."""
    parser = ArgumentParser()
    parser.add_argument("file", type=Path)
    for option in ("--port-file", "--state", "--fixtures"):
        parser.add_argument(option, type=Path, required=True)
    parser.add_argument("--durability", required=True)
    asked, _ = parser.parse_known_args()
    app = create_app(Settings(state=asked.state, fixtures=asked.fixtures, durability=asked.durability))
    emulator: Emulator = app.extensions["emulator"]
    turns = Turns(emulator)
    try:
        serve(
            app,
            turns,
            host="127.0.0.1",
            port=0,
            body_limit=body_limit,
            access_log=AccessLog("text", "quiet", sys.stderr),
            on_ready=lambda port: asked.port_file.write_text(f"{port}\n"),
            on_stop=lambda: None,
        )
    finally:
        asked.file.write_text(json.dumps(turns.pairs))
        emulator.close()


if __name__ == "__main__":
    main()
