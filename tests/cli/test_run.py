"""``run.py run``, ``init`` and ``health --wait``: an emulator for one command."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from emulator.settings import DEFAULT_FIXTURES
from tests.command_line import assert_one_line, run, run_here
from tests.server import PAGE_TOKEN, ROOT
from tests.waiting import until

#: A command that says what the emulator at EMULATOR_URL answers.
ASK = (
    "import os, urllib.request as web; "
    "print(web.urlopen(os.environ['EMULATOR_URL'] + '/__admin/health').read().decode())"
)


def test_the_command_finds_a_running_emulator_and_gives_its_status() -> None:
    ran = run("run", "--seed", "7", "--", sys.executable, "-c", f"{ASK}; raise SystemExit(3)")
    assert (ran.returncode, json.loads(ran.stdout)["status"], ran.stderr) == (3, "ok", "")


def test_arguments_and_dashes_behind_the_first_go_to_the_command() -> None:
    ran = run("run", "--", sys.executable, "-c", "import sys; print(sys.argv[1:])", "--seed", "--", "-h")
    assert ran.stdout == "['--seed', '--', '-h']\n"


def test_fixtures_are_found_from_the_current_directory(tmp_path: Path) -> None:
    run_here("init", tmp_path / "mine")
    (tmp_path / "mine" / "profiles.json").write_text("[]")
    ran = run("run", "--fixtures", "mine", "--", sys.executable, "-c", ASK, cwd=tmp_path)
    assert json.loads(ran.stdout)["profiles"] == 0, ran.stderr


#: A command that subscribes a token, and one that says whether it is there.
TOKEN = {"provider": "ios-apns", "subscription_id": "kept"}
PUSH = f"""import json, os, urllib.request as web
body = {{"resource_token": "{PAGE_TOKEN}", "subscriptions": [{TOKEN}]}}
web.urlopen(os.environ["EMULATOR_URL"] + "/push_subscribe", json.dumps(body).encode())"""
LOOK = ASK.replace("health", "subscriptions?subscription_id=kept")


def keep_state(*states: list[str]) -> None:
    """What one command changes is there for the next one, whichever way it names the same state."""
    for program, state in zip((PUSH, LOOK), states, strict=True):
        ran = run("run", *state, "--", sys.executable, "-c", program)
        assert (ran.returncode, ran.stderr) == (0, "")
    assert json.loads(ran.stdout)["total"] == 1


def test_a_directory_that_is_named_keeps_the_state(tmp_path: Path) -> None:
    keep_state(["--state", str(tmp_path / "one")], [f"--state={tmp_path / 'one'}"])


def test_a_database_that_is_named_keeps_the_state(database: str) -> None:
    keep_state(["--state", database], ["--state", database])


@pytest.mark.parametrize(
    "options", [["--host", "::1"], ["--host", "0.0.0.0", "--admin-token", "t"], ["--tls-self-signed"]]
)
def test_the_address_is_that_of_the_server_whatever_its_options(tmp_path: Path, options: list[str]) -> None:
    ask = f"import ssl; ssl._create_default_https_context = ssl._create_unverified_context; {ASK}"
    port_file = ["--port-file", "port"]  # in the current directory, as every path of an option
    ran = run("run", *options, *port_file, "--", sys.executable, "-c", ask, cwd=tmp_path)
    assert json.loads(ran.stdout)["status"] == "ok", ran.stderr
    assert (tmp_path / "port").exists()


def write_port(file: Path) -> str:
    """What ``file`` has, or what is printed, when a server has written its port to it."""
    ran = run("run", "--port-file", file, "--", sys.executable, "-c", f"print(open({str(file)!r}).read())")
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout


def test_a_port_appears_whole_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    assert 0 < int(write_port(tmp_path / "port")) < 65536
    assert [one.name for one in tmp_path.iterdir()] == ["port"]


def test_a_port_is_read_by_whoever_has_its_file_open(tmp_path: Path) -> None:
    file = tmp_path / "port"
    file.write_text("longer than a port")
    with file.open() as begun:
        port = int(write_port(file))
        assert int(begun.read()) == port


@pytest.mark.skipif(os.name == "nt", reason="links and pipes are POSIX's")
def test_a_port_is_written_through_a_link_and_into_a_pipe(tmp_path: Path) -> None:
    file, link, pipe = tmp_path / "port", tmp_path / "link", tmp_path / "pipe"
    for _ in range(2):  # it leads nowhere at first
        if not link.is_symlink():
            link.symlink_to(file)
        assert int(write_port(link)) == int(file.read_text())
        assert link.is_symlink()
    os.mkfifo(pipe)
    reading = subprocess.Popen([sys.executable, "-c", f"print(open({str(pipe)!r}).read())"], stdout=-1)
    ran = run("run", "--port-file", pipe, "--", sys.executable, "-c", "")
    assert (ran.returncode, ran.stderr) == (0, "")
    assert int(reading.communicate(timeout=60)[0]) > 0
    assert pipe.is_fifo()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="a device of Linux's")
def test_a_disk_that_is_full_for_the_port_is_not_taken_for_a_busy_port() -> None:
    ran = run("serve", "--port", "0", "--durability", "none", "--port-file", "/dev/full")
    assert (ran.returncode, ran.stderr) == (2, "error: /dev/full: No space left on device\n")


def test_a_port_is_written_where_no_file_fits_beside_its_file(tmp_path: Path) -> None:
    assert int(write_port(tmp_path / ("p" * 250))) > 0


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        ((), 2, "error: say what to run"),
        (("true",), 2, "error: say what to run"),
        (("--",), 2, "error: say what to run"),
        (("--", "no-such-command"), 127, "error: no-such-command: No such file or directory"),
        (("--no-such-option", "--", "true"), 2, "error: No such option '--no-such-option'."),
        (("--fixtures", "/nowhere", "--", "true"), 2, "error: the fixtures in /nowhere cannot be used"),
    ],
)
def test_what_cannot_be_run_is_told(arguments: tuple[str, ...], status: int, text: str) -> None:
    ran = run("run", *arguments)
    assert ran.returncode == status
    assert any(line.startswith(text) for line in ran.stderr.splitlines())


@pytest.mark.skipif(os.name == "nt", reason="signals are POSIX's")
def test_a_signal_ends_the_command_and_the_emulator(tmp_path: Path) -> None:
    started = tmp_path / "started"
    wait = f"open({str(started)!r}, 'w').close(); import time; time.sleep(60)"
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), "run", "--", sys.executable, "-c", wait]
    )
    until(started.exists, 30)
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 128 + signal.SIGTERM
    assert psutil.wait_procs(children, 30)[1] == []
    assert len(children) == 2


def test_a_killed_run_leaves_no_emulator_behind(tmp_path: Path) -> None:
    started = tmp_path / "started"
    wait = f"open({str(started)!r}, 'w').close(); import sys; sys.stdin.read()"
    process = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), "run", "--", sys.executable, "-c", wait], stdin=subprocess.PIPE
    )
    until(started.exists, 30)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait()
    assert process.stdin is not None
    process.stdin.close()
    assert psutil.wait_procs(children, 30)[1] == []


def test_init_writes_the_default_fixtures_into_an_empty_directory_only(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert run_here("init", folder).returncode == 0
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {
        path.name: path.read_bytes() for path in DEFAULT_FIXTURES.glob("*.json")
    }
    assert run_here("check", folder).returncode == 0
    assert_one_line(run_here("init", folder), "is not empty")
    (tmp_path / "file").write_text("")
    assert_one_line(run_here("init", tmp_path / "file"), "File exists")


def test_health_waits_for_a_server_that_starts_later(tmp_path: Path) -> None:
    port_file = tmp_path / "port"
    waiting = subprocess.Popen(
        [sys.executable, str(ROOT / "run.py"), "health", "--port-file", str(port_file), "--wait", "30"],
        stdout=subprocess.PIPE,
    )
    command = [sys.executable, str(ROOT / "run.py"), "--port", "0", "--port-file", str(port_file)]
    server = subprocess.Popen([*command, "--durability", "none", "--quiet"], stdout=subprocess.DEVNULL)
    try:
        assert waiting.wait(30) == 0
    finally:
        server.terminate()
        server.wait(30)


def test_health_gives_up_after_its_time_and_says_why(tmp_path: Path) -> None:
    since = time.monotonic()
    ran = run_here("health", "--port-file", tmp_path / "nothing", "--wait", "0.3")
    assert (ran.returncode, time.monotonic() - since >= 0.3) == (1, True)
    assert "No such file" in ran.stderr
    assert_one_line(run_here("health", "--wait", "-1"), "--wait")
