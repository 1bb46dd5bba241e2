"""The application under plain WSGI servers with threads: nothing is lost, and nobody waits for a sleeper."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from tinydb import TinyDB

from emulator.app import create_app
from emulator.settings import Settings
from emulator.store.errors import StateError
from tests.command_line import run_here
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, PATIENCE_S, ROOT, Server, subscription

SERVERS = pytest.mark.parametrize("name", ["waitress", "flask"])
CLIENTS, REQUESTS = 8, 40


class Plain(Server):
    """A plain WSGI server as a process."""

    def __init__(self, folder: Path, name: str, durability: str = "os", state: str | None = None) -> None:
        super().__init__(folder, state=state)
        self.name = name
        self.durability = durability

    def start(self) -> Plain:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.web.plain_server", self.name, str(self.state), self.durability],
            stdout=subprocess.PIPE,
            stderr=(self.folder / "log").open("a"),
            text=True,
            cwd=ROOT,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.strip().isdigit(), self.log()
        self.port = int(line)
        return self


@pytest.fixture
def start_plain(tmp_path: Path) -> Iterator[Callable[..., Plain]]:
    """Start plain WSGI servers; all are stopped at the end."""
    servers: list[Plain] = []

    def start(name: str = "waitress", durability: str = "os") -> Plain:
        servers.append(Plain(tmp_path, name, durability))
        return servers[-1].start()

    yield start
    for server in servers:
        server.kill()


@pytest.fixture(scope="module", params=["waitress", "flask"])
def plain(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plain]:
    """A server for the tests that leave it well."""
    server = Plain(tmp_path_factory.mktemp(request.param), request.param, "os").start()
    yield server
    server.kill()


def ask(connection: HTTPConnection, path: str, document: Any) -> int:
    connection.request("POST", path, json.dumps(document), {"Content-Type": "application/json"})
    answer = connection.getresponse()
    answer.read()
    return answer.status


def push_many(server: Server, client: int, requests: int) -> list[str]:
    """The tokens that the server acknowledged; every tenth request is an admin call."""
    acknowledged = []
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    for number in range(requests):
        token = f"token-{client}-{number}"
        if number % 10:
            entry = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)]}
            status = ask(connection, "/push_subscribe", entry)
        else:
            profile = {"db_id": 17, "id": f"profile-{client}-{number}"}
            status = ask(connection, "/__admin/profiles", profile)
            token = profile["id"]
        assert status in (200, 201), (status, server.log())
        acknowledged.append(token)
    connection.close()
    return acknowledged


def acknowledged_by(server: Server, requests: int) -> set[str]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        lists = pool.map(lambda client: push_many(server, client, requests), range(CLIENTS))
        return {token for tokens in lists for token in tokens}


def assert_all_there(server: Server, acknowledged: set[str]) -> None:
    snapshot = server.get("/__admin/snapshot").json
    found = [one["id"] for one in snapshot["profiles"]]
    found += [one["subscription_id"] for profile in snapshot["profiles"] for one in profile["subscriptions"]]
    assert sorted(one for one in found if one in acknowledged) == sorted(acknowledged)


@SERVERS
def test_plain_wsgi_loses_nothing_that_it_acknowledged(
    name: str, start_plain: Callable[..., Plain], start_server: Callable[..., Server]
) -> None:
    server = start_plain(name)
    acknowledged = acknowledged_by(server, REQUESTS)
    assert len(acknowledged) == CLIENTS * REQUESTS
    assert_all_there(server, acknowledged)
    server.stop()
    assert_all_there(start_server(), acknowledged)


@SERVERS
def test_plain_wsgi_waits_for_the_disk_in_fsync_mode(
    name: str, start_plain: Callable[..., Plain], start_server: Callable[..., Server]
) -> None:
    server = start_plain(name, "fsync")
    acknowledged = acknowledged_by(server, 20)
    server.kill()
    assert_all_there(start_server(), acknowledged)


@SERVERS
def test_plain_wsgi_stopped_by_ctrl_c_leaves_one_plain_tinydb_file(
    name: str, start_plain: Callable[..., Plain]
) -> None:
    server = start_plain(name)
    assert server.push(subscriptions=[subscription("last")])["error"] == 0
    assert server.process is not None
    server.process.send_signal(signal.SIGINT)
    server.process.wait(PATIENCE_S)
    with TinyDB(server.state / "default.json") as database:
        tokens = [document["subscription_id"] for document in database.table("subscriptions")]
    assert "last" in tokens
    assert not (server.state / "lock.holder").exists()


def test_plain_wsgi_delay_and_slow_body_hold_nobody_up(plain: Plain) -> None:
    body = json.dumps(
        {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("emu!delay=600000")]}
    ).encode()
    head = b"POST /push_subscribe HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(body)
    with (
        socket.create_connection(("127.0.0.1", plain.port)) as delayed,
        socket.create_connection(("127.0.0.1", plain.port)) as slow,
    ):
        delayed.sendall(head + body)
        slow.sendall(head + body[:10])
        came = {"match": {"subscription_id": "emu!delay=600000"}, "within": PATIENCE_S}
        assert plain.post("/__admin/requests/verify", came).json == {"count": 1}
        for number in range(20):
            assert plain.push(subscriptions=[subscription(f"quick-{number}")])["error"] == 0
        delayed.setblocking(False)
        with pytest.raises(BlockingIOError):
            delayed.recv(1)


def test_plain_wsgi_wait_ends_with_the_request_that_it_waits_for(plain: Plain) -> None:
    asked = {"match": {"subscription_id": "awaited"}, "within": 60}
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(plain.post, "/__admin/requests/verify", asked) for _ in range(3)]
        for number in range(20):
            assert plain.push(subscriptions=[subscription(f"other-{number}")])["error"] == 0
        assert not any(one.done() for one in waiting)
        assert plain.push(subscriptions=[subscription("awaited")])["error"] == 0
        assert [one.result(PATIENCE_S).json for one in waiting] == [{"count": 1}] * 3


def test_an_import_that_ends_before_its_answer_has_its_notes_too(plain: Plain, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("token\nno-firebase-token\n")
    how = ("--resource", 5, "--provider", "android-firebase", "--match", "push", "--token-column", "token")
    ran = run_here("import", tmp_path / "t.csv", *how, "--url", f"http://127.0.0.1:{plain.port}", "--dry-run")
    assert ran.returncode == 0
    assert ran.stderr.startswith("note: 1 of 1 tokens do not look like android-firebase")


def test_plain_wsgi_snapshot_is_whole_while_others_write(plain: Plain) -> None:
    with ThreadPoolExecutor(3) as pool:
        pushing = [pool.submit(push_many, plain, client, 100) for client in range(3)]
        while not all(one.done() for one in pushing):
            snapshot = plain.get("/__admin/snapshot")
            assert (snapshot.status, type(snapshot.json["profiles"])) == (200, list)
    assert_all_there(plain, {token for one in pushing for token in one.result()})
    assert plain.request("PUT", "/__admin/snapshot", snapshot.body).status == 200


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_plain_wsgi_body_over_its_limit_is_413(plain: Plain, framing: str) -> None:
    connection = HTTPConnection("127.0.0.1", plain.port, timeout=PATIENCE_S)
    body = b"x" * (1 << 20) + b"x"
    connection.request("POST", "/push_subscribe", body if framing == "length" else iter([body]))
    answer = connection.getresponse()
    assert (answer.status, json.loads(answer.read())["error"]) == (413, 413)
    connection.close()


@pytest.mark.parametrize("effect", ["reset", "empty", "truncated", "slow"])
def test_plain_wsgi_says_that_it_cannot_break_a_connection(effect: str) -> None:
    with InProcess() as world:
        answer = world.post({"resource_token": PAGE_TOKEN, "subscriptions": [subscription(f"emu!{effect}")]})
    assert answer.status_code == 500
    assert "needs the emulator's own server" in answer.get_json()["error_text"]


def test_two_applications_in_one_process_know_nothing_of_each_other(tmp_path: Path) -> None:
    apps = [create_app(Settings(state=tmp_path / name)) for name in ("one", "two")]
    counts: list[int] = []
    try:
        with pytest.raises(StateError, match="in use by another emulator"):
            create_app(Settings(state=tmp_path / "one"))

        def push(app: Any, count: int) -> None:
            client = app.test_client()
            for number in range(count):
                entry = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(f"t-{number}")]}
                assert client.post("/push_subscribe", json=entry).get_json()["error"] == 0

        threads = [threading.Thread(target=push, args=pair) for pair in zip(apps, (20, 40), strict=True)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(PATIENCE_S)
        for app in apps:
            asked = {"match": {"method": "POST"}, "within": 0}
            counts.append(app.test_client().post("/__admin/requests/count", json=asked).get_json()["count"])
    finally:
        for app in apps:
            app.extensions["emulator"].close()
    assert counts == [20, 40]


def _answer_in_a_fork(app: Any) -> None:
    status = app.test_client().post("/push_subscribe", json={}).status_code
    os._exit(0 if status == 500 else 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_fork_of_the_process_that_opened_the_state_is_refused(tmp_path: Path) -> None:
    """Two processes would write one log: a server forks before it makes the application, or not at all."""
    app = create_app(Settings(state=tmp_path / "state"))
    try:
        child = multiprocessing.get_context("fork").Process(target=_answer_in_a_fork, args=(app,))
        child.start()
        child.join(PATIENCE_S)
        assert child.exitcode == 0
        assert app.test_client().post("/push_subscribe", json={}).status_code == 400
    finally:
        app.extensions["emulator"].close()


def test_closed_application_refuses_instead_of_losing(tmp_path: Path) -> None:
    app = create_app(Settings(state=tmp_path / "state"))
    app.extensions["emulator"].close()
    app.extensions["emulator"].close()
    entry = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("late")]}
    answer = app.test_client().post("/push_subscribe", json=entry)
    assert answer.status_code == 500
    assert "the state is closed" in answer.get_json()["error_text"]
