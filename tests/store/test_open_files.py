"""A server's open files: none for an idle workspace, and a clear refusal where the system gives no more."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

import pytest

from emulator.app import create_app
from emulator.emulator import Emulator
from emulator.fixtures.load import FixtureError
from emulator.settings import Settings
from emulator.store.errors import StateError
from emulator.store.open_files import MOST_OPEN
from tests.server import PATIENCE_S, ROOT, Server, subscription
from tests.waiting import until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc and prlimit as Linux has them")


def open_in(server: Server, folder: Path) -> list[str]:
    """The files below a folder that the server has open."""
    assert server.process is not None
    found = []
    for link in Path(f"/proc/{server.process.pid}/fd").iterdir():
        try:
            target = os.readlink(link)
        except OSError:  # closed meanwhile
            continue
        if target.startswith(f"{folder}/") and not target.endswith("/lock"):
            found.append(target)
    return found


def limit(server: Server, files: int) -> None:
    """How many files the server may have open from now on."""
    assert server.process is not None
    resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (files, 4096))


def change(server: Server, workspace: str) -> int:
    """A push that changes something; its error."""
    body = {"resource_token": "two-databases", "subscriptions": [subscription("t")]}
    error: int = server.post(f"/w/{workspace}/push_subscribe", body).json["error"]
    return error


def test_more_workspaces_than_files_may_be_open_all_work_and_idle_ones_hold_none_open(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("-q", "--durability", "fsync")
    limit(server, MOST_OPEN + 60)
    names = [f"w{number}" for number in range(MOST_OPEN + 80)]
    assert [change(server, name) for name in names] == [0] * len(names)
    assert len(open_in(server, server.state)) <= MOST_OPEN + 2
    assert server.get("/__admin/workspaces").json["total"] == len(names) + 1
    assert server.post(f"/w/{names[0]}/__admin/reset", {}).status == 200
    assert change(server, names[0]) == 0
    assert server.request("DELETE", f"/__admin/workspaces/{names[1]}").status == 200
    assert server.get("/__admin/health").json["status"] == "ok"
    until(lambda: not open_in(server, server.state), otherwise=lambda: open_in(server, server.state))
    server.kill()
    server.start()
    assert server.get(f"/w/{names[-1]}/__admin/health").json["profiles"] == 12


def test_what_cannot_be_opened_is_refused_as_unavailable_and_health_says_so(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("-q")
    assert server.process is not None
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)

    def ask(method: str, path: str, body: str | None = None) -> tuple[int, str]:
        connection.request(method, path, body)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    assert ask("GET", "/__admin/health")[0] == 200
    assert ask("GET", "/w/there/__admin/health")[0] == 200
    push = json.dumps({"resource_token": "two-databases", "subscriptions": [subscription("t")]})
    limit(server, 3)
    try:
        for method, path, body in (
            ("POST", "/push_subscribe", push),
            ("POST", "/w/new/push_subscribe", push),
            ("POST", "/w/there/push_subscribe", push),
            ("PUT", "/__admin/workspaces/new", None),
            ("DELETE", "/__admin/workspaces/there", None),
            ("GET", "/__admin/workspaces", None),
            ("PATCH", "/__admin/settings", '{"strict": true}'),
        ):
            status, text = ask(method, path, body)
            assert (status, "Too many open files" in text) == (503, True), (path, text)
            assert json.loads(text)["error"] == 503
        status, text = ask("GET", "/__console/import")
        assert (status, "Too many open files" in text) == (503, True)
        status, text = ask("GET", "/__admin/health")
        assert (status, '"failing"' in text, "Too many open files" in text) == (200, True, True)
    finally:
        limit(server, 1000)
    until(lambda: '"ok"' in ask("GET", "/__admin/health")[1])
    for workspace in ("default", "there"):
        assert json.loads(ask("GET", f"/w/{workspace}/__admin/health")[1])["profiles"] == 10
    assert json.loads(ask("GET", "/__admin/settings")[1])["strict"] is False
    assert '"new"' not in ask("GET", "/__admin/workspaces")[1]
    assert ask("POST", "/push_subscribe", push)[0] == 200
    connection.close()


def test_an_application_that_cannot_be_made_leaves_nothing_open(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    (state / "default.json").write_text("somebody else's")
    for settings, error in (
        (Settings(state=state), StateError),
        (Settings(state=tmp_path / "new", fixtures=tmp_path / "nowhere"), FixtureError),
        (Settings(state=state / "default.json"), OSError),
    ):
        before = sorted(os.listdir("/proc/self/fd"))
        with pytest.raises(error):
            create_app(settings)
        assert sorted(os.listdir("/proc/self/fd")) == before, error
    (state / "default.json").unlink()
    for folder in (state, tmp_path / "new"):
        Emulator(Settings(state=folder)).close()


def test_the_soft_limit_of_open_files_is_raised_to_the_hard_one(start_server: Callable[..., Server]) -> None:
    code = (
        "import resource\n"
        "from emulator.store.open_files import raise_limit\n"
        "_, hard = resource.getrlimit(resource.RLIMIT_NOFILE)\n"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))\n"
        "raise_limit()\n"
        "assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=PATIENCE_S)
    server = start_server("-q")
    assert server.process is not None
    soft, hard = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
    assert soft == hard
