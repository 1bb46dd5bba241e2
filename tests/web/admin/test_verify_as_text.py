"""``Accept: text/plain``: a verification for the suites of other languages."""

from __future__ import annotations

import json

import pytest

from tests.server import PAGE_TOKEN, Reply, Server, subscription

TOKEN = "d" * 30 + ":APA91b" + "x" * 120


def verify(server: Server, match: dict[str, object], accept: str, **more: object) -> Reply:
    body = json.dumps({"match": match, **more}).encode()
    headers = {"Content-Type": "application/json", "Accept": accept}
    return server.request("POST", "/w/text/__admin/requests/verify", body, headers)


def test_a_failed_verification_is_told_as_text(fresh: Server) -> None:
    nothing = verify(fresh, {"status": 200}, "text/plain")
    assert (nothing.status, nothing.headers["content-type"]) == (422, "text/plain; charset=utf-8")
    assert nothing.body.decode() == (
        "expected at least 1 request with status=200, came 0\n"
        f"nothing at all came to {fresh.url}/w/text: is that where the app under test sends to?\n"
    )
    fresh.post(
        "/w/text/push_subscribe",
        {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(TOKEN)], "field_value": "Анна"},
    )
    match = {"subscription_id": TOKEN + "y", "resource_token": PAGE_TOKEN}
    failed = verify(fresh, match, "text/plain", expect={"exactly": 2})
    text = failed.body.decode()
    assert text.startswith(
        'expected exactly 2 requests with subscription_id="dddddddd…xxxxxxxy", '
        'resource_token="3LXP…7f14", came 0\n\nnearest: request 1 at '
    )
    assert '  subscription_id: expected "…xxxxxxxxy", was "…xxxxxxxx"\n' in text
    assert '"Анна"' in text
    assert "what came, newest first (1 of 1):\n  1: POST /w/text/push_subscribe -> " in text
    assert PAGE_TOKEN not in text
    assert TOKEN not in text


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/html, */*;q=0.8", ""])
def test_json_is_answered_to_everybody_else_and_has_the_text(fresh: Server, accept: str) -> None:
    failed = verify(fresh, {"status": 200}, accept)
    assert (failed.status, failed.json["count"]) == (422, 0)
    assert failed.json["text"].startswith("expected at least 1 request with status=200, came 0\n")


def test_a_verification_that_holds_is_told_as_text(fresh: Server) -> None:
    held = verify(fresh, {"status": 200}, "text/plain", expect={"exactly": 0})
    assert (held.status, held.body) == (200, b"came 0, as expected\n")


def test_a_mistake_in_the_question_is_told_in_the_envelope(fresh: Server) -> None:
    refused = verify(fresh, {"colour": 1}, "text/plain")
    assert (refused.status, refused.json["error"]) == (400, 400)
