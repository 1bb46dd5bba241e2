"""Large bodies: who may send them, how many at a time, and where they lie."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from emulator.web.bodies import IN_MEMORY, MOST_AT_ONCE
from tests.importer.test_full_disk import limit_files
from tests.importer.test_server import send, table_of
from tests.server import PATIENCE_S, Server

TOKEN = "a-long-admin-token"
LARGE = 50 << 20
FILES = ["/__admin/import", "/__admin/import/preview", "/w/other/__admin/snapshot", "/__console/import"]
#: More than what is kept in memory, in few rows.
TABLE = b"token\n" + b"".join(b"new:%0400d\n" % number for number in range(3_000))

Connect = Callable[..., socket.socket]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Open connections that have sent the head of a large request and so much of its body."""
    with ExitStack() as open_until_then:

        def connect(
            server: Server, path: str, *headers: str, body: bytes = b"", of: int = LARGE
        ) -> socket.socket:
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
            open_until_then.enter_context(connection)
            method = "PUT" if path.endswith("snapshot") else "POST"
            lines = [f"{method} {path} HTTP/1.1", "Host: localhost", f"Content-Length: {LARGE}", *headers]
            connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
            return connection

        yield connect


def status_of(connection: socket.socket) -> int:
    return int(connection.makefile("rb").readline().split()[1])


def held_open(server: Server, folder: Path) -> list[str]:
    """The server's open files below a folder, those without a name included."""
    assert server.process is not None
    links = Path(f"/proc/{server.process.pid}/fd")
    return [to for link in links.iterdir() if (to := _target(link)).startswith(str(folder))]


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([], 401),
        (["Authorization: Bearer wrong"], 401),
        ([f"Authorization: Bearer {TOKEN}", "Origin: http://evil.example"], 403),
    ],
    ids=["no token", "wrong token", "foreign origin"],
)
def test_a_body_is_not_waited_for_where_its_sender_may_not_send_it(
    locked_server: Server, connect: Connect, path: str, headers: list[str], status: int
) -> None:
    asking = connect(locked_server, path, "Expect: 100-continue", *headers)
    assert status_of(asking) == status


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_body_is_not_kept_where_its_sender_may_not_send_it(locked_server: Server) -> None:
    answer = locked_server.request("POST", "/__admin/import", bytes(LARGE))
    assert answer.status == 401
    assert not (locked_server.state / "imports").exists()


@pytest.fixture(scope="module")
def locked_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("locked"), "-q", "--admin-token", TOKEN).start()
    yield server
    server.kill()


def test_so_many_large_bodies_come_in_at_a_time(
    start_server: Callable[..., Server], connect: Connect
) -> None:
    server = start_server("-q")
    body = bytes(IN_MEMORY + 100_000)
    first = [connect(server, "/__admin/import", body=body) for _ in range(MOST_AT_ONCE)]
    while len(held_open(server, server.state / "imports")) < MOST_AT_ONCE:
        assert server.get("/__admin/health").status == 200
    answer = server.request("PUT", "/__admin/snapshot", bytes(IN_MEMORY + 1))
    assert (answer.status, answer.json["error"]) == (503, 503)
    assert answer.json["error_text"].startswith(f"{MOST_AT_ONCE} large bodies are on their way in already")
    assert int(answer.headers["retry-after"]) > 0
    assert send(server, table_of(10)).status == 202  # a small one needs no place
    first.pop().close()
    while send(server, TABLE).status == 503:
        pass
    assert server.get("/__admin/imports").json["total"] == 2


def test_files_of_a_killed_server_are_gone(server: Server, connect: Connect) -> None:
    connect(server, "/__admin/import", body=bytes(IN_MEMORY + 100_000))
    while not held_open(server, server.state / "imports"):
        assert server.get("/__admin/health").status == 200
    send(server, TABLE)
    server.kill()
    server.start()
    assert server.get("/__admin/imports").json["total"] == 1
    assert [path.suffix for path in (server.state / "imports").iterdir() if path.suffix != ".part"] == [
        ".json"
    ]


@pytest.mark.parametrize("path", [*FILES[:2], "/__admin/snapshot"])
def test_a_full_disk_is_answered_507_with_the_folder(fresh: Server, path: str) -> None:
    limit_files(fresh, 2 << 20)
    method = "PUT" if path.endswith("snapshot") else "POST"
    answer = fresh.request(method, path, bytes(4 << 20))
    assert (answer.status, answer.json["error"], answer.json["data"]) == (507, 507, [])
    folder = fresh.state / "imports"
    assert answer.json["error_text"] == f"what was sent cannot be kept in {folder}: File too large"
    limit_files(fresh, None)
    assert send(fresh, TABLE).status == 202


