"""Criteria that no request can meet are refused, at every door; those that one can meet are not."""

from __future__ import annotations

from html import unescape
from typing import Any

import pytest

from emulator.workspaces.settings import LINT_IDS
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, subscription
from tests.web.admin.conftest import Admin

IMPOSSIBLE = pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("outcome", "refusd", '"refusd" can never match, did you mean "refused"?'),
        ("rule", "S9", '"S9" can never match'),
        ("rule", "L3", '"L3" can never match; lints are asked for as "lint"'),
        ("rule", "Q4", '"Q4" can never match'),
        ("lint", "zz", f'"zz" can never match; there are {", ".join(LINT_IDS)}'),
        ("item_status", "eror", '"eror" can never match, did you mean "error"?'),
        ("description", "Duplicate", '"Duplicate" can never match'),
        ("method", "post", '"post" can never match, did you mean "POST"?'),
        ("provider", "ios-apn", '"ios-apn" can never match, did you mean "ios-apns"?'),
        ("matching", "costum", '"costum" can never match, did you mean "custom"?'),
        ("status", 201, "201 can never match; there are 200, 400–599"),
        ("error", 1, "1 can never match; there are 0, 200, 400–599"),
        ("resource", "Ap", '"Ap" can never match'),
        ("resource_id", 999, "999 can never match; there are "),
        ("db_id", 999, "999 can never match; there are "),
        ("effect", "rest", '"rest" can never match, did you mean "reset"?'),
        ("fault", "f1", '"f1" can never match; no fault of this id was armed here'),
        ("fault", "emu!999", '"emu!999" can never match; no fault'),
        ("path", "push_subscribe", '"push_subscribe" can never match; a path begins with /'),
        ("profile_id", "x" * 65, " can never match; an id has at most 64 printable characters"),
        ("subscription_hash_id", "XYZ", '"XYZ" can never match; a hash has 8 or more'),
    ],
)


@pytest.mark.parametrize("path", ["/requests/count", "/requests/verify"])
@IMPOSSIBLE
def test_value_that_no_request_can_have_is_refused(
    app: InProcess, admin: Admin, path: str, key: str, value: Any, text: str
) -> None:
    app.push("t1")
    asked = {"match": {key: value}, "expect": {"exactly": 0}}
    said = admin.refused("POST", path, asked)
    assert said.startswith(f"match.{key}: ")
    assert text in said


@IMPOSSIBLE
def test_filter_that_no_request_can_meet_is_refused(
    app: InProcess, admin: Admin, key: str, value: Any, text: str
) -> None:
    app.push("t1")
    said = admin.refused("GET", f"/requests?{key}={value}")
    assert said.startswith(f"{key}: ")
    assert text in said


@IMPOSSIBLE
def test_search_of_the_console_that_no_request_can_meet_is_refused(
    app: InProcess, key: str, value: Any, text: str
) -> None:
    app.push("t1")
    answer = app.client.get("/", query_string={"q": f'{key}:"{value}"'})
    if key == "method":  # a search does not mind upper and lower case
        assert answer.status_code == 200
        return
    assert answer.status_code == 400
    assert text in unescape(answer.text)


def test_values_that_requests_can_have_are_accepted_before_any_came(admin: Admin) -> None:
    admin.send("POST", "/faults", {"then": {"status": 503, "error": 1234}, "times": 1})
    for key, value in [
        *(("outcome", one) for one in ("added", "changed", "unchanged", "refused", "fault")),
        *(("rule", one) for one in ("Q5", "B2", "M10", "S4", "A3")),
        *(("lint", one) for one in LINT_IDS),
        *(("item_status", one) for one in ("ok", "error")),
        *(("status", one) for one in (200, 404, 599)),
        *(("error", one) for one in (0, 200, 404, 1234)),
        *(("fault", one) for one in ("f1", "emu!503", "emu!after!reset")),
        *(("effect", one) for one in ("reset", "delay", "error", "truncated_body")),
        ("description", "Duplicate push subscription"),
        ("method", "GET"),
        ("provider", "ios-apns"),
        ("resource", "App"),
        ("resource_id", 5),
        ("db_id", 17),
        ("profile_id", "59db33d269d426509e9c4bf9"),
        ("subscription_hash_id", "0a1b2c3d"),
        ("field.CustomNumber1", 5),
        ("profile_id", None),
        ("provider", None),
    ]:
        asked = {"match": {key: value}, "expect": {"exactly": 0}}
        assert admin.send("POST", "/requests/verify", asked) == {"count": 0}, key


def test_value_that_a_kept_request_has_is_accepted_whatever_it_is(app: InProcess, admin: Admin) -> None:
    app.post({"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t1", "my-own-provider")]})
    asked = {"match": {"provider": "my-own-provider", "status": 400}}
    assert admin.send("POST", "/requests/verify", asked) == {"count": 1}
    assert admin.get("/requests?provider=my-own-provider")["total"] == 1
    admin.send("DELETE", "/requests")
    assert "can never match" in admin.refused("POST", "/requests/verify", asked)


@pytest.mark.parametrize("path", ["/requests/count", "/requests/verify"])
@pytest.mark.parametrize(
    ("search", "said"),
    [
        ("-status:often", "match.q: status: must be a number or a range: 5xx, >=400, 400..499"),
        (
            "outcom:fault",
            "match.q: outcom: no search word has this name; put a text with a colon in quotes,"
            ' did you mean "outcome"?',
        ),
    ],
)
def test_a_search_in_a_match_is_refused_with_the_word_that_is_wrong(
    admin: Admin, path: str, search: str, said: str
) -> None:
    assert admin.refused("POST", path, {"match": {"q": search}}) == said


def test_error_text_of_a_long_value_is_short(admin: Admin) -> None:
    said = admin.refused("POST", "/requests/count", {"match": {"provider": "x" * 100_000}})
    assert len(said) < 500


def test_list_has_no_requests_without_a_resource_among_those_of_a_resource_named_none(
    app: InProcess, admin: Admin
) -> None:
    app.post({"resource_token": "nobody", "subscriptions": [subscription("t1")]})
    for query in ("resource=None", "fault=None", "resource=null"):
        assert "can never match" in admin.refused("GET", f"/requests?{query}")
    for query in ("request_id=None", "id=None", "q=None"):
        assert admin.get(f"/requests?{query}")["total"] == 0


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("GET /requests?rule=M1&limit=1&rule=M2&limit=2", "rule: is a duplicate; limit: is a duplicate"),
        ("GET /profiles?field.City=A&field.City=B", "field.City: is a duplicate"),
        ("GET /events?name=a&name=a", "name: is a duplicate"),
        ("DELETE /workspaces?names=a&names=b", "names: is a duplicate"),
    ],
)
def test_a_query_parameter_that_is_there_twice_is_refused(admin: Admin, call: str, said: str) -> None:
    answer = admin.call(*call.split(" "))
    assert (answer.status_code, answer.json["error_text"]) == (400, said)
