"""``python -m tests.on_postgres [PYTEST'S ARGUMENTS]``: the tests, with every state in a real PostgreSQL.

Without arguments: all that are not about the files of a state, their log, or one process on them.
"""

from __future__ import annotations

import os
import subprocess
import sys

from tests.postgres import running
from tests.server import POSTGRES_URL, ROOT

#: Packages of tests that start servers or applications.
PACKAGES = (
    "cli",
    "endpoint",
    "end_to_end",
    "faults",
    "fixtures",
    "importer",
    "journal",
    "mobile",
    "push_emulator",
    "server",
    "web",
    "workspaces",
)
#: Tests that are about the files of a state.
ABOUT_FILES = (
    "end_to_end/test_end_to_end.py::test_state_file_opens_with_plain_tinydb_and_is_readable",
    "end_to_end/test_end_to_end.py::test_A6_kill_9_in_the_middle_leaves_whole_requests",
)


def main(arguments: list[str]) -> int:
    """Run pytest; returns its exit status."""
    if not arguments:
        arguments = ["-q", "-n", str(os.cpu_count() or 1), *(f"tests/{name}" for name in PACKAGES)]
    arguments += [f"--deselect=tests/{one}" for one in ABOUT_FILES]
    with running(max_connections="200") as postgres:
        environment = {**os.environ, POSTGRES_URL: postgres.url("").rstrip("/")}
        return subprocess.call([sys.executable, "-m", "pytest", *arguments], cwd=ROOT, env=environment)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
