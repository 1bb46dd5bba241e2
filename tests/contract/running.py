"""A schemathesis run against a server of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests.server import ROOT, Server

#: Seconds that a run of the tests may take before it is given up.
PATIENCE_S = 900.0
#: A busy machine is no mistake of the server's.
PATIENT = ("--request-timeout", "60", "--no-color", "--generation-database", "none")
#: Where hypothesis keeps its tables of characters: without them each run computes them anew, for a second.
ENVIRONMENT = {"PYTHONPATH": str(ROOT), "HYPOTHESIS_STORAGE_DIRECTORY": str(ROOT / ".hypothesis")}
#: Enough for every name that a run makes up.
SERVER = ("--durability", "none", "--quiet", "--max-workspaces", "100000", "--workspace-ttl", "20")


def check(
    folder: Path, examples: int, *options: str, patience_s: float | None = PATIENCE_S
) -> subprocess.CompletedProcess[str]:
    """Run schemathesis with its default checks, so many examples an operation, against a fresh server.

    ``folder`` takes what the run leaves behind; ``options`` go to ``schemathesis run``.
    """
    server = Server(folder, *SERVER).start()
    try:
        return subprocess.run(
            command(server.url, examples, *options),
            cwd=folder,
            env=os.environ | ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=patience_s,
            check=False,
        )
    finally:
        server.kill()


def command(url: str, examples: int, *options: str) -> Sequence[str]:
    """The command line of a run against the server at ``url``."""
    return [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(ROOT / "schemathesis.toml")),
        *("run", f"{url}/__admin/openapi.json", "--max-examples", str(examples), *PATIENT, *options),
    ]
