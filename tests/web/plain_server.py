"""The application under a plain WSGI server, as a process: ``plain_server.py SERVER STATE DURABILITY``.

It prints its port when it listens. SERVER is ``waitress`` or ``flask``, the development server; STATE is a
directory or the URL of a database.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from waitress import create_server
from werkzeug.serving import make_server

from emulator.app import create_app
from emulator.settings import Settings


def main() -> None:
    name, state, durability = sys.argv[1:]
    given: Any = durability
    where: Any = {"database": state} if "://" in state else {"state": Path(state), "durability": given}
    app = create_app(Settings(**where))
    if name == "waitress":
        waitress = create_server(app, host="127.0.0.1", port=0, threads=8)
        print(waitress.effective_port, flush=True)
        waitress.run()
    else:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