def test_a_full_disk_is_told_on_a_page_of_the_console(fresh: Server) -> None:
    page = fresh.get("/__console/import")
    found = re.search(r'name="(form_token|csrf_token)" value="([^"]+)"', page.body.decode())
    assert found
    form = f'--b\r\nContent-Disposition: form-data; name="{found[1]}"\r\n\r\n{found[2]}\r\n--b\r\n'
    form += 'Content-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\n'
    limit_files(fresh, 1 << 20)
    headers = {"Cookie": page.headers["set-cookie"].partition(";")[0]}
    headers["Content-Type"] = "multipart/form-data; boundary=b"
    body = form.encode() + TABLE + b"\r\n--b--\r\n"
    answer = fresh.request("POST", "/__console/import", body, headers)
    in_russian = fresh.request("POST", "/__console/import?lang=ru", body, headers)
    limit_files(fresh, None)
    assert answer.status == in_russian.status == 507
    assert f"cannot be kept in {fresh.state / 'imports'}: File too large" in answer.body.decode()
    said = f"отправленное не удалось сохранить ({fresh.state / 'imports'}): File too large"
    assert said in in_russian.body.decode()


def test_uploads_need_no_temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a root that is read-only and a /tmp that is full: nothing but the state can be written."""
    server = Server(tmp_path, "-q")
    _without_temporary_folder(monkeypatch)
    server.start()
    try:
        answer = send(server, TABLE)
        assert answer.status == 202, answer.body
    finally:
        server.kill()


def test_without_a_state_folder_507_names_the_temporary_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Server(tmp_path, "-q", "--durability", "none")
    _without_temporary_folder(monkeypatch)
    server.start()
    try:
        for table in (TABLE, table_of(1)):
            answer = send(server, table)
            assert (answer.status, answer.json["error"]) == (507, 507)
            assert "temporary" in answer.json["error_text"]
    finally:
        server.kill()


def _without_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have servers find no folder for temporary files, as Python looks for one."""
    folder = Path(__file__).parent / "no_temporary_folder"
    before = os.environ.get("PYTHONPATH", "")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, (str(folder), before))))


WSGI_SERVER = """
import sys
from pathlib import Path
from werkzeug.serving import make_server
from emulator.app import create_app
from emulator.settings import Settings
app = create_app(Settings(state=Path(sys.argv[1]), admin_token=sys.argv[2]))
server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
"""


@pytest.mark.parametrize("path", FILES)
def test_under_plain_WSGI_too_a_body_is_not_waited_for_where_its_sender_may_not_send_it(
    wsgi_server: Server, connect: Connect, path: str
) -> None:
    assert status_of(connect(wsgi_server, path)) == 401
    foreign = connect(wsgi_server, path, f"Authorization: Bearer {TOKEN}", "Origin: http://evil.example")
    assert status_of(foreign) == 403


@pytest.fixture(scope="module")
def wsgi_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("wsgi")
    server = Server(folder)
    server.process = subprocess.Popen(
        [sys.executable, "-c", WSGI_SERVER, str(folder / "state"), TOKEN],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert server.process.stdout is not None
    server.port = int(server.process.stdout.readline())
    yield server
    server.kill()


@pytest.mark.parametrize(
    ("path", "files", "status"),
    [
        ("/__console/import", 1, 403),  # no form of the console
        ("/__admin/import", 1, 400),  # no plan
        ("/__admin/import/preview", 1, 200),
        ("/__admin/import/preview", 2, 400),
        ("/__admin/import/preview", 9, 413),
    ],
)
def test_a_file_that_nobody_keeps_goes_with_its_request(
    module_server: Server, path: str, files: int, status: int
) -> None:
    part = b'--cut\r\nContent-Disposition: form-data; name="file"; filename="t.csv"\r\n\r\ntoken\nt:1\n\r\n'
    headers = {"Content-Type": "multipart/form-data; boundary=cut"}
    answer = module_server.request("POST", path, part * files + b"--cut--\r\n", headers)
    assert answer.status == status, answer.body
    assert list(Path(module_server.state).rglob("*.upload")) == []
