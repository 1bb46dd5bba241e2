"""The servers that are compared: the emulator, and a bare Flask as the yardstick."""

from __future__ import annotations

import http.client
import json
import secrets
import shutil
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from benchmarks.mixes import creating_body
from benchmarks.running import Running, StartError, family, free_port, running, start
from benchmarks.stored import Known

#: The folder of the project, where ``run.py`` is.
ROOT = Path(__file__).resolve().parent.parent
RUN = ROOT / "run.py"

BARE = "bare Flask, same server"
BARE_WSGI = "bare Flask, granian WSGI"
EMULATOR = "emulator"


def bare_flask(folder: Path) -> AbstractContextManager[Running]:
    """The bare Flask behind the emulator's own server and bridge."""
    command = [sys.executable, "-m", "benchmarks.bare_server", str(folder / "port")]
    return running(BARE, command, folder, environment={"PYTHONPATH": str(ROOT)})


def bare_flask_wsgi(folder: Path) -> AbstractContextManager[Running]:
    """The bare Flask on granian's WSGI interface with one worker and one blocking thread."""
    port = free_port()
    command = [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "wsgi",
        "--workers",
        "1",
        "--blocking-threads",
        "1",
    ]
    command += ["--no-access-log", "--host", "127.0.0.1", "--port", str(port), "benchmarks.bare:app"]
    return running(BARE_WSGI, command, folder, port=port, environment={"PYTHONPATH": str(ROOT)})


class Emulator:
    """An emulator with its state below ``folder``, that can be stopped and started again; a context manager.

    ``fixtures``: None: those that it brings. ``program``: what is run in place of ``run.py``.
    ``options``: more options of the command line. ``database``: the URL of a shared state.
    """

    def __init__(
        self,
        folder: Path,
        *,
        fixtures: Path | None = None,
        durability: str = "os",
        name: str = EMULATOR,
        program: Sequence[str] = (str(RUN),),
        options: Sequence[str] = (),
        database: str | None = None,
    ) -> None:
        self._folder = folder
        self._name = name
        self._state = folder / "state"
        self._command = [sys.executable, *program, "serve", "--host", "127.0.0.1", "--port", "0", "-q"]
        self._command += ["--port-file", str(folder / "port"), "--state", database or str(self._state)]
        self._command += [*([] if database else ["--durability", durability]), *options]
        if fixtures is not None:
            self._command += ["--fixtures", str(fixtures)]
        self._server: Running | None = None

    def __enter__(self) -> Emulator:
        self.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.stop()

    @property
    def server(self) -> Running:
        """The process that serves now."""
        if self._server is None:
            raise StartError(f"{self._name} is stopped")
        return self._server

    def start(self) -> Running:
        """Start it with the state that it has: none at first. Raises :class:`StartError`."""
        self._server = start(self._name, self._command, self._folder, environment={"PYTHONPATH": str(ROOT)})
        return self._server

    def keep(self) -> None:
        """Have it write its state, which it does with the first change. Raises :class:`StartError`."""
        url = f"{self.server.url}/__admin/settings"
        headers = {"Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(url, b'{"strict":false}', headers, method="PATCH"))
        if not (self._state / "default.json").exists():
            raise StartError(f"{self._name} has written no state: it would start from its fixtures again")

    def stop(self) -> float:
        """Stop it; answers the seconds that this took, 0 if it was stopped already."""
        server, self._server = self._server, None
        return server.stop() if server is not None else 0.0

    def restart(self) -> Running:
        """Stop it and start it with the state that it has."""
        self.stop()
        return self.start()

    def renew(self) -> Running:
        """Stop it, throw its state away and start it from its fixtures."""
        self.stop()
        shutil.rmtree(self._state, ignore_errors=True)
        return self.start()


def profiles_in(server: Running) -> int:
    """How many profiles the emulator says that it has."""
    with urllib.request.urlopen(f"{server.url}/__admin/health", timeout=60) as answer:
        return int(json.load(answer)["profiles"])


def make_known(server: Running, known: Sequence[Known]) -> None:
    """Create the profiles that a load comes back to, where the fixtures have none."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    for one in known:
        connection.request(
            "POST", "/push_subscribe", creating_body(one), {"Content-Type": "application/json"}
        )
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{server.name}: a profile could not be created: HTTP {answer.status}")
    connection.close()


def fill_journal(server: Running, workspace: str = "default") -> None:
    """Send requests that change nothing until the request journal has to let old ones go."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    dropped = 0
    while not dropped:
        for _ in range(1000):
            connection.request(
                "POST", f"/w/{workspace}/push_subscribe", b"{}", {"Content-Type": "application/json"}
            )
            connection.getresponse().read()
        connection.request("GET", f"/w/{workspace}/__admin/requests?limit=1")
        dropped = json.load(connection.getresponse())["dropped"]
    connection.close()


@contextmanager
def verifications(server: Running, count: int) -> Iterator[None]:
    """So many clients that wait, a minute at most, for a request that comes at the end."""
    token = f"awaited-{secrets.token_hex(8)}"
    asked = json.dumps({"match": {"subscription_id": token}, "within": 60})
    connections = [http.client.HTTPConnection("127.0.0.1", server.port, timeout=90) for _ in range(count)]
    for one in connections:
        one.request("POST", "/__admin/requests/verify", asked)
    yield
    awaited = json.dumps({"subscriptions": [{"subscription_id": token}]}).encode()
    with suppress(urllib.error.HTTPError):  # refused, and in the journal all the same
        urllib.request.urlopen(f"{server.url}/push_subscribe", awaited, timeout=20)
    for one in connections:
        one.getresponse().read()
        one.close()


def settle(servers: Sequence[Running], patience_s: float = 60.0) -> None:
    """Wait until no server works in the background (a snapshot, a collection)."""
    begun = time.perf_counter()
    pids = [server.process.pid for server in servers]
    before = processor_seconds(pids)
    while time.perf_counter() - begun < patience_s:
        time.sleep(0.2)
        now = processor_seconds(pids)
        if now - before < 0.02:
            return
        before = now


def processor_seconds(pids: Iterable[int]) -> float:
    """The processor time that these processes and their children have used so far."""
    times = [each.cpu_times() for pid in pids for each in family(pid)]
    return float(sum(each.user + each.system for each in times))
