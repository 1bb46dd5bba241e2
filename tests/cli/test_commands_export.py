"""``run.py export`` and ``run.py reset``: on a state directory and through a running server."""

from __future__ import annotations

import json
import shutil
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from emulator.store.storage import LoggedStorage
from tests.command_line import assert_one_line, run_here
from tests.server import PAGE_TOKEN, ROOT, Server, subscription

FIXTURES = ROOT / "fixtures" / "default"


@pytest.fixture
def stopped(server: Server) -> Server:
    """A server that was stopped with something in its state, in the default workspace and in another."""
    server.push(subscriptions=[subscription("mine")])
    server.post("/__admin/faults", {"then": {"status": 503}, "times": 2})
    server.request("PUT", "/__admin/clock", b'{"now": "2026-01-01T00:00:00Z"}')
    server.request("PUT", "/__admin/workspaces/other")
    server.stop()
    return server


def files(folder: Path) -> dict[str, bytes]:
    """The contents of a directory."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_export_of_a_state_directory_is_the_servers_snapshot_and_changes_nothing(
    stopped: Server, tmp_path: Path
) -> None:
    before = files(stopped.state)
    exported = run_here("export", "--state", stopped.state)
    assert (exported.returncode, exported.stderr) == (0, "")
    out = tmp_path / "out.json"
    assert run_here("export", "--state", stopped.state, "--out", out).returncode == 0
    assert out.read_text(encoding="utf-8") == exported.stdout
    assert files(stopped.state) == before
    stopped.start()
    assert stopped.get("/__admin/snapshot").body.decode() == exported.stdout
    assert json.loads(exported.stdout)["faults"][0]["times"] == 2


def test_export_through_a_server_and_back_into_another_workspace(fresh: Server, tmp_path: Path) -> None:
    fresh.request("PUT", "/w/mine/__admin/clock", b'{"now": "2026-01-01T00:00:00Z"}')
    fresh.post("/w/mine/push_subscribe", {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")]})
    out = tmp_path / "out.json"
    exported = run_here("export", "--url", fresh.url, "--workspace", "mine", "--out", out)
    assert (exported.returncode, exported.stdout, exported.stderr) == (0, "", "")
    assert run_here("export", "--url", f"{fresh.url}/w/mine/").stdout == out.read_text(encoding="utf-8")
    assert fresh.request("PUT", "/w/yours/__admin/snapshot", out.read_bytes()).json["profiles"] == 11
    assert fresh.get("/w/yours/__admin/snapshot").body == out.read_bytes()


def test_export_of_a_workspace_that_the_server_does_not_have_makes_none(fresh: Server) -> None:
    assert_one_line(
        run_here("export", "--url", fresh.url, "--workspace", "mien"), '"mien"', "there are: default"
    )
    assert [one["name"] for one in fresh.get("/__admin/workspaces").json["items"]] == ["default"]


def test_a_state_in_use_is_reached_through_its_server(fresh: Server) -> None:
    for command in ("export", "reset"):
        finished = run_here(command, "--state", fresh.state)
        assert_one_line(finished, str(fresh.state), "in use", f"process {fresh.process.pid}", "--url")  # type: ignore[union-attr]


def test_errors_of_use_are_one_line(tmp_path: Path, stopped: Server) -> None:
    nowhere = tmp_path / "nowhere"
    assert_one_line(run_here("export"), "--state DIR", "--url URL")
    assert_one_line(run_here("export", "--state", stopped.state, "--url", "http://127.0.0.1:1"), "--url URL")
    assert_one_line(run_here("export", "--state", nowhere), str(nowhere), "is not a directory")
    assert not nowhere.exists()
    assert_one_line(run_here("export", "--state", stopped.state, "--workspace", "x"), '"x"', "default, other")
    assert_one_line(run_here("export", "--url", "http://127.0.0.1:1"), "http://127.0.0.1:1/__admin/snapshot")
    assert_one_line(run_here("export", "--state", stopped.state, "--out", nowhere / "x"), str(nowhere))
    assert_one_line(run_here("reset", "--url", "http://127.0.0.1:1", "--fixtures", FIXTURES), "--fixtures")
    (stopped.state / "default.json").write_text("{}")
    assert_one_line(run_here("export", "--state", stopped.state), "default.json", "damaged")


class Foreign(BaseHTTPRequestHandler):
    """Answers every request with an error page of several lines."""

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_is_no_emulator_is_told_in_one_line() -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), Foreign) as foreign:
        thread = Thread(target=foreign.serve_forever)
        thread.start()
        try:
            url, words = f"http://127.0.0.1:{foreign.server_port}", "does not answer as an emulator does"
            for command in ("export", "reset"):
                assert_one_line(run_here(command, "--url", url), f"{url}/__admin/", words)
            asked = run_here("health", "--port", foreign.server_port)
        finally:
            foreign.shutdown()
            thread.join()
    assert (asked.returncode, asked.stderr.count("\n")) == (1, 1)
    assert words in asked.stderr


def test_export_needs_the_servers_admin_token(start_server: Any) -> None:
    server = start_server("--admin-token", "secret")
    assert_one_line(run_here("export", "--url", server.url), "admin token")
    exported = run_here("export", "--url", server.url, environment={"EMULATOR_ADMIN_TOKEN": "secret"})
    assert json.loads(exported.stdout)["format"] == 1


def test_reset_of_a_state_directory(stopped: Server, tmp_path: Path) -> None:
    finished = run_here("reset", "--state", stopped.state, "--keep", "clock")
    assert finished.stdout == "default: back to the fixtures: 10 profiles, 15 subscriptions\n"
    stopped.start()
    snapshot = stopped.get("/__admin/snapshot").json
    assert (len(snapshot["profiles"]), snapshot["faults"], snapshot["clock"]["frozen"]) == (10, [], True)
    stopped.stop()
    fixtures = tmp_path / "fixtures"
    shutil.copytree(FIXTURES, fixtures)
    (fixtures / "profiles.json").unlink()
    finished = run_here("reset", "--state", stopped.state, "--workspace", "other", "--fixtures", fixtures)
    assert finished.stdout == "other: back to the fixtures: 0 profiles, 0 subscriptions\n"
    stopped.start()
    assert stopped.get("/w/other/__admin/health").json["profiles"] == 0
    assert stopped.get("/__admin/health").json["profiles"] == 10


def test_reset_of_a_state_that_nobody_has_changed(fresh: Server, tmp_path: Path) -> None:
    fresh.stop()
    before = files(fresh.state)
    assert "default.json" not in before
    finished = run_here("reset", "--state", fresh.state)
    assert (finished.returncode, finished.stderr) == (0, "")
    assert finished.stdout == "default: nothing is stored yet, there is nothing to reset\n"
    finished = run_here("doctor", "--state", fresh.state)
    assert (finished.returncode, finished.stdout) == (0, "default.json: nothing is stored yet\n")
    assert_one_line(run_here("export", "--state", fresh.state), "nothing is stored yet", "--url")
    for command in ("reset", "export"):
        absent = run_here(command, "--state", fresh.state, "--workspace", "x")
        assert_one_line(absent, '"x"', "there are: default")
    assert files(fresh.state) == before
    fixtures = tmp_path / "fixtures"
    shutil.copytree(FIXTURES, fixtures)
    (fixtures / "profiles.json").unlink()
    finished = run_here("reset", "--state", fresh.state, "--fixtures", fixtures)
    assert finished.stdout == "default: back to the fixtures: 0 profiles, 0 subscriptions\n"
    fresh.start()
    assert fresh.get("/__admin/health").json["profiles"] == 0


def test_a_directory_that_is_no_state_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text("{}")
    (tmp_path / "lock").write_text("somebody else's")
    before = files(tmp_path)
    for command in ("reset", "export", "doctor"):
        assert_one_line(run_here(command, "--state", tmp_path), f"{tmp_path}: there is no state here")
    assert files(tmp_path) == before


def test_reset_with_bad_fixtures_changes_nothing(stopped: Server, tmp_path: Path) -> None:
    before = files(stopped.state)
    (tmp_path / "databases.json").write_text("[{}]")
    finished = run_here("reset", "--state", stopped.state, "--fixtures", tmp_path)
    assert finished.returncode == 2
    assert finished.stderr.splitlines()[0] == f"{tmp_path / 'databases.json'}: [0].id: is required"
    assert finished.stderr.splitlines()[-1].endswith("cannot be used; nothing was changed")
    assert files(stopped.state) == before


def test_reset_through_a_server(fresh: Server) -> None:
    fresh.post("/w/mine/push_subscribe", {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")]})
    finished = run_here("reset", "--url", fresh.url, "--workspace", "mine")
    assert finished.stdout == "mine: back to the fixtures: 10 profiles, 15 subscriptions\n"
    assert fresh.get("/w/mine/__admin/health").json["profiles"] == 10
    assert_one_line(run_here("reset", "--url", fresh.url, "--workspace", "No"), "workspace: its name must be")


def test_an_export_of_a_state_writes_nothing_whatever_a_kill_left(stopped: Server) -> None:
    """Not even into one that was killed before it was filled, or in the middle of a line."""
    unfilled = stopped.folder / "unfilled"
    unfilled.mkdir()
    LoggedStorage(unfilled / "default.json").discard()
    before = files(unfilled)
    assert_one_line(run_here("export", "--state", unfilled), "never filled")
    assert files(unfilled) == before
    for name in ("lock", "lock.holder"):
        (stopped.state / name).unlink(missing_ok=True)
    (journal,) = stopped.state.glob("default.*.journal")
    journal.write_bytes(journal.read_bytes() + b"torn")
    before = files(stopped.state)
    stopped.state.chmod(0o555)
    try:
        exported = run_here("export", "--state", stopped.state)
    finally:
        stopped.state.chmod(0o755)
    assert (exported.returncode, exported.stderr) == (0, "")
    assert len(json.loads(exported.stdout)["profiles"]) == 11
    assert files(stopped.state) == before


def comparable(snapshot: dict[str, Any]) -> Any:
    """Databases, resources and profiles of a snapshot, without the times of the records."""
    profiles = [dict(one, created="") for one in snapshot["profiles"]]
    for one in profiles:
        one["subscriptions"] = [dict(each, created="", updated="") for each in one["subscriptions"]]
    return snapshot["databases"], snapshot["resources"], profiles


@pytest.mark.parametrize("through", ["--state", "--url"])
def test_a_state_as_fixtures_is_good_and_starts_to_the_same_state(
    server: Server, start_server: Any, tmp_path: Path, through: str
) -> None:
    server.push(subscriptions=[subscription("mine"), subscription("emu!after!reset/x")])
    server.push(
        "two-databases",
        matching="custom",
        field_name="CustomNumber1",
        field_value=-7,
        subscriptions=[subscription("ж\u2028", "ios-apns", unsubscribe=False)],
    )
    server.post("/__admin/databases", {"id": 99, "name": "Empty"})
    server.post(
        "/__admin/resources", {"id": 98, "name": "Web", "token": "w", "db_ids": [99], "providers": []}
    )
    snapshot = server.get("/__admin/snapshot").json
    out = tmp_path / "set"
    if through == "--state":
        server.stop()
    exported = run_here("export", "--as", "fixtures", "--out", out, through, getattr(server, through[2:]))
    assert (exported.returncode, exported.stderr) == (0, "")
    assert run_here("check", out).returncode == 0
    server.kill()
    again = start_server("--state", str(tmp_path / "other"), fixtures=out)
    assert comparable(again.get("/__admin/snapshot").json) == comparable(snapshot)


def test_what_no_fixture_can_hold_is_left_out_and_counted(fresh: Server, tmp_path: Path) -> None:
    assert fresh.request("PATCH", "/__admin/resources/22", b'{"providers": ["ios-apns"]}').status == 200
    twice = {"provider": "android-firebase", "subscription_id": "anonymous-phone", "status": "subscribed"}
    jwt = run_here("token", "--jwt", "--email", "olga@example.com").stdout.strip()
    headers = {"Authorization": f"Bearer {jwt}"}
    body = {"time": 1, "subscription_id": "anonymous-phone", "subscription": {**twice, "cats": []}}
    path = "/subscription/push/subscribe/?sync=true"
    assert fresh.request("POST", path, json.dumps(body).encode(), headers).json["error"] == 0
    less = {"categories": [{"name": "news", "title": "News"}], "subscription_fields": {"points": "int"}}
    assert fresh.request("PATCH", "/__admin/resources/60", json.dumps(less).encode()).status == 200
    out = tmp_path / "set"
    exported = run_here("export", "--as", "fixtures", "--out", out, "--url", fresh.url)
    assert exported.stderr.splitlines() == [
        "left out: 3 subscriptions that their resource no longer accepts (S6)",
        "left out: 3 fields and categories that their resource no longer has",
        "left out: 1 subscriptions whose token is active on another profile, too (S4)",
    ]
    assert run_here("check", out).returncode == 0


def test_fixtures_go_into_a_new_directory_or_nowhere(fresh: Server, tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    export = ("export", "--as", "fixtures", "--url", fresh.url)
    assert_one_line(run_here(*export), "--out DIR")
    assert_one_line(run_here(*export, "--out", tmp_path), str(tmp_path), "is not empty")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
