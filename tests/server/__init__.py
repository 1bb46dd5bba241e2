"""The emulator as a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from hashlib import blake2b
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

from tests.waiting import PATIENCE_S, until

ROOT = Path(__file__).resolve().parents[2]
PAGE_TOKEN = "3LXP2FRcRxJ-7b14db88ec937f14"


#: The environment variable with the URL of a PostgreSQL server: then the servers of tests that name no state
#: keep theirs there, each in a database of its own.
POSTGRES_URL = "TEST_POSTGRES_URL"


def new_database(name: str) -> str | None:
    """The URL of a schema for this name; ``None`` where tests use files."""
    server = os.environ.get(POSTGRES_URL)
    return None if server is None else schema_of(server, name)


def schema_of(server: str, name: str) -> str:
    """The URL of a schema for this name, made if it is missing: that is 50 times as fast as a database."""
    import psycopg  # noqa: PLC0415 (tests on files do without it)

    schema = f"emulator_{blake2b(name.encode(), digest_size=8).hexdigest()}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"'.encode())
    return f"{server}/postgres?options=-csearch_path%3D{schema}"


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Server:
    """``run.py serve`` on a free port, with its state under ``folder``."""

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        fixtures: Path | None = None,
        state: Path | str | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.environment = environment or {}
        self.state: Path | str = state or new_database(str(folder)) or folder / "state"
        self.arguments = list(arguments)
        if isinstance(self.state, str) and state is None and "--durability" in arguments:
            at = self.arguments.index("--durability")  # a database is as durable as it is
            del self.arguments[at : at + 2]
        if fixtures is not None:
            self.arguments += ["--fixtures", str(fixtures)]
        self.process: subprocess.Popen[str] | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        """Start and wait until it is ready."""
        port_file = self.folder / "port"
        port_file.unlink(missing_ok=True)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("EMULATOR_")}
        self.process = subprocess.Popen(
            [
                sys.executable,
                str(ROOT / "run.py"),
                "serve",
                "--port",
                "0",
                "--port-file",
                str(port_file),
                "--state",
                str(self.state),
                *self.arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=(self.folder / "log").open("a"),
            text=True,
            env=environment | self.environment,
        )
        process = self.process
        until(
            lambda: process.poll() is not None or port_file.exists(),
            otherwise=self.log,
        )
        assert process.poll() is None, f"the server did not start:\n{self.log()}"
        self.port = int(port_file.read_text())
        return self

    def log(self) -> str:
        """What it has written to standard error so far."""
        return (self.folder / "log").read_text()

    def wait_for_line(self, words: str) -> None:
        """Wait until it has written these words to standard error."""
        until(lambda: words in self.log(), otherwise=self.log)

    def finished_import(self, path: str, every_s: float = 0.01) -> Reply:
        """The job of an import at this path, once it runs no more."""
        return until(lambda: self._ended(path), every_s=every_s, otherwise=lambda: self.get(path).body)

    def _ended(self, path: str) -> Reply | None:
        job = self.get(path)
        return job if job.json["state"] != "running" else None

    def clear(self) -> None:
        """Bring it back to where it began: the default workspace alone, with its fixtures."""
        for one in self.get("/__admin/workspaces?limit=1000").json["items"]:
            if one["name"] != "default":
                assert self.request("DELETE", f"/__admin/workspaces/{one['name']}").status == 200
        assert self.post("/__admin/reset", {}).status == 200

    def stop(self) -> int:
        """SIGTERM; the exit status."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE_S)
        self._close()
        return status

    def kill(self) -> None:
        """kill -9; nothing if it is gone already."""
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(PATIENCE_S)
        self._close()

    def _close(self) -> None:
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        """One request on a connection of its own."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def post(self, path: str, document: Any, **headers: str) -> Reply:
        """POST a document as JSON."""
        sent = {"Content-Type": "application/json", **headers}
        return self.request("POST", path, json.dumps(document).encode(), sent)

    def get(self, path: str, **headers: str) -> Reply:
        """GET a path."""
        return self.request("GET", path, headers=headers)

    def push(self, resource_token: str = PAGE_TOKEN, **parameters: Any) -> Any:
        """Call the documented endpoint; the answer's JSON."""
        return self.post("/push_subscribe", {"resource_token": resource_token, **parameters}).json


def subscription(token: str, provider: str = "android-firebase", **more: Any) -> dict[str, Any]:
    """One entry of ``subscriptions``."""
    return {"provider": provider, "subscription_id": token, **more}
