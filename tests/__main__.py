"""``python -m tests``: the checks of the house, then every test."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "emulator"),
)


def main() -> int:
    """Run everything; the exit status of the first that fails."""
    for check in CHECKS:
        print("$", *check, flush=True)
        status = subprocess.call([sys.executable, "-m", *check], cwd=ROOT)
        if status:
            return status
    return subprocess.call([sys.executable, "-m", "pytest", "-n", "auto", *sys.argv[1:]], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
