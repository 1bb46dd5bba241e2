"""Probes sent to a platform that breaks: real sockets before a real emulator."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any

import pytest

from emulator.compare.probes import PROBES
from tests.command_line import Finished, run_here
from tests.server import PAGE_TOKEN, Server

GOOD = b'{"data": [], "error": 0, "error_text": "Successful operation"}'
Answer = Callable[[socket.socket], None]


def said(status: str, body: bytes, *headers: str, length: int | None = None) -> Answer:
    """An answer whose ``length`` may be a lie; then the connection ends."""
    head = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}", *headers]
    return lambda client: client.sendall("\r\n".join([*head, "", ""]).encode() + body)


def hang(client: socket.socket) -> None:
    """Say nothing until the other side goes."""
    client.recv(1)


def drip(client: socket.socket) -> None:
    """One byte after the other, each before any limit of a single read."""
    client.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
    client.settimeout(0.02)
    while True:
        client.sendall(b"x")
        try:
            if not client.recv(1):
                return
        except TimeoutError:
            continue


def close(client: socket.socket) -> None:
    """No answer at all."""


JSON, HTML = "Content-Type: application/json", "Content-Type: text/html"
BREAKS: dict[str, tuple[Answer, str]] = {
    "hangs": (hang, "no whole answer in "),
    "drips": (drip, "no whole answer in "),
    "closes": (close, "no whole answer: "),
    "half an answer": (said("200 OK", GOOD[:30], JSON, length=len(GOOD)), "no whole answer: "),
    "half of JSON": (said("200 OK", GOOD[:30], JSON), '200, no JSON object: application/json: {"data": []'),
    "HTML": (said("200 OK", b"<html>Sign in", HTML), "200, no JSON object: text/html: <html>Sign in"),
    "502": (said("502 Bad Gateway", b"<h1>Bad Gateway", HTML), "502, no JSON object: text/html: <h1>Bad"),
    "503 in JSON": (said("503 Busy", b'{"error": 503}', JSON), '503, application/json: {"error": 503}'),
    "a failure with 200": (said("200 OK", b'{"data": [], "error": 500}', JSON), "200, application/json"),
    "401": (said("401 Unauthorized", b'{"error": 401}', JSON), '401, application/json: {"error": 401}'),
    "a redirect": (
        said("302 Found", b"", "Location: https://a.example/"),
        "a redirect to https://a.example/",
    ),
    "too much": (said("200 OK", b" " * (1 << 21), JSON), "the answer has more than 1048576 bytes"),
    "broken gzip": (said("200 OK", b"\x1f\x8bno", "Content-Encoding: gzip"), "no whole answer: "),
    "no HTTP": (lambda client: client.sendall(b"SSH-2.0-OpenSSH\r\n"), "no whole answer: "),
    "429": (
        said("429 Too Many", b"slow", "Retry-After: 0"),
        "429, the platform asks to send less (Retry-After: 0)",
    ),
    "429 with 200": (said("200 OK", b'{"error": 429}', JSON), "429, the platform asks to send less;"),
}


class Platform:
    """Workspace b of an emulator, but from the ``at``-th request on, ``more`` + 1 are answered otherwise."""

    def __init__(self, behind: Server, at: int, answer: Answer, more: int) -> None:
        self.asked, self.body = 0, b""
        self._target = behind.port
        self._broken, self._answer = range(at, at + more + 1), answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @contextmanager
    def listening(self) -> Iterator[Platform]:
        thread = Thread(target=self._serve)
        thread.start()
        try:
            yield self
        finally:
            with socket.create_connection(self._listener.getsockname()) as last:
                last.sendall(b"END\r\n\r\n")
            thread.join()
            self._listener.close()

    def _serve(self) -> None:
        while True:
            client, _ = self._listener.accept()
            with client, client.makefile("rb") as sent:
                first = sent.readline().decode()
                if first == "END\r\n":
                    return
                if not first:
                    continue  # the other side left before it asked
                headers = dict(
                    line.split(": ", 1) for line in iter(lambda: sent.readline().decode().strip(), "")
                )
                length = next((int(v) for k, v in headers.items() if k.lower() == "content-length"), 0)
                body = sent.read(length)
                self.asked += 1
                self.body = body
                try:
                    self._one(client, *first.split()[:2], headers, body)
                except OSError:
                    continue  # the other side did not wait

    def _one(
        self, client: socket.socket, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> None:
        if self.asked in self._broken:
            self._answer(client)
            return
        behind = HTTPConnection("127.0.0.1", self._target)
        behind.request(method, path, body, {**headers, "X-Emulator-Workspace": "b"})
        reply = behind.getresponse()
        kept = [f"{name}: {value}" for name, value in reply.getheaders() if name.startswith("access-control")]
        said(f"{reply.status} OK", reply.read(), JSON, "Connection: close", *kept)(client)
        behind.close()


def compare(platform: Platform, *options: object) -> Finished:
    return run_here(
        *("compare", "--to", platform.url, "--resource-token", PAGE_TOKEN, "--rate", "0", "--yes"),
        *("--report", "report.json", "--learn", "p.json", *options),
    )


def subscribed(server: Server) -> list[Any]:
    found: list[Any] = server.get("/w/b/__admin/subscriptions?status=subscribed&limit=1000").json["items"]
    return [one for one in found if one["subscription_id"].startswith("emu-probe-")]


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("how", BREAKS)
def test_a_platform_that_breaks_ends_the_run_soon_with_one_line(fresh: Server, how: str) -> None:
    answer, words = BREAKS[how]
    with Platform(fresh, 1, answer, more=1).listening() as platform:
        began = monotonic()
        finished = compare(platform, "--timeout", "1")  # no answer is waited for that comes
    assert monotonic() - began < 20
    assert finished.returncode == 2
    (line,) = [one for one in finished.stderr.splitlines() if one.startswith("error: ")]
    assert words in line
    assert platform.asked <= 2  # the probe, and an attempt to take back what may have been subscribed
    assert not Path("p.json").exists()


@pytest.mark.parametrize("how", BREAKS)
def test_nothing_is_learned_from_a_broken_answer_and_all_is_taken_back(fresh: Server, how: str) -> None:
    answer, words = BREAKS[how]
    waits = ("--timeout", "3") if answer in (hang, drip) else ()  # the answers before come on a busy machine
    with Platform(fresh, 15, answer, more=0).listening() as platform:
        finished = compare(platform, *waits)
    assert finished.returncode == 1
    assert "no difference" in finished.stdout
    assert words in next(
        one for one in finished.stdout.splitlines() if one.startswith("stopped early: probe 15")
    )
    seen = json.loads(Path("p.json").read_text())
    assert not {"answers", "differs"} & seen.keys()
    assert set(seen["policies"].values()) <= {"keep", "bare_item", "200", "error", "mirror", "empty"}
    assert json.loads(Path("report.json").read_text())["compared"] == 14
    assert subscribed(fresh) == [], finished.stdout


def test_a_429_that_asks_for_a_long_wait_is_obeyed_and_the_rest_is_named(fresh: Server) -> None:
    answer = said("429 Too Many", b"{}", "Retry-After: 7200")
    with Platform(fresh, 5, answer, more=0).listening() as platform:
        finished = compare(platform)
    assert platform.asked == 5
    assert "Retry-After: 7200" in finished.stdout
    assert "nothing was unsubscribed: the platform asks to wait longer" in finished.stdout
    (left,) = subscribed(fresh)
    assert f"subscribed   android-firebase {left['subscription_id']}" in finished.stdout
    assert "compare --clean report.json" in finished.stdout


HTML_404 = said("404 Not Found", b"<html>nginx", HTML)


ODD = [at for at, one in enumerate((one for one in PROBES if not one.needs), 1) if one.other_answers]


@pytest.mark.parametrize("at", ODD)
def test_an_odd_request_may_be_answered_with_html_and_that_is_a_difference(fresh: Server, at: int) -> None:
    with Platform(fresh, at, HTML_404, more=0).listening() as platform:
        finished = compare(platform)
    rule = "Q2" if at == ODD[0] else "A4"
    assert finished.returncode == 1
    assert f"differs by {rule}" in finished.stdout
    assert '"404, no JSON object: text/html: <html>nginx"' in finished.stdout
    seen = json.loads(Path("p.json").read_text())
    assert "answers" not in seen
    assert list(seen["differs"]) == [rule]


def test_a_platform_that_carries_out_a_half_of_what_it_refuses_differs_by_A6(fresh: Server) -> None:
    asked = [one for one in PROBES if not one.needs]
    at = next(at for at, one in enumerate(asked, 1) if one.rule == "A6")

    def half(client: socket.socket) -> None:
        request = json.loads(platform.body)
        del request["subscriptions"][1]
        fresh.post("/w/b/push_subscribe", request)
        said("400 Bad Request", b'{"data": [], "error": 400, "error_text": "no"}', JSON)(client)

    with Platform(fresh, at, half, more=0).listening() as platform:
        finished = compare(platform)
    assert f"probe {at + 1}: A6, the right one of them alone: differs by A6" in finished.stdout
    assert subscribed(fresh) == []
