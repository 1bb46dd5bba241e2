"""The emulator that a program starts for itself: how its start fails and how its process ends."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from signal import SIGKILL
from textwrap import dedent

import psutil
import pytest

from push_emulator import AsyncEmulatorClient, EmulatorClient, EmulatorError, LocalServer, StartError
from tests.push_emulator.test_pytest_plugin import started_in
from tests.server import ROOT
from tests.waiting import until


def test_how_the_process_ended_is_told_with_the_end_of_its_output() -> None:
    others = psutil.Process().children()
    with LocalServer() as server:
        assert server.ended == ""
        (process,) = set(psutil.Process().children()).difference(others)
        with (server.folder / "log").open("a") as log:
            log.writelines(f"line {number}\n" for number in range(100))
        os.kill(process.pid, SIGKILL)
        until(lambda: server.ended)
        how, *lines = server.ended.splitlines()
        assert how == "the emulator ended with status -9 (SIGKILL)"
        assert lines == [f"line {number}" for number in range(80, 100)]
    assert server.ended == "the emulator does not run"


def test_clients_trust_the_authority_that_the_environment_names(monkeypatch: pytest.MonkeyPatch) -> None:
    async def version(url: str) -> str:
        async with AsyncEmulatorClient(url) as client:
            return str((await client.health()).version)

    with LocalServer(None, "--tls-self-signed") as server:
        with EmulatorClient(server.url) as client, pytest.raises(EmulatorError, match="CERTIFICATE_VERIFY"):
            client.health()
        monkeypatch.setenv("SSL_CERT_FILE", str(server.folder / "state" / "tls" / "ca.pem"))
        with EmulatorClient(server.url) as client:
            assert client.health().version == asyncio.run(version(server.url))


def test_arguments_may_be_paths_and_a_state_that_is_in_use_is_told(tmp_path: Path) -> None:
    port, state = tmp_path / "port", tmp_path / "state"
    with LocalServer(None, "--port-file", port, "--state", state) as server:
        assert server.url == f"http://127.0.0.1:{port.read_text().strip()}"
        with pytest.raises(StartError, match="state: in use by another emulator"):
            LocalServer(None, "--state", state).start()


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import sys; sys.exit('error: the port is taken')", "error: the port is taken\n…with status 1"),
        ("raise LookupError('on purpose')", "…with status 1: LookupError: on purpose\nTraceback "),
        ("import os; os.kill(os.getpid(), 9)", "…with status -9 (SIGKILL)"),
    ],
)
def test_the_first_line_of_a_failed_start_has_the_reason(program: str, said: str) -> None:
    with pytest.raises(StartError) as raised:
        LocalServer(command=[sys.executable, "-c", program]).start()
    assert str(raised.value).startswith(said.replace("…", "the emulator ended "))


def test_a_folder_that_cannot_be_made_is_a_failed_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", "/nowhere")
    with pytest.raises(StartError, match="No such file or directory: '/nowhere/"):
        LocalServer().start()


@pytest.mark.parametrize("way", ["SIGINT", "SIGTERM"])
def test_a_start_that_is_interrupted_leaves_no_process_and_no_folder(way: str) -> None:
    # Where the signal comes before the process is known, the end of its standard input ends it, as a server.
    program = f"""
        import signal, sys
        import psutil
        from push_emulator import LocalServer

        signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended"))
        interrupt = "import os, signal, sys; os.kill(os.getppid(), signal.{way}); sys.stdin.read()"
        server = LocalServer(command=[sys.executable, "-c", interrupt])
        try:
            server.start()
        except (KeyboardInterrupt, SystemExit) as error:
            _, left = psutil.wait_procs(psutil.Process().children(), 10)
            print(type(error).__name__, left, server.folder.exists())
    """
    done = subprocess.run(
        [sys.executable, "-c", dedent(program)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    name = {"SIGINT": "KeyboardInterrupt", "SIGTERM": "SystemExit"}[way]
    assert done.stdout == f"{name} [] False\n", done.stderr


def run_killed(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A program with ``server``, a LocalServer whose folder lies in this folder; it kills itself."""
    imports = "import os, sys, time\nfrom push_emulator import EmulatorClient, LocalServer\n"
    return subprocess.run(
        [sys.executable, "-c", f"{imports}server = LocalServer()\n{dedent(program)}"],
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )


def test_a_process_that_is_killed_leaves_no_server_and_no_folder(tmp_path: Path) -> None:
    done = run_killed("print(server.start().folder)\nsys.stdout.flush()\nos.kill(os.getpid(), 9)", tmp_path)
    assert done.returncode == -SIGKILL
    assert Path(done.stdout.strip()).parent == tmp_path
    until(lambda: not started_in(tmp_path) and not list(tmp_path.iterdir()))


def test_a_forked_process_has_no_part_in_the_server(tmp_path: Path) -> None:
    program = """
        server.start()
        if os.fork() == 0:
            server.stop()
            sys.exit()  # what runs at the end of a process is run
        os.wait()
        print(server.ended, EmulatorClient(server.url).health().status, server.folder.exists())
        child = os.fork()
        if child == 0:
            os.close(1)
            time.sleep(600)
        print(child)
        sys.stdout.flush()
        os.kill(os.getpid(), 9)
    """
    said, child = run_killed(program, tmp_path).stdout.splitlines()
    try:
        assert said == " ok True"
        until(lambda: not started_in(tmp_path) and not list(tmp_path.iterdir()))
    finally:
        os.kill(int(child), SIGKILL)
