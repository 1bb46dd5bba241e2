"""SIGTERM and Ctrl-C while the server starts: they end it, also where it is process 1 of a container."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.server import PATIENCE_S, ROOT, Server
from tests.waiting import until

SIGNALS = pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
COMMANDS = pytest.mark.parametrize(
    "command", [["run.py"], ["-m", "emulator"], ["-c", "from emulator.__main__ import main; main()"]]
)
NEW_PIDS = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]


def _can_be_process_1() -> bool:
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*NEW_PIDS, "true"], capture_output=True).returncode == 0


@pytest.fixture
def slow_click(tmp_path: Path) -> dict[str, str]:
    """An environment in which the first slow import never ends; the file ``importing`` says that it began."""
    folder = tmp_path / "slow"
    folder.mkdir()
    (folder / "click.py").write_text(
        f"import pathlib, time\npathlib.Path({str(tmp_path / 'importing')!r}).touch()\n"
        "while True:\n    time.sleep(0.05)\n"  # a signal just before one long sleep would wait for its end
    )
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}


def wait_for(path: Path, process: subprocess.Popen[str]) -> None:
    until(lambda: path.exists() or process.poll() is not None)
    assert process.poll() is None, process.communicate()


@SIGNALS
@COMMANDS
def test_signal_during_the_first_import_ends_the_process_in_silence(
    command: list[str], number: signal.Signals, slow_click: dict[str, str], tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=slow_click,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_for(tmp_path / "importing", process)
        process.send_signal(number)
        said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
    assert (process.returncode, said) == (128 + number, ("", ""))


@pytest.mark.skipif(not _can_be_process_1(), reason="unshare makes no process 1 here")
@SIGNALS
def test_process_1_ends_on_a_signal_before_it_is_ready(
    number: signal.Signals, slow_click: dict[str, str], tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [*NEW_PIDS, sys.executable, "run.py"], cwd=ROOT, env=slow_click, text=True, stderr=subprocess.PIPE
    )
    try:
        wait_for(tmp_path / "importing", process)
        os.kill(_only_child(process.pid), number)
        assert process.wait(PATIENCE_S) == 128 + number
    finally:
        process.kill()
        process.communicate()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there is no pipe with a name on this system")
@SIGNALS
def test_signal_while_the_state_is_opened_ends_the_process_and_leaves_the_state(
    number: signal.Signals, start_server: Callable[..., Server], tmp_path: Path
) -> None:
    """The databases are a pipe whose writer writes nothing: the start waits with the state locked."""
    fixtures = tmp_path / "fixtures"
    fixtures.mkdir()
    os.mkfifo(fixtures / "databases.json")
    writer = os.open(fixtures / "databases.json", os.O_RDWR)
    state = tmp_path / "state"
    command = [sys.executable, "run.py", "--port", "0", "--state", str(state), "--fixtures", str(fixtures)]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    try:
        wait_for(state / "lock", process)
        process.send_signal(number)
        _, said = process.communicate(timeout=PATIENCE_S)
    finally:
        process.kill()
        os.close(writer)
    assert (process.returncode, said) == (128 + number, "")
    assert start_server(state=state).get("/__admin/health").status == 200


def _only_child(pid: int) -> int:
    return int(until(Path(f"/proc/{pid}/task/{pid}/children").read_text).split()[0])
