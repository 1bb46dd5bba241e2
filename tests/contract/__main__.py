"""``python -m tests.contract [EXAMPLES]``: every operation, 1,000 examples each unless said otherwise."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.contract.running import SERVER, command
from tests.server import ROOT, Server


def main() -> int:
    """Run schemathesis against a server of its own; its exit status."""
    examples = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), *SERVER).start()
        try:
            return subprocess.call(
                command(server.url, examples, *sys.argv[2:]),
                cwd=folder,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )
        finally:
            server.kill()


if __name__ == "__main__":
    sys.exit(main())
