"""Errors of use: one clear line on standard error, exit status 2, nothing started."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from emulator.settings import Settings
from tests.command_line import assert_one_line, run, run_here
from tests.server import PATIENCE_S, ROOT, Server, subscription


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["--policy", "colour=red"],
            ['there is no policy "colour"', "duplicate_token", "unknown_id", "http_status"],
        ),
        (["--policy", "duplicate_token=maybe"], ['duplicate_token must be error or move, not "maybe"']),
        (["--policy", "duplicate_token"], ["duplicate_token must be error or move"]),
        (["--port", "99999"], ["port", "65535"]),
        (["--port", "x"], ["port", "x"]),
        (["--durability", "some"], ["durability", "fsync"]),
        (["--nonsense"], ["--nonsense"]),
        (["nonsense"], ["nonsense"]),
        (["serv"], ["'serv'", "Did you mean 'serve'?"]),
        (["exprot", "--out", "x"], ["'exprot'", "Did you mean 'export'?"]),
        (["--host", "0.0.0.0"], ["0.0.0.0", "--admin-token"]),
        (["check"], ["DIR"]),
        (["fake"], ["--out"]),
    ],
)
def test_wrong_use(arguments: list[str], words: list[str]) -> None:
    assert_one_line(run_here(*arguments), *words)


def test_policy_of_the_environment_is_checked_too() -> None:
    finished = run_here("serve", environment={"EMULATOR_POLICY": "duplicate_token=maybe"})
    assert_one_line(finished, "duplicate_token must be error or move")


@pytest.mark.parametrize("given", ["--admin-token", "EMULATOR_ADMIN_TOKEN"])
@pytest.mark.parametrize("token", ["", " ", "t0ken\n", "tökén"])
def test_admin_token_that_is_blank_or_that_no_header_carries_stops_the_start(
    tmp_path: Path, given: str, token: str
) -> None:
    serve = ["serve", "--port", "0", "--host", "0.0.0.0", "--state", tmp_path / "state"]
    if given.startswith("--"):
        finished = run_here(*serve, given, token)
    else:
        finished = run_here(*serve, environment={given: token})
    assert_one_line(finished, given, "printable ASCII")
    assert not (tmp_path / "state").exists()


def test_admin_token_of_odd_but_printable_characters_opens_the_admin_api(tmp_path: Path) -> None:
    token = 'a b,c;d="e"~!'
    server = Server(tmp_path, "--admin-token", token).start()
    try:
        assert server.get("/__admin/requests").status == 401
        assert server.get("/__admin/requests", Authorization="Bearer ").status == 401
        assert server.get("/__admin/requests", Authorization=f"Bearer {token}").status == 200
    finally:
        server.kill()


@pytest.mark.parametrize(
    "token", ["", " ", "\t", " t0ken", "t0ken ", "t\n0ken", "t0ken\r", "tökén", "токен", "t\x7f"]
)
def test_application_is_not_made_with_such_an_admin_token(token: str) -> None:
    with pytest.raises(ValueError, match="printable ASCII"):
        Settings(admin_token=token)


def test_port_in_use(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        finished = run("serve", "--port", port, "--state", tmp_path / "state")
    assert_one_line(finished, f"port {port}", "in use")


def test_port_of_another_emulator(server: Server, tmp_path: Path) -> None:
    finished = run("serve", "--port", server.port, "--state", tmp_path / "other")
    assert_one_line(finished, f"port {server.port}", "in use")
    assert server.get("/__admin/health").status == 200


def test_second_process_on_one_state_directory(server: Server) -> None:
    assert server.process is not None
    finished = run("serve", "--port", "0", "--state", server.state)
    assert_one_line(finished, str(server.state), f"process {server.process.pid}")
    assert server.push(subscriptions=[subscription("still-there")])["error"] == 0


def test_state_directory_of_a_killed_process_is_free(server: Server) -> None:
    server.kill()
    assert server.start().get("/__admin/health").status == 200


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_state_directory_that_is_a_file(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    finished = run("serve", "--port", "0", "--state", tmp_path / place)
    assert_one_line(finished, f"{tmp_path / place}: is not a directory")
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_state_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir(mode=0o500)
    assert_one_line(run("serve", "--port", "0", "--state", tmp_path / "state"), str(tmp_path / "state"))


def test_state_directory_where_nothing_can_be_made() -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("there is no /proc here")
    assert_one_line(run("serve", "--port", "0", "--state", "/proc/self/state"), "/proc/self/state")


def test_state_file_that_is_a_directory(tmp_path: Path) -> None:
    (tmp_path / "state/default.json").mkdir(parents=True)
    assert_one_line(run("serve", "--port", "0", "--state", tmp_path / "state"), "default.json")


def test_port_file_that_cannot_be_written(tmp_path: Path) -> None:
    place = tmp_path / "nowhere/port"
    finished = run("serve", "--port", "0", "--state", tmp_path / "state", "--port-file", place)
    assert_one_line(finished, str(place))


@pytest.mark.skipif(os.name == "nt", reason="pipes with names are POSIX's")
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["serve", "--port", "0", "--tls-cert", "PIPE", "--tls-key", "PIPE"],
            "PIPE: it is a pipe or a device",
        ),
        (["health", "--port-file", "PIPE"], "it is a pipe that no program writes to: 'PIPE'"),
        (["compare", "PIPE"], "PIPE: it is a pipe or a device"),
        (
            ["compare", "--clean", "PIPE", "--resource-token", "x"],
            "PIPE: it is a pipe that no program writes to",
        ),
        (
            ["token", "--jwt", "--email", "x", "--key", "PIPE"],
            "--key cannot be read: it is a pipe that no program writes to (PIPE)",
        ),
    ],
    ids=["--tls-cert", "health", "compare", "--clean", "token"],
)
def test_a_pipe_that_nobody_writes_to_is_told_at_once(
    arguments: list[str], told: str, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "PIPE")
    finished = run(*arguments, cwd=tmp_path)
    assert finished.returncode in (1, 2)
    (line,) = finished.stderr.splitlines()
    assert told in line


@pytest.mark.skipif(os.name == "nt", reason="pipes with names are POSIX's")
def test_a_port_file_that_is_a_pipe_waits_for_its_reader_and_holds_up_no_stop(tmp_path: Path) -> None:
    pipe = tmp_path / "port"
    os.mkfifo(pipe)
    command = [sys.executable, str(ROOT / "run.py"), "serve", "--port", "0", "--port-file", str(pipe)]
    command += ["--state", str(tmp_path / "state")]
    for reads in (True, False):
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            assert server.stdout is not None
            try:
                ready = server.stdout.readline()
                if reads:
                    assert f":{int(pipe.read_text())}/" in ready
                server.terminate()
                assert server.wait(PATIENCE_S) == 0
            finally:
                server.kill()


def test_python_without_the_packages_is_told_how_to_get_them() -> None:
    finished = subprocess.run([sys.executable, "-S", "run.py"], cwd=ROOT, capture_output=True, text=True)
    assert finished.returncode == 1
    assert "click is not installed" in finished.stderr
    assert "pip install" in finished.stderr
    assert "Traceback" not in finished.stderr
