"""A real PostgreSQL on a free port, with a data directory of its own."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.balancers import free_port
from tests.programs import POSTGRES
from tests.server import schema_of
from tests.waiting import PATIENCE_S, until

#: Small, but as durable as it comes.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "fsync": "on",
    "synchronous_commit": "on",
}


class Postgres:
    """One server; ``folder`` has the data, the sockets and the log, and is its user's alone."""

    def __init__(self, folder: Path, primary: Postgres | None = None) -> None:
        self._programs = Path(POSTGRES.path()).resolve().parent
        self._folder = folder
        self._data = folder / "data"
        self._as = _ordinary_user(folder)
        self._numbers = count(1)
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        if primary is None:
            as_user = ("--auth=trust", "--username=postgres")
            self._call("initdb", *as_user, "--no-sync", "--encoding=UTF8", "--locale=C")
        else:  # a standby that follows it
            self._call("pg_basebackup", "--write-recovery-conf", f"--dbname={primary.url('')}")

    def start(self, **settings: str) -> Postgres:
        """Start it on the data that is there, with further settings of ``postgresql.conf``."""
        given = _SETTINGS | {"unix_socket_directories": str(self._folder)} | settings
        self.process = subprocess.Popen(
            [
                str(self._programs / "postgres"),
                *("-D", str(self._data), "-p", str(self.port)),
                *(f"--{name}={value}" for name, value in given.items()),
            ],
            stdin=subprocess.DEVNULL,
            stdout=(self._folder / "log").open("ab"),
            stderr=subprocess.STDOUT,
            cwd=self._folder,
            **self._as,
        )
        until(self._answers, otherwise=self.log)
        return self

    def stop(self) -> None:
        """A fast shutdown, which waits for no client; nothing if it is gone already."""
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGINT)
            self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        """kill -9 of the server and of all its processes, as if the machine had lost its power."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)  # so that it starts no other one meanwhile
        parts = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        for part in parts:
            with suppress(psutil.NoSuchProcess):
                part.kill()
        self.process.wait(PATIENCE_S)
        psutil.wait_procs(parts, PATIENCE_S)

    def promote(self) -> None:
        """Make a standby the primary."""
        self._call("pg_ctl", "promote", "--wait")

    @property
    def pid(self) -> int:
        """The process that has started all others of the server."""
        assert self.process is not None
        return self.process.pid

    def url(self, database: str = "postgres") -> str:
        """The URL of a database, for its superuser; any password does."""
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def database(self) -> str:
        """The URL of what an emulator takes for an empty database."""
        return schema_of(self.url("").rstrip("/"), f"{next(self._numbers)}")

    def whole_database(self) -> str:
        """The URL of a database with nobody else in it."""
        name = f"emulator_{next(self._numbers)}"
        self.run(f'CREATE DATABASE "{name}"')
        return self.url(name)

    @contextmanager
    def small_disk(self, size: str) -> Iterator[tuple[str, Path]]:
        """The URL of a database that is on a disk of this size, and the folder of that disk."""
        disk = Path(tempfile.mkdtemp(prefix="emulator-disk-"))
        mounted = ["mount", "-t", "tmpfs", "-o", f"size={size}", "emulator-disk", str(disk)]
        if os.geteuid() != 0 or subprocess.run(mounted, check=False).returncode:
            disk.rmdir()
            pytest.skip("NO TESTS OF A DATABASE WHOSE DISK IS FULL: only root may mount one")
        try:
            owned = disk / "owned"
            owned.mkdir(0o700)
            os.chown(owned, self._as["user"], self._as["group"])
            name = f"on_{disk.name.replace('-', '_')}"
            self.run(f"CREATE TABLESPACE \"{name}\" LOCATION '{owned}'")
            self.run(f'CREATE DATABASE "{name}" TABLESPACE "{name}"')
            try:
                yield self.url(name), disk
            finally:
                self.run(f'DROP DATABASE "{name}" WITH (FORCE)')
                self.run(f'DROP TABLESPACE "{name}"')
        finally:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)
            disk.rmdir()

    def run(self, statement: str, url: object = None) -> list[tuple[Any, ...]]:
        """The rows of one statement, outside of a transaction; ``url``: that of another database."""
        import psycopg  # noqa: PLC0415 (all tests but those of such a state do without it)

        with psycopg.connect(str(url or self.url()), autocommit=True, connect_timeout=10) as connection:
            found = connection.execute(statement.encode())
            return found.fetchall() if found.description else []

    def log(self) -> str:
        """What it has written so far."""
        return (self._folder / "log").read_text()

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, self.log()
        with suppress(OSError, IndexError):
            lines = (self._data / "postmaster.pid").read_text().splitlines()
            return lines[0] == str(self.process.pid) and lines[7].strip() in ("ready", "standby")
        return False

    def _call(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [str(self._programs / program), "-D", str(self._data), *arguments],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            **self._as,
        )
        assert done.returncode == 0, done.stdout.decode()


@contextmanager
def running(primary: Postgres | None = None, **settings: str) -> Iterator[Postgres]:
    """A server of one's own, to be stopped and killed at will; the test is skipped without PostgreSQL.

    ``primary``: the server that it follows as a standby.
    """
    POSTGRES.path()
    pytest.importorskip("psycopg")
    # Not below pytest's folder, which root lets nobody else into; the name of a socket has a bound, too.
    folder = Path(tempfile.mkdtemp(prefix="emulator-postgres-"))
    try:
        server = Postgres(folder, primary)
        try:
            yield server.start(**settings)
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """One server for all tests of this process, which neither stop nor stall it."""
    with running() as server:
        yield server


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The URL of what an emulator takes for an empty database."""
    return postgres.database()


def _ordinary_user(folder: Path) -> dict[str, Any]:
    """How a process is not root, as PostgreSQL wants it; the folder is given to its user."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            user = pwd.getpwnam(name)
            os.chown(folder, user.pw_uid, user.pw_gid)
            return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
    raise AssertionError("there is neither a user postgres nor nobody")
