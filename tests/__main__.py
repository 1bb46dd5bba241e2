"""``python -m tests``: the checks of the house, then every test."""

from __future__ import annotations

import compileall
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.audit import audit
from tests.console import chromium

ROOT = Path(__file__).resolve().parent.parent
#: What bandit would say of every program of this kind: assertions for the type checker (B101), words that
#: look like passwords (B105, B106), chance that makes up people (B311), our own server started (B404, B603).
UNSAFE_ELSEWHERE = "B101,B105,B106,B311,B404,B603"
CHECKS = (
    ("ruff", "check", "."),
    ("ruff", "format", "--check", "."),
    ("mypy", "emulator", "push_emulator"),
    ("bandit", "--quiet", "--recursive", "--skip", UNSAFE_ELSEWHERE, "emulator", "push_emulator"),
)


def provide_browser() -> None:
    """Install Chromium where that can be done without a question: on Debian, as root.

    Elsewhere the browser tests say what they miss, and are skipped.
    """
    if chromium.find() is not None:
        return
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        print("No Chromium: the console's browser tests will be skipped. Install the package `chromium`")
        print("or name one: CHROMIUM=/path/to/chromium python -m tests", flush=True)
        return
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (("apt-get", "update", "-qq"), ("apt-get", "install", "-y", "-qq", "chromium")):
        print("$", *command, flush=True)
        subprocess.call(command, env=environment, stdout=subprocess.DEVNULL)


def _done(check: Sequence[str]) -> subprocess.CompletedProcess[str]:
    # What bandit finds goes to standard output; to the other one go its own troubles with comments.
    errors = subprocess.DEVNULL if check[0] == "bandit" else subprocess.STDOUT
    return subprocess.run(
        [sys.executable, "-m", *check],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
        check=False,
    )


def main() -> int:
    """Run everything; the exit status of the first that fails."""
    provide_browser()
    # Hundreds of servers are started. Where Python may not write bytecode (PYTHONDONTWRITEBYTECODE, as in
    # many images), each of them would compile the whole package anew.
    for package in ("emulator", "push_emulator"):
        compileall.compile_dir(ROOT / package, quiet=2)
    with ThreadPoolExecutor() as pool:  # side by side: most of the time is one program's, mypy
        audited = pool.submit(audit)
        for check, done in zip(CHECKS, pool.map(_done, CHECKS), strict=True):
            print("$", *check, flush=True)
            print(done.stdout, end="", flush=True)
            if done.returncode:
                return done.returncode
    print("$ pip-audit", flush=True)
    verdict = audited.result()
    print(verdict.text, flush=True)
    if verdict.failed:
        return 1
    parallel = ("-n", "auto", "--dist", "worksteal")
    return subprocess.call([sys.executable, "-m", "pytest", *parallel, *sys.argv[1:]], cwd=ROOT)


if __name__ == "__main__":
    sys.exit(main())
