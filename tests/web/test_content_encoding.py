"""Compressed bodies (A3): refused with 415 that names the coding, at every path that reads a body."""

from __future__ import annotations

import gzip
import zlib

import pytest

from tests.in_process import InProcess
from tests.server import Server
from tests.web.conftest import GOOD_BODY, assert_error

COMPRESSED = [
    ("gzip", gzip.compress(GOOD_BODY), "gzip"),
    ("deflate", zlib.compress(GOOD_BODY), "deflate"),
    ("br", b"\x0b\x02\x80{}\x03", "br"),
    ("GZip", GOOD_BODY, "GZip"),
    ("identity, x-gzip", gzip.compress(GOOD_BODY), "x-gzip"),
    ("deflate, gzip", b"", "deflate, gzip"),
]


@pytest.mark.parametrize(
    "path", ["/push_subscribe", "/__admin/faults", "/__admin/import", "/__admin/snapshot"]
)
@pytest.mark.parametrize(("coding", "body", "named"), COMPRESSED)
def test_A3_compressed_body_is_refused_and_its_coding_named(
    untouched: Server, path: str, coding: str, body: bytes, named: str
) -> None:
    method = "PUT" if path.endswith("snapshot") else "POST"
    headers = {"Content-Type": "application/json", "Content-Encoding": coding}
    reply = untouched.request(method, path, body, headers)
    assert_error(reply, 415, f'Content-Encoding: must be "identity" or left out, not "{named}"')
    assert reply.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("path", ["/push_subscribe", "/__admin/faults"])
@pytest.mark.parametrize(("coding", "body", "named"), COMPRESSED)
def test_A3_compressed_body_is_refused_under_plain_WSGI_too(
    path: str, coding: str, body: bytes, named: str
) -> None:
    with InProcess() as app:
        answer = app.post(body, path, Content_Encoding=coding)
    assert (answer.status_code, answer.get_json()["error"]) == (415, 415)
    assert answer.get_json()["error_text"].endswith(f'not "{named}"')
    assert answer.headers["Accept-Encoding"] == "identity"


def test_A3_compressed_body_is_in_the_journal() -> None:
    with InProcess() as app:
        app.post(gzip.compress(GOOD_BODY), Content_Encoding="gzip")
        (entry,) = app.client.get("/__admin/requests").get_json()["items"]
    assert (entry["status"], entry["error"]) == (415, 415)
    assert '"gzip"' in entry["error_text"]


@pytest.mark.parametrize("coding", ["identity", "Identity", ""])
def test_body_that_is_not_compressed_is_read(coding: str) -> None:
    with InProcess() as app:
        assert app.post(GOOD_BODY, Content_Encoding=coding).get_json()["error"] == 0
        assert app.client.patch(
            "/__admin/settings", json={"strict": True}, headers={"Content-Encoding": coding}
        ).get_json()["strict"]


def test_a_request_without_a_body_may_name_a_coding() -> None:
    with InProcess() as app:
        answer = app.client.get("/__admin/health", headers={"Content-Encoding": "gzip"})
    assert answer.get_json()["status"] == "ok"
