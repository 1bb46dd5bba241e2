"""``python -m tests``: the checks of the house, then every test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import NamedTuple

from tests import programs
from tests.project.audit import audit

ROOT = Path(__file__).resolve().parent.parent
#: What bandit would say of every program of this kind: assertions for the type checker (B101), words that
#: look like passwords (B105, B106), chance that makes up people (B311), our own server started (B404, B603).
UNSAFE_ELSEWHERE = "B101,B105,B106,B311,B404,B603"
#: Of a second or less each: nothing else begins before they pass.
QUICK_CHECKS = (("ruff", "check", "."), ("ruff", "format", "--check", "."))
#: These run beside the tests.
CHECKS = (
    ("mypy", "emulator", "push_emulator"),
    ("bandit", "--quiet", "--recursive", "--skip", UNSAFE_ELSEWHERE, "emulator", "push_emulator"),
)
#: Two processes more than there are processors: tests wait for servers, and a few for time to pass.
PARALLEL = ("-n", str((os.cpu_count() or 1) + 2), "--dist", "worksteal")


class Done(NamedTuple):
    """A check that came to its end: its exit status, and all that it wrote."""

    name: str
    status: int
    text: str


def main() -> int:
    """Run everything; the exit status of the first that fails, which ends the rest."""
    programs.provide()
    # Many images forbid Python to write bytecode: each of hundreds of processes would compile all anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    for done in map(_checked, QUICK_CHECKS):
        if _said(done).status:
            return done.status
    with ThreadPoolExecutor() as pool:
        checks = [pool.submit(_checked, check) for check in CHECKS] + [pool.submit(_audited)]
        tests = subprocess.Popen([sys.executable, "-m", "pytest", *PARALLEL, *sys.argv[1:]], cwd=ROOT)
        try:
            for check in as_completed(checks):
                if check.result().status:
                    tests.send_signal(signal.SIGINT)
                    return _said(check.result()).status
            status = tests.wait()
        finally:
            tests.wait()
    for check in checks:
        _said(check.result())
    return status


def _checked(check: Sequence[str]) -> Done:
    # What bandit finds goes to standard output; to the other one go its own troubles with comments.
    errors = subprocess.DEVNULL if check[0] == "bandit" else subprocess.STDOUT
    done = subprocess.run(
        [sys.executable, "-m", *check],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        check=False,
    )
    return Done(" ".join(check), done.returncode, done.stdout)


def _audited() -> Done:
    verdict = audit()
    return Done("pip-audit", int(verdict.failed), f"{verdict.text}\n")


def _said(done: Done) -> Done:
    print(f"$ {done.name}\n{done.text}", end="", flush=True)
    return done


if __name__ == "__main__":
    sys.exit(main())
