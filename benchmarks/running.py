"""A server under measurement: a real process on a free port of 127.0.0.1, and how it is stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

#: Bytes in one MiB.
MIB = 1024 * 1024
#: How often a server that starts is asked whether it is ready, in seconds.
_POLL_S = 0.005


class StartError(Exception):
    """A server ended, or did not answer in time; the text says which, with the last lines that it printed."""


@dataclass
class Running:
    """One server process that answers.

    ``started_s``: seconds from the start of the process to its first good answer. ``url``: without a trailing
    slash.
    """

    name: str
    process: subprocess.Popen[bytes]
    port: int
    started_s: float

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def memory(self) -> int:
        """Resident memory of the process and all its children, in bytes."""
        return sum(each.memory_info().rss for each in family(self.process.pid))

    def stop(self, patience_s: float = 60.0) -> float:
        """Ask the process to end and wait; kill what is left. Answers how many seconds the stop took."""
        begun = time.perf_counter()
        everyone = family(self.process.pid)
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(patience_s)
        took = time.perf_counter() - begun
        for each in everyone:
            with suppress(psutil.NoSuchProcess):
                each.kill()
        self.process.wait()
        return took


def family(pid: int) -> list[psutil.Process]:
    """The process ``pid`` and all its descendants; empty if it is gone."""
    try:
        parent = psutil.Process(pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def answers(url: str, headers: Mapping[str, str] | None = None) -> bool:
    """Whether a GET of ``url`` gives a 2xx answer within two seconds."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=dict(headers or {})), timeout=2):
            return True
    except (OSError, ValueError):
        return False


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _read_port(file: Path) -> int | None:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return None


def start(
    name: str,
    command: Sequence[str],
    folder: Path,
    *,
    port: int | None = None,
    ready_path: str | None = "/__admin/health",
    environment: Mapping[str, str] | None = None,
    patience_s: float = 180.0,
) -> Running:
    """Start ``command`` in ``folder`` and wait until it answers; who calls must stop it.

    ``port``: where it will listen; None: it writes its port to ``folder/port`` (``--port-file``).
    ``ready_path``: a GET of it must give 2xx; None: it is enough that something listens. Raises
    :class:`StartError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port_file, log = folder / "port", folder / "output.txt"
    port_file.unlink(missing_ok=True)
    begun = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            # Compiled once and kept, as Python does unless it is told not to: images often tell it.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "", **(environment or {})},
        )
    server = Running(name, process, port or 0, 0.0)
    try:
        while True:
            server.port = port or _read_port(port_file) or 0
            if server.port and (answers(server.url + ready_path) if ready_path else _listens(server.port)):
                server.started_s = time.perf_counter() - begun
                return server
            if process.poll() is not None:
                raise StartError(f"{name}: ended with status {process.returncode}: {_tail(log)}")
            if time.perf_counter() - begun > patience_s:
                raise StartError(f"{name}: no answer within {patience_s:.0f} s: {_tail(log)}")
            time.sleep(_POLL_S)
    except BaseException:
        server.stop()
        raise


@contextmanager
def running(
    name: str,
    command: Sequence[str],
    folder: Path,
    *,
    port: int | None = None,
    ready_path: str | None = "/__admin/health",
    environment: Mapping[str, str] | None = None,
) -> Iterator[Running]:
    """A server as :func:`start` starts it, stopped in any case."""
    server = start(name, command, folder, port=port, ready_path=ready_path, environment=environment)
    try:
        yield server
    finally:
        server.stop()


def _tail(log: Path, lines: int = 5) -> str:
    return " / ".join(log.read_text("utf-8", "replace").splitlines()[-lines:]) or "it printed nothing"
