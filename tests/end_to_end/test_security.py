"""The threats of docs/security.md that no other test shows shut."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from emulator.server.connections import HEAD_BYTES
from tests.command_line import assert_one_line, run
from tests.server import PATIENCE_S, ROOT, Server, subscription

SECURITY = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
#: Clients that are slow at a time.
SLOW = 300
Connect = Callable[[Server, bytes], socket.socket]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open connections that have sent something; all are closed at the end."""
    with ExitStack() as open_until_then:

        def connect(server: Server, sent: bytes) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
            open_until_then.enter_context(connection)
            connection.sendall(sent)
            return connection

        yield connect


@pytest.mark.parametrize("test", sorted(set(re.findall(r"`(tests/[\w/]+\.py::\w+)`", SECURITY))))
def test_every_test_that_the_threat_list_names_is_there(test: str) -> None:
    file, _, name = test.partition("::")
    assert f"def {name}(" in (ROOT / file).read_text(encoding="utf-8")


WATCH = """
import sys

def watch(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.sendmsg") or event.startswith("socket.get"):
        with open({log!r}, "a") as log:
            print(event, arguments, file=log)

sys.addaudithook(watch)
sys.audit("socket.getaddrinfo", "127.0.0.1")  # shows that somebody watches
"""


def test_nothing_leaves_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_server: Callable[..., Server]
) -> None:
    """Whatever Python connects to or looks up is written down, from the start to the stop."""
    log = tmp_path / "looked up"
    (tmp_path / "sitecustomize.py").write_text(WATCH.format(log=str(log)))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    server = start_server()
    server.push(subscriptions=[subscription("t")])
    for path in ("/", "/__admin/requests", "/__admin/docs/", "/__console/faults", "/__admin/metrics"):
        assert server.get(path).status == 200
    assert server.stop() == 0
    written = log.read_text().splitlines()
    assert written
    assert [line for line in written if "127.0.0.1" not in line] == []


@pytest.mark.parametrize(
    "part",
    [
        b"",
        b"POST /push_subscribe HTTP/1.1\r\nHost: x\r\nContent-Le",
        b"POST /push_subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{",
        b"POST /push_subscribe HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ],
    ids=["nothing", "half a header", "half a body", "half a chunk"],
)
def test_slow_clients_delay_nobody(fresh: Server, connect: Connect, part: bytes) -> None:
    slow = [connect(fresh, part) for _ in range(SLOW)]
    assert fresh.push(subscriptions=[subscription("quick")])["error"] == 0
    for connection in slow:
        connection.setblocking(False)
        with pytest.raises(BlockingIOError):
            connection.recv(1)  # still there, still waiting: it was not served before the quick one


def test_slow_clients_do_not_keep_the_server_from_stopping(server: Server, connect: Connect) -> None:
    for _ in range(50):
        connect(server, b"POST /push_subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{")
    assert server.stop() == 0


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_log_line_cannot_be_forged(start_server: Callable[..., Server], log_format: str) -> None:
    server = start_server("--log-format", log_format)
    forged = "/x%0A2026-01-01T00:00:00.000Z%20POST%20/push_subscribe%20200%200%0D%1B[2J%E2%80%A8end"
    assert server.get(forged).status == 404
    assert server.stop() == 0
    lines = [line for line in server.log().splitlines() if "/x" in line]
    assert len(lines) == 1
    assert lines[0].isprintable()
    assert "end" in lines[0]


@pytest.mark.parametrize(
    "name", ["..", "%2e%2e", "..%2F..%2Fescaped", "a%00b", "a.json", "A", "-" * 65, "%C3%A9", "~"]
)
def test_workspace_name_cannot_leave_the_state_directory(fresh: Server, name: str) -> None:
    before = _files(fresh.folder)
    for path in (f"/w/{name}/push_subscribe", f"/w/{name}/__admin/requests"):
        assert fresh.get(path).status in (400, 404, 405)
    fresh.request("PUT", f"/__admin/workspaces/{name}")
    made = {path.relative_to(fresh.folder).parts[0] for path in _files(fresh.folder) - before}
    assert made <= {"state", "log"}


def test_workspace_header_is_held_to_the_same_names(fresh: Server) -> None:
    for name in ("../escaped", "a/b", "A", "a b", "\u0436".encode().decode("latin-1")):
        answer = fresh.post("/push_subscribe", {}, **{"X-Emulator-Workspace": name})
        assert (answer.status, answer.json["error_text"][:10]) == (400, "workspace:"), name


def test_unreadable_workspace_header_is_not_overlooked_beside_repeated_ones(
    fresh: Server, connect: Connect
) -> None:
    head = "GET /nowhere HTTP/1.1\r\nHost: localhost\r\nX-A: 1\r\nX-A: 2\r\nConnection: close\r\n"
    connection = connect(fresh, f"{head}X-Emulator-Workspace: \u0436\r\n\r\n".encode())
    assert connection.makefile("rb").readline().startswith(b"HTTP/1.1 400")


@pytest.mark.parametrize("name", ["lock.holder", "default.json", "other.json"])
def test_link_in_the_state_directory_is_refused_and_not_followed(tmp_path: Path, name: str) -> None:
    foreign, state = tmp_path / "foreign", tmp_path / "state"
    foreign.write_text("somebody else's")
    state.mkdir()
    (state / name).symlink_to(foreign)
    assert_one_line(run("serve", "--port", "0", "--state", state), name, "symbolic link")
    assert foreign.read_text() == "somebody else's"
    assert [path.name for path in state.iterdir()] == [name]


def test_link_to_a_directory_of_certificates_is_refused(tmp_path: Path) -> None:
    foreign, state = tmp_path / "foreign", tmp_path / "state"
    foreign.mkdir()
    state.mkdir()
    (state / "tls").symlink_to(foreign)
    assert_one_line(
        run("serve", "--port", "0", "--state", state, "--tls-self-signed"), "tls", "symbolic link"
    )
    assert list(foreign.iterdir()) == []


def test_header_without_end_is_refused(fresh: Server, connect: Connect) -> None:
    connection = connect(fresh, b"GET /__admin/health HTTP/1.1\r\nHost: 127.0.0.1\r\n")
    try:
        for _ in range(HEAD_BYTES // 1000 + 1):
            connection.sendall(b"X-More: " + b"x" * 1000 + b"\r\n")
        answer = connection.recv(1000)
    except OSError:
        answer = b""
    assert not answer.startswith(b"HTTP/1.1 200")
    assert fresh.get("/__admin/health").status == 200


def test_body_over_the_limit_is_not_kept(fresh: Server) -> None:
    answer = fresh.request("POST", "/push_subscribe", b"[" * (1 << 20) + b"[")
    assert (answer.status, answer.json["error"]) == (413, 413)
    (entry,) = fresh.get("/__admin/requests").json["items"]
    assert len(json.dumps(entry)) < 2000


def _files(folder: Path) -> set[Path]:
    return {path for path in folder.rglob("*") if path.is_file()}
