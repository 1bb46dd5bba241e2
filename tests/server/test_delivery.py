"""Delays, faults on the wire and streams, as clients see them."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from signal import Signals

import psutil
import pytest

from emulator.server.connections import AT_ONCE
from emulator.server.delivery import MOST_UNREAD
from tests.server.toy import Toy, received_until, received_until_closed
from tests.waiting import PATIENCE_S, until

WHOLE = len(b'{"padding": ""}') + 2000

small_buffers = pytest.mark.skipif(not hasattr(socket, "TCP_MAXSEG"), reason="no such option on this system")
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")


@pytest.fixture(scope="module")
def toy(door: str) -> Iterator[Toy]:
    with Toy(door=door) as toy:
        yield toy


def ask(toy: Toy, target: str) -> socket.socket:
    connection = toy.connect()
    connection.sendall(f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection


def ask_and_read_little(toy: Toy, size: int) -> tuple[socket.socket, bytes]:
    """A client whose system and the server's keep less than 100 KB of its answer, and the first bytes."""
    connection = socket.socket()
    connection.settimeout(PATIENCE_S)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)  # the server's buffer grows with it
    connection.connect(("127.0.0.1", toy.port))
    connection.sendall(f"GET /exchange/large?size={size} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    return connection, connection.recv(1000)


def assert_reset(connection: socket.socket) -> None:
    with pytest.raises(ConnectionResetError):
        connection.recv(1)


@needs_curl
@pytest.mark.parametrize(
    ("effect", "exit_status"),
    [("connection_reset", 56), ("empty_response", 52), ("truncated_body", 18), ("slow_body", 0)],
)
def test_effect_is_what_curl_calls_it(toy: Toy, effect: str, exit_status: int) -> None:
    url = f"{toy.url}/exchange/effect?name={effect}"
    assert subprocess.run(["curl", "-s", "-o", "-", url], capture_output=True).returncode == exit_status


def test_connection_reset_is_a_reset_every_time(toy: Toy) -> None:
    for _ in range(50):
        with ask(toy, "/exchange/effect?name=connection_reset") as connection:
            assert_reset(connection)


def test_empty_response_is_an_orderly_close_without_a_byte(toy: Toy) -> None:
    for _ in range(50):
        with ask(toy, "/exchange/effect?name=empty_response") as connection:
            assert received_until_closed(connection) == b""


def test_effect_breaks_one_connection_and_no_other(toy: Toy) -> None:
    with toy.client() as other:
        before = other.get("/exchange/echo").json["client"]
        with ask(toy, "/exchange/effect?name=connection_reset") as connection:
            assert_reset(connection)
        assert other.get("/exchange/echo").json["client"] == before


def test_effect_comes_after_its_delay(toy: Toy) -> None:
    with ask(toy, "/exchange/effect?name=connection_reset&delay=0.05") as connection:
        assert_reset(connection)


def test_truncated_body_ends_short_of_its_length(toy: Toy) -> None:
    with ask(toy, "/exchange/effect?name=truncated_body") as connection:
        head, _, body = received_until_closed(connection).partition(b"\r\n\r\n")
    assert f"content-length: {WHOLE}".encode() in head
    assert body == (b'{"padding": "' + b"x" * 2000)[: WHOLE // 2]


def test_slow_body_arrives_whole_in_many_pieces(toy: Toy) -> None:
    with ask(toy, "/exchange/effect?name=slow_body") as connection:
        received, pieces = b"", 0
        while len(received.partition(b"\r\n\r\n")[2]) < WHOLE:
            received += connection.recv(65536)
            pieces += 1
    assert pieces > 5


@pytest.mark.parametrize("target", ["/exchange/answer?delay=1", "/flask/x?delay=1"])
def test_fifty_delayed_answers_delay_nobody_else(toy: Toy, target: str) -> None:
    done: list[str] = []

    def wait_for(connection: socket.socket) -> None:
        with connection:
            assert connection.recv(12) == b"HTTP/1.1 200"
            done.append("delayed")

    threads = [threading.Thread(target=wait_for, args=(ask(toy, target),)) for _ in range(50)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        assert toy.get("/exchange/answer").status == 200
    done.append("others")
    for thread in threads:
        thread.join()
    assert done == ["others"] + ["delayed"] * 50


def test_wait_comes_first_and_its_answer_replaces_ours(toy: Toy) -> None:
    assert toy.get("/exchange/wait?instead=1").json == {"instead": True}
    assert "padding" in toy.get("/exchange/wait").json


def test_wait_that_fails_is_an_internal_error(toy: Toy) -> None:
    answer = toy.get("/exchange/wait?raise=1")
    assert answer.json == {"data": [], "error": 500, "error_text": "internal error: OSError"}


def test_stream_ends_when_there_is_no_more(door: str) -> None:
    with Toy(door=door) as toy:
        answer = toy.get("/exchange/stream?pieces=3")
        assert answer.header("content-type") == ["text/event-stream"]
        assert answer.body == b"data: 0\n\ndata: 1\n\ndata: 2\n\n"
        assert toy.events() == ["stream begun", "stream closed"]


def test_stream_is_closed_when_its_client_leaves(door: str) -> None:
    with Toy(door=door) as toy:
        with ask(toy, "/exchange/stream?pieces=1000000000") as connection:
            assert connection.recv(1)
        assert toy.logged()
        assert toy.events() == ["stream begun", "stream closed"]


def test_silent_stream_is_closed_too_when_its_client_leaves(door: str) -> None:
    with Toy(door=door) as toy:
        with ask(toy, "/exchange/stream?pieces=1&silence=3600") as connection:
            received_until(connection, b"data: 0")
        assert toy.logged()
        assert toy.events() == ["stream begun", "stream closed"]


def test_head_of_a_stream_ends_at_once(toy: Toy) -> None:
    with toy.client() as client:
        assert client.ask("HEAD", "/exchange/stream?pieces=1000000000").status == 200


def test_client_that_left_before_the_effect_is_one_line_in_the_log(door: str) -> None:
    with Toy(door=door, log_format="json") as toy:
        for effect in ("truncated_body", "slow_body", "connection_reset", "empty_response"):
            with ask(toy, f"/exchange/effect?name={effect}&delay=0.2"):
                until(lambda effect=effect: toy.events()[-1:] == [effect])  # it has come to the exchange
            lines = iter(toy.logged, None)
            line = next(line for line in lines if line["path"] != "/exchange/events")
            assert (line["path"], line["status"]) == ("/exchange/effect", 200)
        assert toy.get("/exchange/answer").status == 200
        ended = toy.stop()
    assert "Traceback" not in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_stream_that_breaks_off_does_not_end_like_a_whole_one(door: str) -> None:
    with Toy(door=door) as toy:
        with ask(toy, "/exchange/stream?pieces=3&fail=1") as connection:
            received = received_until_closed(connection)
        assert b"data: 0" in received
        assert not received.endswith(b"0\r\n\r\n")
        assert "LookupError: on purpose" in toy.stop().stderr


@pytest.mark.parametrize("behind", [b"", b"\n", b"GET /exchange/answer HTTP/1.1\r\nHost: x\r\n\r\n"])
@pytest.mark.parametrize("effect", ["connection_reset", "empty_response"])
def test_what_a_client_sends_behind_its_request_does_not_save_the_connection(
    toy: Toy, effect: str, behind: bytes
) -> None:
    with toy.connect() as connection:
        request = f"GET /exchange/effect?name={effect} HTTP/1.1\r\nHost: x\r\n\r\n"
        connection.sendall(request.encode() + behind)
        if effect == "connection_reset":
            assert_reset(connection)
        else:
            assert received_until_closed(connection) == b""


def test_large_answer_arrives_whole(toy: Toy) -> None:
    with toy.client() as client:
        for _ in range(2):
            answer = client.get("/exchange/large?size=30000000")
            assert (answer.status, len(answer.body)) == (200, 30_000_000)
            assert answer.header("content-length") == ["30000000"]


@pytest.mark.skipif(sys.platform == "win32", reason="what a client has read cannot be asked there")
def test_answers_that_nobody_reads_take_bounded_memory(door: str) -> None:
    size, asked = 20 << 20, 24
    with Toy(door=door) as toy:
        process = psutil.Process(toy.pid)
        before = process.memory_info().rss
        connections = [ask(toy, f"/exchange/large?size={size}") for _ in range(asked)]
        heads = [connection.recv(12) for connection in connections]
        served = heads.count(b"HTTP/1.1 200")  # a slow machine cuts the first before the last asks
        assert MOST_UNREAD // size <= served < 2 * MOST_UNREAD // size
        assert heads.count(b"HTTP/1.1 503") == asked - served
        # The refused answers are freed a moment later. All answers would take 480 MiB; 256 MiB may be taken.
        until(lambda: process.memory_info().rss - before < 2 * MOST_UNREAD)
        for connection in connections:
            connection.close()
        while toy.get(f"/exchange/large?size={size}").status != 200:  # until all have been noticed
            pass


@small_buffers
def test_client_that_reads_a_large_answer_slowly_holds_nobody_up(door: str) -> None:
    with Toy(door=door) as toy:
        connection, received = ask_and_read_little(toy, 2 * AT_ONCE)
        with connection:
            while len(received) < AT_ONCE // 2:  # each time the server may write the next bytes
                assert toy.get("/exchange/answer").status == 200
                received += connection.recv(65536)


@small_buffers
def test_stop_lets_a_large_answer_be_read_to_its_end(door: str) -> None:
    """Granian's documented interface may cut it (docs/operations.md)."""
    size = 2 * AT_ONCE  # ten times what the systems keep, and read in much less than the server waits
    with Toy(door=door) as toy:
        connection, received = ask_and_read_little(toy, size)
        with connection:
            toy.send_signal(Signals.SIGTERM)
            toy.wait_until_refused()
            received += received_until_closed(connection)
        read = len(received.partition(b"\r\n\r\n")[2])
        assert read == size or (door == "public" and 0 < read < size)
        assert toy.run_to_the_end().returncode == 0


@small_buffers
def test_systems_keep_little_of_the_answer_that_a_stop_lets_be_read() -> None:
    with Toy() as toy:
        connection, received = ask_and_read_little(toy, 2 * AT_ONCE)
        with connection:
            toy.send_signal(Signals.SIGKILL)
            assert len(received + received_until_closed(connection)) < AT_ONCE
