"""The command line, as a process: what the flags do, what it lists and prints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emulator.cli import COMMANDS, load_command, serve
from emulator.settings import Settings
from tests.command_line import assert_one_line, run
from tests.server import ROOT, Server, subscription
from tests.waiting import until

ANNA, OLDER = "59db33d269d426509e9c4bf9", "637f1a284fda7c5c08be62f0"
DEFAULT_SET = ROOT / "fixtures/default"
StartServer = Callable[..., Server]


# Policies, strict


def test_policy_flags(start_server: StartServer) -> None:
    policies = ("duplicate_token=move", "unknown_id=new", "http_status=always_200")
    server = start_server(*(word for one in policies for word in ("--policy", one)))
    moved = server.push(id=ANNA, subscriptions=[subscription("taken-token")])
    assert (moved["error"], moved["data"][0]["status"]) == (0, "ok")
    back = server.push(id=OLDER, subscriptions=[subscription("taken-token", unsubscribe=True)])
    assert back["data"][0].get("unsubscribe") is None  # it was unsubscribed there when it moved
    made = server.push(id="backend-user-7", subscriptions=[subscription("t")])
    assert re.fullmatch("[0-9a-f]{24}", made["data"][0]["profile_id"])
    refused = server.post("/push_subscribe", {})
    assert (refused.status, refused.json["error"]) == (200, 400)


def test_without_policies_the_defaults_hold(fresh: Server) -> None:
    assert fresh.push(id=ANNA, subscriptions=[subscription("taken-token")])["error"] == 200
    kept = fresh.push(id="backend-user-7", subscriptions=[subscription("t")])
    assert kept["data"][0]["profile_id"] == "backend-user-7"
    assert fresh.post("/push_subscribe", {}).status == 400


def test_strict_flag(start_server: StartServer) -> None:
    server = start_server("--strict")
    reply = server.post(
        "/push_subscribe", {"resource_token": "x", "subscriptions": [subscription("t")], "ID": 1}
    )
    assert (reply.status, reply.json["error_text"]) == (400, 'ID: unknown parameter, did you mean "id"?')


def settings_of(*arguments: str) -> Settings:
    """What ``serve`` makes of its arguments and the environment."""
    context = serve.command.make_context("serve", list(arguments))
    for flag in ("quiet", "verbose", "stop_with_stdin"):
        assert context.params.pop(flag) is False
    return Settings(**context.params)


def test_environment_sets_what_flags_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_POLICY", "duplicate_token=move unknown_id=new")
    monkeypatch.setenv("EMULATOR_PORT", "1234")
    monkeypatch.setenv("EMULATOR_STATE", "/somewhere")
    monkeypatch.setenv("EMULATOR_STRICT", "1")
    monkeypatch.setenv("EMULATOR_SEED", "7")
    settings = settings_of()
    assert settings.policies == {"duplicate_token": "move", "unknown_id": "new"}
    assert (settings.port, settings.state, settings.strict, settings.seed) == (
        1234,
        Path("/somewhere"),
        True,
        7,
    )


def test_flags_win_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMULATOR_POLICY", "duplicate_token=move")
    monkeypatch.setenv("EMULATOR_PORT", "1234")
    settings = settings_of("--port", "99", "--policy", "unknown_id=new")
    assert (settings.port, settings.policies) == (99, {"unknown_id": "new"})


# Fixtures


def broken_set(folder: Path) -> Path:
    """A set with a problem in each of its files."""
    folder.mkdir()
    (folder / "databases.json").write_text('[{"id": 17, "name": "Main"}, {"id": 18, "name": 5}]')
    (folder / "resources.json").write_text('[{"id": 5, "name": "App", "token": "t", "db_ids": [17, 4]}]')
    (folder / "profiles.json").write_text(
        '[{"id": "anna", "db_id": 17, "fields": {"number": 1}}, {"db_id": 3}]'
    )
    return folder


PROBLEMS = [
    "databases.json: [1].name (id 18): must be a string",
    "resources.json: [0].db_ids[1] (id 5): there is no database 4",
    'profiles.json: [0].fields.number (id "anna"): database 17 does not declare this field',
    "profiles.json: [1].db_id: there is no database 3",
]


def test_serve_lists_all_problems_of_the_fixtures_and_starts_nothing(tmp_path: Path) -> None:
    folder = broken_set(tmp_path / "set")
    state, port_file = tmp_path / "state", tmp_path / "port"
    finished = run("serve", "--port", "0", "--state", state, "--fixtures", folder, "--port-file", port_file)
    assert (finished.returncode, finished.stdout) == (2, "")
    *listed, last = finished.stderr.splitlines()
    assert listed == [f"{folder}/{problem}" for problem in PROBLEMS]
    assert last == f"error: the fixtures in {folder} cannot be used; nothing was started"
    assert not port_file.exists()
    assert not (state / "default.json").exists()


def test_serve_with_fixtures_that_are_not_there(tmp_path: Path) -> None:
    finished = run("serve", "--port", "0", "--state", tmp_path / "state", "--fixtures", tmp_path / "none")
    assert finished.returncode == 2
    assert finished.stderr.splitlines()[0] == f"{tmp_path / 'none'}: is not a directory"


def test_check_lists_all_problems(tmp_path: Path) -> None:
    folder = broken_set(tmp_path / "set")
    finished = run("check", folder)
    assert (finished.returncode, finished.stdout) == (1, "")
    assert finished.stderr.splitlines() == [f"{folder}/{problem}" for problem in PROBLEMS] + ["4 problem(s)"]


def test_check_of_a_good_set() -> None:
    finished = run("check", DEFAULT_SET)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == f"{DEFAULT_SET}: good: 5 databases, 6 resources, 10 profiles\n"


def test_fake_makes_a_set_that_check_accepts_and_serve_serves(
    tmp_path: Path, start_server: StartServer
) -> None:
    out = tmp_path / "people"
    made = run("fake", "--profiles", 50, "--locale", "ru_RU", "--seed", 42, "--out", out)
    assert (made.returncode, made.stderr) == (0, "")
    assert run("check", out).returncode == 0
    resources = json.loads((out / "resources.json").read_text("utf-8"))
    profiles = json.loads((out / "profiles.json").read_text("utf-8"))
    assert len(profiles) == 50

    server = start_server(fixtures=out)
    assert server.get("/__admin/health").json["profiles"] == 50
    profile = next(one for one in profiles if one.get("subscriptions"))
    held = profile["subscriptions"][0]
    (resource,) = [one for one in resources if one["id"] == held["resource_id"]]
    answer = server.push(
        resource["token"],
        db_ids=[profile["db_id"]],
        subscriptions=[subscription(held["subscription_id"], held["provider"])],
    )
    assert answer["data"][0]["profile_id"] == profile["id"]


def test_fake_into_a_directory_that_is_not_empty(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert_one_line(run("fake", "--profiles", 5, "--out", tmp_path), str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


# What it prints


def test_serve_is_the_default_command_and_prints_its_address(start_server: StartServer) -> None:
    server = start_server()
    assert server.process is not None
    assert server.process.stdout is not None
    expected = f"push-emulator is ready at http://127.0.0.1:{server.port}/push_subscribe\n"
    assert server.process.stdout.readline() == expected
    help_of_serve = run("--help").stdout
    assert "serve" in help_of_serve
    assert run("--policy", "x").stderr.startswith("error: ")  # options without a command are serve's


def test_every_command_is_listed_with_its_help_and_loads() -> None:
    listed = run("--help").stdout.partition("Commands:\n")[2].splitlines()
    assert [line.split()[:2] for line in listed][:2] == [["serve", "Start"], ["run", "Start"]]
    for name, text in COMMANDS.items():
        assert any(line.split() == [name, *text.split()] for line in listed)
        loaded = load_command(name)
        assert loaded.name == name
        assert loaded.params


def test_a_command_loads_nothing_of_the_others() -> None:
    call = "import sys; from emulator.cli import load_command; load_command('health'); print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", call], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    modules = set(loaded.stdout.split())
    own = {name for name in modules if name.startswith("emulator.cli.")}
    assert own == {"emulator.cli.health", "emulator.cli.options"}
    assert not modules & {"faker", "flask", "granian", "segno", "trustme"}


def test_SIGTERM_stops_with_status_0_within_5_seconds(server: Server) -> None:
    since = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - since < 5


def log_lines(server: Server, count: int) -> list[str]:
    """The access log, as soon as it has so many lines."""
    until(lambda: len(server.log().splitlines()) >= count, otherwise=server.log)
    return server.log().splitlines()


def some_requests(server: Server) -> None:
    server.push(id=ANNA, subscriptions=[subscription("new"), subscription("taken-token")])
    server.post("/push_subscribe/", {})
    server.get("/nowhere")


def test_access_log_as_text(server: Server) -> None:
    some_requests(server)
    lines = [line.split(" ") for line in log_lines(server, 3)]
    assert [line[1:6] for line in lines] == [
        ["POST", "/push_subscribe", "200", "200", "1/1"],
        ["POST", "/push_subscribe/", "400", "400", "0/0"],
        ["GET", "/nowhere", "404", "404", "0/0"],
    ]
    for line in lines:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line[0])
        assert float(line[6]) >= 0


def test_access_log_as_json(start_server: StartServer) -> None:
    server = start_server("--log-format", "json")
    some_requests(server)
    lines: list[dict[str, Any]] = [json.loads(line) for line in log_lines(server, 3)]
    wanted = ("method", "path", "status", "error", "ok", "failed")
    assert [tuple(line[name] for name in wanted) for line in lines] == [
        ("POST", "/push_subscribe", 200, 200, 1, 1),
        ("POST", "/push_subscribe/", 400, 400, 0, 0),
        ("GET", "/nowhere", 404, 404, 0, 0),
    ]
    assert all(line["ms"] >= 0 and line["time"].endswith("Z") for line in lines)


def test_quiet_writes_no_access_log(start_server: StartServer) -> None:
    server = start_server("-q")
    some_requests(server)
    assert server.stop() == 0
    assert server.log() == ""


def test_verbose_adds_the_clients_address(start_server: StartServer) -> None:
    server = start_server("-v")
    some_requests(server)
    assert all(re.search(r" 127\.0\.0\.1:\d+$", line) for line in log_lines(server, 3))
