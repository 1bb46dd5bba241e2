"""``/__admin/requests``: the journal, counting, verifying, attempts, what is refused."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from typing import Any

import pytest

from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, PATIENCE_S, Server, subscription
from tests.web.admin.conftest import NOT_OBJECTS, Admin

TOKEN = PAGE_TOKEN
MASKED = "3LXP…7f14"
COUNTING = pytest.mark.parametrize("path", ["/requests/count", "/requests/verify"])


def test_entry_tells_the_whole_story(app: InProcess, admin: Admin) -> None:
    app.post(
        {"resource_token": TOKEN, "subscriptions": [subscription("t1")], "colour": "blue"},
        Request_ID="r-1",
        Authorization="Bearer very-secret-credentials",
    )
    listed = admin.get("/requests")
    (entry,) = listed["items"]
    assert admin.get(f"/requests/{entry['id']}") == entry
    assert (listed["total"], listed["recorded"], listed["dropped"], listed["next"]) == (1, 1, 0, None)
    assert (entry["method"], entry["path"], entry["status"], entry["error"]) == (
        "POST",
        "/push_subscribe",
        200,
        0,
    )
    assert entry["answer"]["data"][0]["subscription_id"] == "t1"
    assert (entry["resource_id"], entry["resource"], entry["resource_token"]) == (5, "App", MASKED)
    assert {one["rule"] for one in entry["decided"]} >= {"M1", "M6", "S1", "A1"}
    assert {one["rule"] for one in entry["lints"]} == {"L1", "L3"}
    assert entry["lints"][0]["path"] == "colour"
    assert (entry["outcome"], entry["outcomes"], entry["fault"]) == ("added", ["added"], None)
    assert len(entry["changes"]["profiles"]) == len(entry["changes"]["subscriptions"]) == 1
    assert entry["request_id"] == "r-1"
    assert entry["headers"]["authorization"] == "Bearer very…ials"
    assert entry["duration_ms"] >= 0
    assert entry["client"].startswith("127.0.0.1:")


def test_refused_request_is_there_with_the_rule_that_refused(app: InProcess, admin: Admin) -> None:
    app.push("t", matching="email")
    (entry,) = admin.get("/requests")["items"]
    assert (entry["status"], entry["error"], entry["outcome"]) == (400, 400, "refused")
    assert entry["error_text"].startswith("matching: ")
    assert [one["rule"] for one in entry["decided"]] == ["M10"]
    assert entry["changes"] is None


def test_list_is_newest_first_and_paged_while_more_comes(app: InProcess, admin: Admin) -> None:
    for number in range(5):
        app.push(f"t{number}")
    first = admin.get("/requests?limit=2")
    app.push("late")
    second = admin.get(f"/requests?limit=2&cursor={first['next']}")
    third = admin.get(f"/requests?limit=2&cursor={second['next']}")
    assert [one["id"] for page in (first, second, third) for one in page["items"]] == [5, 4, 3, 2, 1]
    assert third["next"] is None
    assert (first["total"], second["total"]) == (5, 6)


@pytest.mark.parametrize(
    ("query", "tokens"),
    [
        ("subscription_id=t1", ["t1"]),
        ("provider=ios-apns", ["t2"]),
        ("status=400", ["t3"]),
        ("error=0", ["t2", "t1"]),
        ("rule=M10", ["t3"]),
        ("rule=S1", ["t2", "t1"]),
        ("outcome=refused", ["t3"]),
        ("lint=L3", ["t2", "t1"]),
        ("resource_token=" + TOKEN, ["t3", "t2", "t1"]),
        ("resource_id=5&provider=ios-apns", ["t2"]),
        ("q=T2+IOS", ["t2"]),
        ("q=t1+t2", []),
        ("since=2026-01-01T00:00Z", ["t3", "t2", "t1"]),
        ("since=9000-01-01T00:00Z", []),
        ("field.CustomNumber1=7", ["t3"]),
        ("matching=email", ["t3"]),
    ],
)
def test_filters(app: InProcess, admin: Admin, query: str, tokens: list[str]) -> None:
    app.push("t1")
    app.post({"resource_token": TOKEN, "subscriptions": [subscription("t2", "ios-apns")]})
    app.push("t3", matching="email", field_name="CustomNumber1", field_value=7)
    found = admin.get(f"/requests?{query}")
    sent = [one["body"] for one in found["items"]]
    assert [next(name for name in ("t1", "t2", "t3") if f'"{name}"' in body) for body in sent] == tokens
    assert found["total"] == len(tokens)


def test_since_is_a_moment_however_it_is_written(app: InProcess, admin: Admin) -> None:
    admin.send("PUT", "/clock", {"now": "2026-01-31T12:00Z"})
    app.push("t")
    for moment in ("2026-01-31T12:00Z", "2026-01-31T12:00:00.000Z", "2026-01-31T15:00%2B03:00"):
        assert admin.get(f"/requests?since={moment}")["total"] == 1
    assert admin.get("/requests?since=2026-01-31T12:00:00.001Z")["total"] == 0


def test_clearing_empties_the_journal(app: InProcess, admin: Admin) -> None:
    app.push("t1")
    assert admin.send("DELETE", "/requests") == {"cleared": 1}
    assert admin.get("/requests")["items"] == []
    assert (
        admin.refused("GET", "/requests/1", code=404) == "request 1 not found: it never came, or was evicted"
    )


def test_count_and_verify(app: InProcess, admin: Admin) -> None:
    app.push("t1")
    app.push("t1")
    match = {"match": {"subscription_id": "t1"}}
    assert admin.send("POST", "/requests/count", match) == {"count": 2}
    assert admin.send("POST", "/requests/verify", match) == {"count": 2}
    assert admin.send("POST", "/requests/verify", {**match, "expect": {"exactly": 2}}) == {"count": 2}
    assert admin.refused("POST", "/requests/verify", {**match, "expect": {"at_most": 1}}, 422) == (
        "expected at most 1 request(s), found 2 of 2 in the journal"
    )


def test_verify_tells_the_nearest_misses_field_by_field(app: InProcess, admin: Admin) -> None:
    app.push("t1")
    app.push("t2", id="59db33d269d426509e9c4bf9")
    match = {"subscription_id": "t2", "id": "5fb62e815ae47a4aa04dfadd", "status": 200}
    said = admin.call("POST", "/requests/verify", {"match": match}).get_json()
    assert said["count"] == 0
    nearest, farther = said["nearest"]
    assert (nearest["id"], farther["id"]) == (2, 1)
    assert nearest["differences"] == [
        {"key": "id", "expected": "5fb62e815ae47a4aa04dfadd", "actual": "59db33d269d426509e9c4bf9"}
    ]
    assert [one["key"] for one in farther["differences"]] == ["subscription_id", "id"]


def test_verify_of_a_request_with_several_subscriptions(app: InProcess, admin: Admin) -> None:
    app.push("t1", "t2")
    for token in ("t1", "t2"):
        assert admin.send("POST", "/requests/verify", {"match": {"subscription_id": token}}) == {"count": 1}


def test_verify_that_found_too_few_tells_the_nearest_misses_too(app: InProcess, admin: Admin) -> None:
    app.push("t1")
    app.push("t2")
    asked = {"match": {"subscription_id": "t1"}, "expect": {"exactly": 2}}
    said = admin.call("POST", "/requests/verify", asked).get_json()
    assert (said["count"], [one["id"] for one in said["nearest"]]) == (1, [2])
    too_many = {"match": {"subscription_id": "t1"}, "expect": {"exactly": 0}}
    assert admin.call("POST", "/requests/verify", too_many).get_json()["nearest"] == []


def test_attempts_are_grouped_with_their_outcomes(app: InProcess, admin: Admin) -> None:
    admin.send("POST", "/faults", {"then": {"status": 503}, "times": 1})
    app.push("t1")
    app.push("t1")
    app.push("t2")
    (group,) = admin.get("/requests/attempts")["items"]
    assert (group["by"], group["count"], group["entries"]) == ("body", 2, [1, 2])
    assert (group["outcomes"], group["statuses"], len(group["gaps_ms"])) == (
        ["fault", "added"],
        [503, 200],
        1,
    )


@pytest.mark.parametrize(
    "body",
    [
        f'{{"resource_token": "{TOKEN}"}}'.encode(),
        f"resource_token={TOKEN}".encode(),
        f'{{"resource_tokn": "{TOKEN}"}}'.encode(),
        f'{{"subscriptions": [{{"provider": "{TOKEN}"}}], "resource_token": "{TOKEN}"}}'.encode(),
    ],
)
def test_token_is_never_shown(app: InProcess, admin: Admin, body: bytes) -> None:
    path = f"/push_subscribe?token={TOKEN}&x={TOKEN}"
    app.post(body, path, Authorization=f"Bearer {TOKEN}", X_Other=TOKEN)
    app.post(body, f"/{TOKEN}")
    match = {"resource_token": "another-token-of-24-chars", "subscription_id": "x"}
    for answer in (
        admin.call("GET", "/requests"),
        admin.call("GET", "/requests/1"),
        admin.call("GET", "/requests/attempts"),
        admin.call("POST", "/requests/verify", {"match": match}),
        admin.call("POST", "/requests/verify", {"match": {"resource_token": TOKEN, "subscription_id": "x"}}),
        admin.call("GET", "/resources"),
    ):
        assert TOKEN not in answer.text


def test_token_is_shown_where_secrets_are_wanted() -> None:
    with InProcess(show_secrets=True) as app:
        app.push("t")
        assert app.client.get("/__admin/requests").get_json()["items"][0]["resource_token"] == TOKEN
        verify = {"match": {"resource_token": "x"}}
        assert TOKEN in app.client.post("/__admin/requests/verify", json=verify).text


def test_token_is_never_logged(start_server: Callable[..., Server]) -> None:
    server = start_server("--verbose")
    server.push(subscriptions=[subscription("t")])
    server.post(f"/push_subscribe?token={TOKEN}", {"resource_token": TOKEN})
    server.request("POST", "/push_subscribe", f"resource_token={TOKEN}".encode())
    server.post("/__admin/requests/verify", {"match": {"resource_token": TOKEN}})
    assert server.stop() == 0
    assert "/push_subscribe" in server.log()
    assert TOKEN not in server.log()


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"resource_token": 1' + b"0" * 50 + b"}", b'{"id": "\\ud800"}']
)
def test_what_nobody_can_read_is_listed_all_the_same(app: InProcess, admin: Admin, body: bytes) -> None:
    app.post(body)
    assert admin.get("/requests")["total"] == 1
    assert admin.get("/requests?q=nothing")["total"] == 0
    assert admin.refused("POST", "/requests/verify", {"match": {"resource_token": "x", "id": "y"}}, 422)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_number_that_json_lacks_is_shown_as_it_was_sent(app: InProcess, admin: Admin, number: str) -> None:
    app.post(f'{{"resource_token": "t", "id": {number}}}'.encode())
    (entry,) = admin.get("/requests")["items"]
    assert f'"id": {number}' in entry["body"]
    said = admin.call("POST", "/requests/verify", {"match": {"id": "x"}}).get_json()
    assert said["nearest"][0]["differences"] == [{"key": "id", "expected": "x", "actual": number}]


@COUNTING
@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "match: is required"),
        ({"match": None}, "match: must be an object"),
        ({"match": []}, "match: must be an object with one criterion or more"),
        ({"match": {}}, "match: must be an object with one criterion or more"),
        (
            {"match": {"subscription": "t"}},
            'match.subscription: unknown key, did you mean "subscription_id"?',
        ),
        ({"match": {"field.": 1}}, 'match.field.: unknown key, did you mean "field_name"?'),
        ({"match": {"status": "200"}}, "match.status: must be an integer"),
        ({"match": {"status": True}}, "match.status: must be an integer"),
        ({"match": {"status": 10**30}}, "match.status: must be an integer of 64 bits"),
        ({"match": {"subscription_id": 5}}, "match.subscription_id: must be a string"),
        ({"match": {"unsubscribe": 1}}, "match.unsubscribe: must be true or false"),
        ({"match": {"db_ids": 17}}, "match.db_ids: must be an array of integers"),
        ({"match": {"field.x": {}}}, "match.field.x: must be a string, a number, true or false"),
        ({"match": {"since": "yesterday"}}, "match.since: must be a time from 1970 to 9998"),
        ({"match": {"since": None}}, "match.since: must be a string"),
        ({"match": {"rule": None}}, "match.rule: must be a string"),
        ({"match": {"method": None}}, "match.method: must be a string"),
        ({"match": {"status": None}}, "match.status: must be an integer"),
        ({"match": {"status": 200}, "expect": None}, "expect: must be an object"),
        (
            {"match": {"status": 200}, "expect": {"exacly": 1}},
            'expect.exacly: unknown key, did you mean "exactly"?',
        ),
        (
            {"match": {"status": 200}, "expect": {"once": True}},
            "expect.once: unknown key; there are at_least, at_most, exactly",
        ),
        (
            {"match": {"status": 200}, "expect": {"at_least": -1}},
            "expect.at_least: must be 0 to 9223372036854775807",
        ),
        ({"match": {"status": 200}, "expect": {"at_least": "1"}}, "expect.at_least: must be an integer"),
        (
            {"match": {"status": 200}, "expect": {"at_least": 2, "at_most": 1}},
            "expect: at_least must not be more than at_most",
        ),
        (
            {"match": {"status": 200}, "expect": {"exactly": 1, "at_most": 1}},
            "expect: exactly goes with neither at_least nor at_most",
        ),
        ({"match": {"status": 200}, "within": "1"}, "within: must be a number of seconds"),
        ({"match": {"status": 200}, "within": -1}, "within: must be 0 to 60 seconds"),
        ({"match": {"status": 200}, "within": 61}, "within: must be 0 to 60 seconds"),
        ({"match": {"status": 200}, "wihtin": 1}, 'wihtin: unknown key, did you mean "within"?'),
        *NOT_OBJECTS,
    ],
)
def test_bad_count_and_verify_are_refused(admin: Admin, path: str, document: Any, text: str) -> None:
    assert admin.refused("POST", path, document).startswith(text)


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=0", "limit: must be 1 to 1000"),
        ("limit=1001", "limit: must be 1 to 1000"),
        ("limit=x", "limit: must be an integer"),
        ("cursor=x", "cursor: must be a cursor of a list before"),
        ("subscription=t", 'subscription: unknown parameter, did you mean "subscription_id"?'),
        ("limt=1", 'limt: unknown parameter, did you mean "limit"?'),
        ("since=yesterday", "since: must be a time from 1970 to 9998"),
        ("status=abc", "status: must be an integer of 64 bits"),
        ("db_id=99999999999999999999", "db_id: must be an integer of 64 bits"),
        ("unsubscribe=yes", "unsubscribe: must be true or false"),
    ],
)
def test_bad_query_is_refused(admin: Admin, query: str, text: str) -> None:
    assert admin.refused("GET", f"/requests?{query}").startswith(text)


def test_assertion_right_after_a_response_needs_no_sleep(fresh: Server) -> None:
    for number in range(200):
        fresh.push(subscriptions=[subscription(f"t{number}")])
        asked = {"match": {"subscription_id": f"t{number}"}, "expect": {"exactly": 1}}
        assert fresh.post("/__admin/requests/verify", asked).json == {"count": 1}


def test_verify_waits_for_what_is_still_to_come(fresh: Server) -> None:
    """The request is sent when the verification is known to wait, and ends its waiting."""
    found: list[Any] = []
    asked = {"match": {"subscription_id": "late"}, "within": PATIENCE_S}
    waiting = Thread(target=lambda: found.append(fresh.post("/__admin/requests/verify", asked)))
    waiting.start()
    fresh.push(subscriptions=[subscription("other")])
    assert found == []
    fresh.push(subscriptions=[subscription("late")])
    waiting.join(PATIENCE_S)
    assert [(reply.status, reply.json) for reply in found] == [(200, {"count": 1})]


def test_verify_that_waits_in_vain_delays_nobody(fresh: Server) -> None:
    order: list[str] = []
    asked = {"match": {"subscription_id": "never"}, "within": 0.5}

    def verify() -> None:
        assert fresh.post("/__admin/requests/verify", asked).status == 422
        order.append("verified")

    waiting = Thread(target=verify)
    waiting.start()
    for _ in range(5):
        fresh.push(subscriptions=[subscription("other")])
    order.append("pushed")
    waiting.join(PATIENCE_S)
    assert sorted(order) == ["pushed", "verified"]


def test_a_decision_names_the_subscription_that_the_rule_meant(app: InProcess, admin: Admin) -> None:
    app.push("known")
    tokens = ["known", "new", "gone", "new"]
    sent = [subscription(token, unsubscribe=token == "gone") for token in tokens]
    app.post({"resource_token": TOKEN, "subscriptions": sent})
    decided = admin.get("/requests?limit=1")["items"][0]["decided"]

    meant = [
        (one["rule"], one["subscription"], one["subscription_id"])
        for one in decided
        if one["subscription"] is not None
    ]
    assert meant == [
        ("M11", 0, "known"),
        ("S3", 0, "known"),
        ("S1", 1, "new"),
        ("S3", 2, "gone"),
        ("S5", 3, "new"),
    ]
    assert all(one["subscription_id"] is None for one in decided if one["subscription"] is None)
