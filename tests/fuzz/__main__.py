"""``python -m tests.fuzz [EXAMPLES]``: 100,000 examples of each kind unless said otherwise."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.fuzz.settings import VARIABLE
from tests.server import ROOT


def main() -> int:
    """Run the fuzz tests at length; pytest's exit status."""
    examples = sys.argv[1] if len(sys.argv) > 1 else "100000"
    return subprocess.call(
        [sys.executable, "-m", "pytest", "-n", "auto", "tests/fuzz", *sys.argv[2:]],
        cwd=ROOT,
        env=os.environ | {VARIABLE: examples},
    )


if __name__ == "__main__":
    sys.exit(main())
