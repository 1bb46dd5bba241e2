"""``--host localhost``: both loopback addresses, on one port."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from emulator.server import connections
from emulator.server.server import DOOR
from tests.server import PAGE_TOKEN, PATIENCE_S, Server, subscription

BOTH = ("127.0.0.1", "::1")


def has(address: str) -> bool:
    try:
        connections.listen(address, 0)[0].close()
    except OSError:
        return False
    return True


needs_both = pytest.mark.skipif(not all(map(has, BOTH)), reason="this machine has one loopback address only")


@pytest.fixture(scope="module")
def server(door: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("localhost")
    server = Server(folder, "--host", "localhost", environment={DOOR: door}).start()
    yield server
    server.kill()


def ask(
    server: Server, address: str, method: str = "GET", path: str = "/__admin/health", body: str = ""
) -> int:
    with closing(HTTPConnection(address, server.port, timeout=PATIENCE_S)) as connection:
        connection.request(method, path, body)
        return connection.getresponse().status


@needs_both
def test_both_addresses_are_answered_at_once_and_from_one_state(server: Server) -> None:
    def ask_often(address: str) -> set[int]:
        return {ask(server, address, "POST", "/w/both/push_subscribe") for _ in range(50)}

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(ask_often, BOTH * 2)) == [{400}] * 4
    assert server.get("/w/both/__admin/requests?limit=1").json["total"] == 200


@needs_both
@pytest.mark.parametrize("address", BOTH)
def test_faults_find_the_connections_of_each_address(server: Server, address: str) -> None:
    call = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("emu!reset")]}
    with pytest.raises(ConnectionResetError):
        ask(server, address, "POST", "/push_subscribe", json.dumps(call))


def test_ready_is_said_once_and_a_stop_ends_both(tmp_path: Path, door: str) -> None:
    server = Server(tmp_path, "--host", "localhost", environment={DOOR: door}).start()
    with closing(HTTPConnection("localhost", server.port, timeout=PATIENCE_S)) as resting:
        resting.request("GET", "/__admin/health")
        assert resting.getresponse().read()
        assert server.process is not None
        server.process.terminate()
        said, _ = server.process.communicate(timeout=PATIENCE_S)
    assert said.splitlines() == [f"push-emulator is ready at http://localhost:{server.port}/push_subscribe"]
    assert server.process.returncode == 0
    for address in BOTH:
        with pytest.raises(OSError, match=r"."):
            socket.create_connection((address, server.port), PATIENCE_S).close()


@needs_both
@pytest.mark.parametrize("address", BOTH)
def test_a_port_that_is_taken_at_one_address_is_taken(tmp_path: Path, address: str) -> None:
    with ExitStack() as stack:
        (taken,) = map(stack.enter_context, connections.listen(address, 0))
        port = taken.getsockname()[1]
        server = Server(tmp_path, "--host", "localhost", "--port", str(port))
        with pytest.raises(AssertionError, match=f"cannot listen on localhost port {port}"):
            server.start()
        server.kill()


@pytest.mark.parametrize(
    ("loopbacks", "left"), [(("127.0.0.1", "2001:db8::1"), "127.0.0.1"), (("192.0.2.1", "::1"), "::1")]
)
def test_where_one_address_does_not_exist_the_other_serves_alone(
    monkeypatch: pytest.MonkeyPatch, loopbacks: tuple[str, str], left: str
) -> None:
    """Addresses for documentation stand in for the loopback that a machine lacks."""
    if not has(left):
        pytest.skip(f"this machine has no {left}")
    monkeypatch.setattr(connections, "LOOPBACKS", loopbacks)
    (listener,) = connections.listen("LocalHost", 0)
    with listener:
        assert listener.getsockname()[0] == left


def test_where_neither_exists_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "LOOPBACKS", ("192.0.2.1", "2001:db8::1"))
    with pytest.raises(OSError, match="annot assign requested address"):
        connections.listen("localhost", 0)
