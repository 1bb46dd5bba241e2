"""The toy server of the tests as a process."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterable
from http.client import HTTPConnection, HTTPSConnection
from pathlib import Path
from queue import Queue
from signal import Signals
from typing import Any, NamedTuple

from emulator.server.server import DOOR

_SCRIPT = Path(__file__).with_name("toy_server.py")
_ROOT = _SCRIPT.parents[2]
#: Seconds after which something is broken for good, not slow.
_NEVER = 60


class Reply(NamedTuple):
    """An HTTP answer."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> list[str]:
        return [value for its_name, value in self.headers if its_name.lower() == name]


class Client:
    """Asks over one connection that it keeps open."""

    def __init__(self, port: int, *, tls: bool = False) -> None:
        if tls:
            trusting = ssl._create_unverified_context()
            self._connection: HTTPConnection = HTTPSConnection("127.0.0.1", port, context=trusting)
        else:
            self._connection = HTTPConnection("127.0.0.1", port)
        self._connection.timeout = _NEVER

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self, target: str) -> Reply:
        return self.ask("GET", target)

    def post(
        self, target: str, body: bytes | Iterable[bytes], headers: Iterable[tuple[str, str]] = ()
    ) -> Reply:
        """Sends bytes with their length, anything else in chunks."""
        return self.ask("POST", target, body, headers)

    def ask(
        self,
        method: str,
        target: str,
        body: bytes | Iterable[bytes] | None = None,
        headers: Iterable[tuple[str, str]] = (),
    ) -> Reply:
        connection = self._connection
        connection.putrequest(method, target)
        for name, value in headers:
            connection.putheader(name, value)
        if isinstance(body, bytes):
            connection.putheader("Content-Length", str(len(body)))
        elif body is not None:
            connection.putheader("Transfer-Encoding", "chunked")
        connection.endheaders(body, encode_chunked=not isinstance(body, bytes))
        answer = connection.getresponse()
        return Reply(answer.status, answer.getheaders(), answer.read())


class Toy:
    """A toy server: started on entry, ready then; killed at the latest on exit."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        log_format: str = "text",
        log_level: str = "normal",
        tls: tuple[str, str] | tuple[()] = (),
        door: str = os.environ.get(DOOR, "internal"),
    ) -> None:
        self.port = port
        self._tls = bool(tls)
        self._process = subprocess.Popen(
            [sys.executable, str(_SCRIPT), host, str(port), log_format, log_level, *tls],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(_ROOT), DOOR: door},
        )
        self._read = ""
        # A pipe that nobody empties stops the server when it is full.
        self._errors: Queue[str] = Queue()
        self._emptying = threading.Thread(target=self._empty, daemon=True)
        self._emptying.start()

    def __enter__(self) -> Toy:
        assert self._process.stdout is not None
        self._read = self._process.stdout.readline()
        assert self._read.strip().isdigit(), self.run_to_the_end()
        self.port = int(self._read)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self.run_to_the_end()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._process.pid

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=_NEVER)

    def logged(self) -> Any:
        """The next line of the access log, parsed if it is JSON; waits for it."""
        line = self._errors.get(timeout=_NEVER)
        return json.loads(line) if line.startswith("{") else line

    def events(self) -> list[str]:
        """What the toy exchange has noted down."""
        noted: list[str] = self.get("/exchange/events").json
        return noted

    def get(self, target: str) -> Reply:
        """Asks once, on a connection of its own."""
        with self.client() as client:
            return client.get(target)

    def client(self) -> Client:
        return Client(self.port, tls=self._tls)

    def send_signal(self, number: Signals) -> None:
        self._process.send_signal(number)

    def wait_until_refused(self) -> None:
        """Waits until the server accepts no more connections."""
        while True:
            try:
                self.connect().close()
            except OSError:
                return

    def stop(self, number: Signals = Signals.SIGTERM) -> subprocess.CompletedProcess[str]:
        """Sends a signal and waits for the end; all that was printed."""
        self.send_signal(number)
        return self.run_to_the_end()

    def run_to_the_end(self) -> subprocess.CompletedProcess[str]:
        """Waits for the end; all that was printed."""
        process = self._process
        assert process.stdout is not None
        process.wait(_NEVER)
        self._read += process.stdout.read()
        self._emptying.join()
        errors = "".join(self._errors.get() for _ in range(self._errors.qsize()))
        return subprocess.CompletedProcess(process.args, process.returncode, self._read, errors)

    def _empty(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._errors.put(line)


def received_until_closed(connection: socket.socket) -> bytes:
    # One join: to add each piece to those before takes longer than a stopping server waits.
    return b"".join(iter(lambda: connection.recv(65536), b""))


def received_until(connection: socket.socket, mark: bytes) -> bytes:
    """What comes, up to ``mark`` and what came with it."""
    received = b""
    while mark not in received:
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    return received
