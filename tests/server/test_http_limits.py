"""HTTP that a client may speak and that is hard to serve; what granian cannot do yet says when it can."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from emulator.server.server import DOOR
from tests.raw_http import post_head
from tests.server import PATIENCE_S, Server
from tests.web.conftest import BAD, GOOD_BODY, assert_error

MEBIBYTE = bytes(1 << 20)


@pytest.fixture(scope="module")
def server(door: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One server for all; no test is disturbed by what another one changes."""
    server = Server(tmp_path_factory.mktemp("server"), environment={DOOR: door}).start()
    yield server
    server.kill()


def send(server: Server, head: bytes, body: bytes, *, half_close: bool = False) -> bytes:
    """The whole answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(head + b"\r\n\r\n" + body)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize("path", ["/push_subscribe", "/__admin/faults"])
def test_client_that_sends_100_mebibytes_before_it_listens_hears_that_it_is_too_much(
    server: Server, path: str
) -> None:
    assert_error(server.request("POST", path, MEBIBYTE * 100), 413)


@pytest.mark.parametrize("path", ["/push_subscribe", "/__admin/faults"])
def test_client_that_sends_without_end_is_cut_off_and_does_not_hang(fresh: Server, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {10**12}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", fresh.port), timeout=PATIENCE_S) as connection:
        connection.sendall(head.encode())
        with pytest.raises(OSError, match=r"reset|Broken pipe|aborted"):
            connection.sendall(MEBIBYTE * 400)
    assert fresh.get("/__admin/health").status == 200


@pytest.mark.xfail(strict=True, reason="granian's body stream tells a trailer from a broken body by nothing")
def test_chunked_body_with_a_trailer_is_taken(server: Server) -> None:
    """See "What the server cannot do" in docs/operations.md; passing, it tells that granian can now."""
    body = b"%x\r\n%s\r\n0\r\nX-Checksum: 1\r\n\r\n" % (len(GOOD_BODY), GOOD_BODY)
    answer = send(server, post_head("Transfer-Encoding: chunked", "Trailer: X-Checksum"), body)
    assert answer.startswith(b"HTTP/1.1 200 ")


@pytest.mark.xfail(strict=True, reason="granian sets no half_close, so hyper drops the connection")
def test_half_closed_client_gets_its_answer(server: Server) -> None:
    """See "What the server cannot do" in docs/operations.md; passing, it tells that granian can now."""
    body = GOOD_BODY.replace(BAD.encode(), b"emu!delay=300")
    head = post_head(f"Content-Length: {len(body)}")
    assert send(server, head, body, half_close=True).startswith(b"HTTP/1.1 200 ")


def test_half_closed_clients_request_may_be_carried_out_all_the_same(server: Server) -> None:
    body = GOOD_BODY.replace(BAD.encode(), b"half-closed")
    for _ in range(10):  # whether it is depends on what granian sees first, the request or its client's end
        send(server, post_head(f"Content-Length: {len(body)}"), body, half_close=True)
    asked = {"match": {"subscription_id": "half-closed"}, "within": PATIENCE_S}
    assert server.post("/__admin/requests/verify", asked).status == 200
