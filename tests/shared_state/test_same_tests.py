"""The product's own tests, with every state in PostgreSQL: a part of them that takes seconds."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.on_postgres import ABOUT_FILES
from tests.postgres import Postgres
from tests.server import POSTGRES_URL, ROOT

#: Every documented answer, workspaces, restarts, and the admin API around them.
_TESTS = "tests/end_to_end/test_end_to_end.py"


def test_what_holds_on_files_holds_on_postgresql(postgres: Postgres) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", _TESTS]
    command += [f"--deselect=tests/{one}" for one in ABOUT_FILES]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")}
    environment[POSTGRES_URL] = postgres.url("").rstrip("/")
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=200
    )
    assert done.returncode == 0, done.stdout[-3000:]
