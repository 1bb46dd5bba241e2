"""A long run at small scale: files and memory stay bounded. A whole day: ``python -m benchmarks.soak``."""

from __future__ import annotations

import json
import subprocess
import sys

from tests.server import ROOT

REQUESTS = 40_000
SNAPSHOT_EVERY = 200_000
#: At the least.
BYTES_OF_A_LINE = 300


def test_files_and_memory_stay_bounded_over_40_000_requests() -> None:
    command = [sys.executable, "-m", "benchmarks.soak", "--json", "--requests", str(REQUESTS)]
    command += ["--tokens", "500", "--snapshot-every", str(SNAPSHOT_EVERY)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    first, second = result["halves"]
    assert result["snapshots"] > 20
    # A snapshot, the next one on its way, the log that it replaces and the one that follows, which is as
    # long as the disk is slow; all the lines ever written would be more than twice as much.
    for half in (first, second):
        assert half["disk"] < REQUESTS * BYTES_OF_A_LINE / 2
        assert half["files"] <= 8
    assert second["memory"] < first["memory"] * 1.15 + 5_000_000
