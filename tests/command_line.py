"""``run.py`` as a process that comes to its end by itself."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.server import PATIENCE_S, ROOT


def run(*arguments: object, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """``run.py`` with these arguments, to its end."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("EMULATOR_")}
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=inherited | (environment or {}),
    )


def assert_one_line(finished: subprocess.CompletedProcess[str], *words: str) -> None:
    """It stopped with status 2 and one line that has these words."""
    assert finished.returncode == 2, finished.stderr
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line
