"""Methods and paths that are not the endpoint's, over HTTP (A4, Q4): the envelope, never a page."""

from __future__ import annotations

import pytest

from tests.server import Server
from tests.web.conftest import GOOD_BODY, assert_error

ENDPOINTS = ["/push_subscribe", "/push_subscribe/", "/api/v1.1/resources/push_subscribe?token=x"]


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "BREW", "post"])
def test_A4_unknown_methods(untouched: Server, method: str, path: str) -> None:
    reply = untouched.request(method, path, GOOD_BODY)
    assert_error(reply, 405, f"Method {method} is not allowed, use POST")
    assert reply.headers["allow"] == "POST, OPTIONS"


@pytest.mark.parametrize(("path", "status"), [("/push_subscribe", 405), ("/nowhere", 404)])
def test_A4_HEAD_has_the_status_and_no_body(untouched: Server, path: str, status: int) -> None:
    reply = untouched.request("HEAD", path)
    assert (reply.status, reply.headers["content-type"], reply.body) == (status, "application/json", b"")


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS", "BREW"])
@pytest.mark.parametrize(
    "path",
    [
        "/nowhere",
        "/favicon.ico",
        "/push_subscribe/x",
        "/push_subscribes",
        "/api/v1.1/resources",
        "/api/v1/resources/push_subscribe",
        "/a/../push_subscribe",
        "/push_subscribe%00",
        "/%D0%B9%20%22%3Cscript%3E",
        "/%ff%ed%a0%80",
        "/" + "x" * 4000,
    ],
)
def test_A4_unknown_paths(untouched: Server, method: str, path: str) -> None:
    reply = untouched.request(method, path, GOOD_BODY)
    assert (reply.status, reply.headers["content-type"]) == (404, "application/json")
    assert (reply.json["data"], reply.json["error"]) == ([], 404)
    assert reply.json["error_text"].endswith(" not found")
    assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("//push_subscribe", "/push_subscribe"),
        ("/push_subscribe//", "/push_subscribe"),
        ("///push_subscribe//?token=x", "/push_subscribe"),
        ("/api//v1.1/resources///push_subscribe", "/api/v1.1/resources/push_subscribe"),
        ("/w/slashes//push_subscribe", "/w/slashes/push_subscribe"),
        ("//w/slashes/push_subscribe/", "/w/slashes/push_subscribe"),
        ("//__admin/requests", "/__admin/requests"),
        ("/PUSH_SUBSCRIBE", "/push_subscribe"),
        ("/w/slashes/push-subscribe/", "/w/slashes/push_subscribe"),
        ("/Api/v1.1/Resources/push_Subscribe", "/api/v1.1/resources/push_subscribe"),
    ],
)
def test_A4_path_with_other_slashes_case_or_dashes_is_not_found_and_the_right_one_named(
    untouched: Server, path: str, right: str
) -> None:
    reply = untouched.request("POST", path, GOOD_BODY)
    sent = path.partition("?")[0]
    text = f'{sent} not found, did you mean "{right}"?'
    assert_error(reply, 404, text)
    workspace = "/w/slashes" if sent.startswith("/w/") else ""
    entry = untouched.get(f"{workspace}/__admin/requests").json["items"][0]
    assert (entry["path"], entry["status"], entry["error_text"]) == (sent, 404, text)


@pytest.mark.parametrize("path", ["//nowhere", "/push_subscribe//x", "//push_subscribe/%00", "//"])
def test_A4_slashes_of_a_path_that_is_not_served_are_no_hint(untouched: Server, path: str) -> None:
    reply = untouched.request("POST", path, GOOD_BODY)
    assert (reply.status, reply.json["error_text"][-10:]) == (404, " not found")


def test_Q4_over_HTTP_other_paths_say_nothing_to_foreign_pages(untouched: Server) -> None:
    origin = {"Origin": "https://shop.example"}
    assert (
        "access-control-allow-origin" in untouched.request("OPTIONS", "/push_subscribe", None, origin).headers
    )
    for method, path in [("GET", "/nowhere"), ("OPTIONS", "/nowhere"), ("OPTIONS", "/__admin/health")]:
        headers = untouched.request(method, path, None, origin).headers
        assert not [name for name in headers if name.startswith("access-control")]
