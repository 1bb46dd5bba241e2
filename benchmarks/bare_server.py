"""``python -m benchmarks.bare_server PORT_FILE``: the bare Flask behind the emulator's own server and bridge.

It listens on a free port of 127.0.0.1, which it writes to PORT_FILE.
"""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.bare import app
from emulator.messages import Answer, Incoming
from emulator.server.access_log import AccessLog
from emulator.server.server import serve

_BODY_LIMIT = 1024 * 1024


class NoExchange:
    """Accepts nothing: every request goes to the application."""

    def accepts(self, path: str) -> bool:
        return False

    def handle(self, incoming: Incoming) -> Answer:
        raise NotImplementedError(incoming.path)


def main() -> None:
    port_file = Path(sys.argv[1])
    serve(
        app,
        NoExchange(),
        host="127.0.0.1",
        port=0,
        body_limit=lambda path: _BODY_LIMIT,
        access_log=AccessLog("text", "quiet", sys.stdout),
        on_ready=lambda port: port_file.write_text(str(port)),
        on_stop=lambda: None,
    )


if __name__ == "__main__":
    main()
