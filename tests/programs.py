"""The programs of other people that tests drive: where they are, and how they are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

_VERSIONS = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
#: With where Debian puts what only root starts, and PostgreSQL, its newest version first.
_PLACES = os.pathsep.join(
    (
        os.environ.get("PATH", ""),
        "/usr/sbin",
        "/usr/local/sbin",
        *map(str, sorted(_VERSIONS, key=lambda one: float(one.parent.name), reverse=True)),
    )
)
#: What packages ask whether they may start their servers.
_POLICY = Path("/usr/sbin/policy-rc.d")


class Program(NamedTuple):
    """One program: Debian's package, the variable that names another one, its usual names, what needs it."""

    package: str
    variable: str
    names: tuple[str, ...]
    tests: str
    #: Its package starts it, where there is something that starts services.
    serves: bool = True

    def find(self) -> str | None:
        """Its path: what the variable says, else the first of the usual names in the usual places."""
        given = os.environ.get(self.variable)
        return given or next(
            (path for name in self.names if (path := shutil.which(name, path=_PLACES))), None
        )

    def path(self) -> str:
        """Its path; a test that needs it is skipped without it, and says so."""
        found = self.find()
        if found is None:
            pytest.skip(f"NO TESTS OF {self.tests.upper()}: {self.hint()}")
        return found

    def hint(self) -> str:
        """What to do where it is not there."""
        return (
            f"no {self.names[0]}. Install the package `{self.package}`, or name one: "
            f"{self.variable}=/path/to/{self.names[0]} python -m tests"
        )


#: First the one without windows: its pages take half of a desktop browser's processor time.
CHROMIUM = Program(
    "chromium-headless-shell",
    "CHROMIUM",
    (
        *("chromium-headless-shell", "chrome-headless-shell", "chromium", "chromium-browser"),
        *("google-chrome", "google-chrome-stable", "chrome"),
    ),
    "the console in a browser",
    serves=False,
)
NGINX = Program("nginx-light", "NGINX", ("nginx",), "the documented nginx")
HAPROXY = Program("haproxy", "HAPROXY", ("haproxy",), "the documented HAProxy")
POSTGRES = Program("postgresql", "POSTGRES", ("postgres",), "a state on PostgreSQL")
_ALL = (CHROMIUM, NGINX, HAPROXY, POSTGRES)


def provide() -> None:
    """Install what is missing where that can be done without a question: on Debian, as root.

    Elsewhere it is said how to install it, and the tests that need it are skipped. So it is with servers
    where systemd runs: their packages would have them start with the machine.
    """
    root = shutil.which("apt-get") is not None and os.geteuid() == 0
    systemd = Path("/run/systemd/system").exists()
    wanted = []
    for one in _ALL:
        if one.find() is None:
            if root and not (systemd and one.serves):
                wanted.append(one.package)
            else:
                print(f"The tests of {one.tests} will be skipped: {one.hint()}", flush=True)
    if wanted:
        with _without_servers():
            _apt("update", "-qq")
            _apt("install", "-y", "-qq", *wanted)


def _apt(*command: str) -> None:
    print("$ apt-get", *command, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.call(("apt-get", *command), env=environment, stdout=subprocess.DEVNULL)


@contextmanager
def _without_servers() -> Iterator[None]:
    """Meanwhile no package starts its server: on the ports of PostgreSQL and nginx another may listen."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
