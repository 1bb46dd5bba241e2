"""The command line, brought to its end: as a process of its own, and in this one."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from io import BytesIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

from emulator.cli import main
from tests.server import PATIENCE_S, ROOT

Finished = subprocess.CompletedProcess[str]


def run(*arguments: object, environment: dict[str, str] | None = None, cwd: Path | None = None) -> Finished:
    """``run.py`` with these arguments as a process in this directory or ``cwd``, to its end."""
    return subprocess.run(
        [sys.executable, str(ROOT / "run.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
        env=_without_settings() | (environment or {}),
        cwd=cwd,
    )


def run_here(*arguments: object, environment: dict[str, str] | None = None) -> Finished:
    """The same in this process, which saves a quarter of a second: for all but a server that starts."""
    command = list(map(str, arguments))
    out, err = TextIOWrapper(BytesIO(), "utf-8"), TextIOWrapper(BytesIO(), "utf-8")
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        patch.dict(os.environ, _without_settings() | (environment or {}), clear=True),
        _process_left_alone(),
    ):
        try:
            main(command, program="run.py")
        except SystemExit as end:
            status = end.code
    assert isinstance(status, int), status
    return subprocess.CompletedProcess(command, status, _text(out), _text(err))


def assert_one_line(finished: Finished, *words: str) -> None:
    """It stopped with status 2 and one line that has these words."""
    assert finished.returncode == 2, finished.stderr
    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    assert line.startswith("error: ")
    for word in words:
        assert word in line


def _without_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("EMULATOR_")}


@contextmanager
def _process_left_alone() -> Iterator[None]:
    """What the command line does to its process is undone: its signal handlers, the objects that it froze."""
    signals = (signal.SIGINT, signal.SIGTERM)
    handlers = [signal.getsignal(number) for number in signals]
    try:
        yield
    finally:
        for number, handler in zip(signals, handlers, strict=True):
            signal.signal(number, handler)
        gc.unfreeze()


def _text(written: TextIOWrapper) -> str:
    written.flush()
    return written.buffer.getvalue().decode()  # type: ignore[attr-defined]
