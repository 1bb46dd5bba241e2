"""The toy server of the tests as a process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx

_SCRIPT = Path(__file__).with_name("toy_server.py")
_ROOT = _SCRIPT.parents[1]
#: Seconds after which something is broken for good, not slow.
_NEVER = 60


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
    ) -> None:
        self.port = port
        self._process = subprocess.Popen(
            [sys.executable, str(_SCRIPT), host, str(port), log_format, log_level, *tls],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(_ROOT)},
        )
        self._read = ""

    def __enter__(self) -> Toy:
        assert self._process.stdout is not None
        self._read = self._process.stdout.readline()
        assert self._read.strip().isdigit(), self._process.communicate()
        self.port = int(self._read)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=_NEVER)

    def logged(self) -> Any:
        """The next line of the access log, parsed if it is JSON; waits for it."""
        assert self._process.stderr is not None
        line = self._process.stderr.readline()
        return json.loads(line) if line.startswith("{") else line

    def events(self) -> list[str]:
        """What the toy exchange has noted down."""
        noted: list[str] = httpx.get(f"{self.url}/exchange/events").json()
        return noted

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait_until_refused(self) -> None:
        """Waits until the server accepts no more connections."""
        while True:
            try:
                self.connect().close()
            except OSError:
                return

    def stop(self, number: signal.Signals = signal.SIGTERM) -> subprocess.CompletedProcess[str]:
        """Sends a signal and waits for the end; all that was printed."""
        self.signal(number)
        return self.run_to_the_end()

    def run_to_the_end(self) -> subprocess.CompletedProcess[str]:
        """Waits for the end; all that was printed."""
        process = self._process
        stdout, stderr = process.communicate(timeout=_NEVER)
        return subprocess.CompletedProcess(process.args, process.returncode, self._read + stdout, stderr)


def received_until_closed(connection: socket.socket) -> bytes:
    received = b""
    while piece := connection.recv(65536):
        received += piece
    return received
