"""The server over real TCP: bodies, headers, connections, start and stop."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from signal import Signals

import pytest

from tests.server.toy import Client, Toy, received_until_closed
from tests.server.toy_server import LARGE_LIMIT, LIMIT


@pytest.fixture(scope="module")
def toy() -> Iterator[Toy]:
    with Toy() as toy:
        yield toy


@pytest.fixture
def client(toy: Toy) -> Iterator[Client]:
    with toy.client() as client:
        yield client


def test_exchange_gets_the_request_as_it_came(toy: Toy, client: Client) -> None:
    answer = client.post("/exchange/echo?a=%20b", b"hello", headers=[("X-A", "1"), ("X-A", "2")])
    seen = answer.json
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/exchange/echo", "a=%20b")
    assert seen["headers"]["x-a"] == "1, 2"
    assert (seen["length"], seen["problem"]) == (5, None)
    address, _, port = seen["client"].rpartition(":")
    assert address == "127.0.0.1"
    assert int(port) != toy.port


def test_application_gets_a_correct_environment(toy: Toy, client: Client) -> None:
    answer = client.post(
        "/flask/%D1%8F%20z?q=%D1%8F", b"hello", headers=[("X-A", "1"), ("X-A", "2"), ("Cookie", "c=1")]
    )
    seen = answer.json
    assert seen["rest"] == "я z"
    assert seen["arguments"] == {"q": "я"}
    assert seen["length"] == 5
    assert seen["headers"]["X-A"] == "1, 2"
    assert seen["headers"]["Cookie"] == "c=1"
    assert seen["client"].startswith("127.0.0.1:")
    assert seen["url"].startswith(toy.url + "/flask/")


def test_application_sees_the_running_loop(client: Client) -> None:
    assert client.get("/flask/x").json["loop"] is True


@pytest.mark.parametrize("path", ["/exchange/headers", "/cookies"])
def test_two_cookies_stay_two_headers(client: Client, path: str) -> None:
    cookies = client.get(path).header("set-cookie")
    assert [cookie.partition(";")[0] for cookie in cookies] == ["a=1", "b=2"]


@pytest.mark.parametrize("path", ["/exchange/answer", "/cookies"])
def test_head_has_the_headers_and_no_body(toy: Toy, client: Client, path: str) -> None:
    length = len(client.get(path).body)
    with toy.connect() as connection:
        connection.sendall(f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        head, _, body = received_until_closed(connection).partition(b"\r\n\r\n")
    assert f"content-length: {length}".encode() in head
    assert body == b""


@pytest.mark.parametrize("status", [204, 304])
def test_status_without_a_body_has_none(toy: Toy, status: int) -> None:
    with toy.connect() as connection:
        request = f"GET /exchange/empty?status={status} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        head, _, body = received_until_closed(connection).partition(b"\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"transfer-encoding" not in head
    assert body == b""


def test_generated_body_gets_its_length(client: Client) -> None:
    answer = client.get("/generated")
    assert (answer.body, answer.header("content-length")) == (b"one two", ["7"])


@pytest.mark.parametrize("path", ["/exchange/broken", "/broken"])
def test_unexpected_error_is_the_envelope_and_the_server_goes_on(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status == 500
    assert answer.json == {"data": [], "error": 500, "error_text": "internal error: LookupError"}
    assert client.get("/exchange/answer").status == 200


def test_one_connection_carries_many_requests(toy: Toy) -> None:
    with toy.client() as client:
        paths = ["/exchange/echo", "/flask/x"] * 10
        assert len({client.post(path, b"x").json["client"] for path in paths}) == 1


def test_eight_clients_at_once_all_get_their_own_answer(toy: Toy) -> None:
    def ask(number: int) -> list[tuple[int, str]]:
        with toy.client() as client:
            return [
                (client.post("/exchange/echo", b"x" * size).json["length"] - size,
                 client.get(f"/flask/{number}-{size}").json["rest"])
                for size in range(50)
            ]  # fmt: skip

    with ThreadPoolExecutor(8) as pool:
        for number, answers in enumerate(pool.map(ask, range(8))):
            assert answers == [(0, f"{number}-{size}") for size in range(50)]


@pytest.mark.parametrize("path", ["/exchange/echo", "/flask/x"])
@pytest.mark.parametrize("chunked", [False, True])
def test_body_at_its_limit_is_read_and_one_byte_more_is_too_large(
    client: Client, path: str, chunked: bool
) -> None:
    def post(size: int) -> dict[str, object]:
        body = b"x" * size
        content = iter([body[: size // 2], body[size // 2 :]]) if chunked else body
        seen: dict[str, object] = client.post(path, content).json
        return {name: seen[name] for name in ("length", "problem")}

    assert post(LIMIT) == {"length": LIMIT, "problem": None}
    assert post(LIMIT + 1) == {"length": 0, "problem": "too_large"}
    assert post(3) == {"length": 3, "problem": None}


@pytest.mark.parametrize("path", ["/exchange/echo/large", "/flask/large"])
def test_body_over_a_mebibyte_where_the_limit_allows_it(client: Client, path: str) -> None:
    if path.startswith("/flask"):
        assert client.post(path, b"x" * LARGE_LIMIT).json["length"] == LARGE_LIMIT
        assert client.post(path, b"x" * (LARGE_LIMIT + 1)).json["problem"] == "too_large"
    else:
        assert client.post(path, b"x" * LARGE_LIMIT).status == 200


def test_client_that_asks_first_is_told_without_sending_the_body(toy: Toy) -> None:
    with toy.connect() as connection:
        connection.sendall(
            b"POST /exchange/echo HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
            b"Content-Length: 99999999\r\n\r\n"
        )
        answer = received_until_closed(connection)
    assert answer.startswith(b"HTTP/1.1 200")  # the toy's answer, not "100 Continue"
    assert b'"problem": "too_large"' in answer


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
def test_client_that_hangs_up_half_way_is_noticed(framing: str) -> None:
    with Toy(log_format="json") as toy:
        for path in ("/flask/x", "/flask/large", "/exchange/echo"):
            with toy.connect() as connection:
                head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode()
                connection.sendall(head + b"5\r\nhello\r\n")
            line = toy.logged()
            assert line["path"] == path
        with toy.client() as client:
            assert client.get("/exchange/answer").status == 200
            assert client.get("/exchange/events").json == ["cut_off"]


def test_garbage_is_refused_and_the_server_goes_on(toy: Toy, client: Client) -> None:
    with toy.connect() as connection:
        connection.sendall(b"\x16\x03\x01 this is no HTTP\r\n\r\n")
        assert received_until_closed(connection).startswith(b"HTTP/1.1 400")
    assert client.get("/exchange/answer").status == 200


def test_log_line_has_the_client_and_the_summary_of_the_answer() -> None:
    with Toy(log_format="json", log_level="verbose") as toy:
        seen = toy.get("/flask/x").json
        assert toy.logged()["client"] == seen["client"]
        toy.get("/exchange/answer")
        line = toy.logged()
        assert (line["status"], line["error"], line["ok"], line["failed"]) == (200, 200, 2, 1)


def test_https_when_there_is_a_certificate(tls_files: tuple[str, str]) -> None:
    with Toy(tls=tls_files) as toy:
        answer = toy.get("/flask/x")
        assert answer.json["url"].startswith("https://")


@pytest.fixture
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = str(folder / "cert.pem"), str(folder / "key.pem")
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost",
         "-out", certificate, "-keyout", key],
        capture_output=True, check=False,
    )  # fmt: skip
    if made.returncode:
        pytest.skip("openssl makes no certificate here")
    return certificate, key


def test_taken_port_is_refused_with_one_line_and_status_2(toy: Toy) -> None:
    second = Toy(port=toy.port).run_to_the_end()
    assert second.returncode == 2
    assert second.stdout == ""
    assert len(second.stderr.splitlines()) == 1
    assert "in use" in second.stderr


def test_host_that_is_not_ours_is_refused_with_one_line_and_status_2() -> None:
    refused = Toy(host="192.0.2.1").run_to_the_end()
    assert refused.returncode == 2
    assert len(refused.stderr.splitlines()) == 1


def test_certificate_that_cannot_be_used_is_refused_with_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    refused = Toy(tls=(str(tmp_path / "empty.pem"), str(tmp_path / "missing.pem"))).run_to_the_end()
    assert refused.returncode == 2
    assert refused.stdout == ""
    assert len(refused.stderr.splitlines()) == 1


def test_nothing_but_our_own_lines_is_printed() -> None:
    with Toy(log_level="quiet") as toy:
        toy.get("/flask/x")
        with toy.connect() as connection:
            connection.sendall(b"garbage\r\n\r\n")
            received_until_closed(connection)
        ended = toy.stop()
    assert ended.stdout == f"{toy.port}\nstopped\n"
    assert ended.stderr == ""


@pytest.mark.parametrize("number", [Signals.SIGTERM, Signals.SIGINT])
def test_stop_sends_what_is_held_back_and_ends_streams(number: Signals) -> None:
    with Toy() as toy, toy.connect() as delayed, toy.connect() as stream, toy.connect() as idle:
        delayed.sendall(b"GET /exchange/answer?delay=3600 HTTP/1.1\r\nHost: x\r\n\r\n")
        stream.sendall(b"GET /exchange/stream?pieces=1000000000 HTTP/1.1\r\nHost: x\r\n\r\n")
        idle.sendall(b"GET /exchange/answer HTTP/1.1\r\nHost: x\r\n\r\n")
        assert stream.recv(1)
        assert idle.recv(1)
        ended = toy.stop(number)
        assert ended.returncode == 0
        assert ended.stdout.endswith("\nstopped\n")
        assert received_until_closed(delayed).startswith(b"HTTP/1.1 200")
        assert received_until_closed(stream).endswith(b"0\r\n\r\n")


def test_stop_does_not_wait_for_a_body_that_never_comes() -> None:
    with Toy() as toy, toy.connect() as stalled, toy.connect() as chunked:
        stalled.sendall(b"POST /exchange/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello")
        chunked.sendall(b"POST /flask/x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello")
        assert toy.get("/exchange/answer").status == 200
        ended = toy.stop()
        assert ended.returncode == 0
        assert ended.stdout.endswith("\nstopped\n")


def test_second_signal_hurries() -> None:
    with Toy() as toy, toy.connect() as stalled:
        stalled.sendall(b"POST /exchange/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhello")
        assert toy.get("/exchange/answer").status == 200
        toy.send_signal(Signals.SIGINT)
        toy.wait_until_refused()
        ended = toy.stop(Signals.SIGINT)
        assert ended.returncode == 0
        assert ended.stdout.endswith("\nstopped\n")


def test_port_is_free_again_after_the_stop() -> None:
    with Toy() as first:
        first.get("/flask/x")
        first.stop()
    with Toy(port=first.port) as second:
        assert second.get("/exchange/answer").status == 200


def test_json_log_has_one_line_for_each_of_many_requests() -> None:
    with Toy(log_format="json") as toy:
        threads = [threading.Thread(target=toy.get, args=(f"/flask/{n}",)) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ended = toy.stop()
    print(ended.stderr)
    paths = [json.loads(line)["path"] for line in ended.stderr.splitlines()]
    assert sorted(paths) == [f"/flask/{n}" for n in range(8)]


def test_listening_twice_in_one_process_fails_too() -> None:
    with Toy() as toy, socket.socket() as other, pytest.raises(OSError, match="in use"):
        other.bind(("127.0.0.1", toy.port))
