"""Clients that hang up half-way (A3, A6), or send no request at all: nothing changes, nobody notices."""

from __future__ import annotations

import json

import pytest

from tests.raw_http import post_head, send_half
from tests.server import Server
from tests.waiting import until
from tests.web.conftest import GOOD_BODY


def answered(server: Server) -> int:
    """How many POSTs the server has written into its log."""
    return server.log().count(" POST ")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (["Content-Length: 5000"], GOOD_BODY),
        (["Content-Length: 2000000"], GOOD_BODY),
        (["Content-Length: 1"], b""),
        (["Transfer-Encoding: chunked"], b"%x\r\n%s\r\n" % (len(GOOD_BODY), GOOD_BODY)),
        (["Transfer-Encoding: chunked"], b"ffff\r\n" + GOOD_BODY),
    ],
)
class TestHangUp:
    def test_A3_body_that_stops_half_way(self, untouched: Server, headers: list[str], body: bytes) -> None:
        answer = send_half(untouched, post_head(*headers), body, listen=True)
        head, _, sent = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 400 ")
        assert json.loads(sent) == {
            "data": [],
            "error": 400,
            "error_text": "body: was cut off before its end",
        }

    def test_A6_client_that_hangs_up_changes_nothing(
        self, untouched: Server, headers: list[str], body: bytes
    ) -> None:
        before = answered(untouched)
        send_half(untouched, post_head(*headers), body, listen=False)
        until(lambda: answered(untouched) > before)


@pytest.mark.parametrize(
    "bytes_", [b"POST /push_subscribe HTTP/1.1\r\nHost: x", b"nonsense", b"\x16\x03\x01\x02\x00"]
)
def test_client_that_sends_no_request_leaves_the_server_well(untouched: Server, bytes_: bytes) -> None:
    answer = send_half(untouched, bytes_, b"", listen=True)
    assert b"<" not in answer


def test_no_traceback_in_the_log(untouched: Server) -> None:
    untouched.request("POST", "/push_subscribe", b"{")
    assert "Traceback" not in untouched.log()
