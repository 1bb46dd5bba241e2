"""What holds for every call: paths, queries, retries, bad input, faults (K1–K6, R6)."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.messages import Incoming
from tests.in_process import InProcess
from tests.mobile import FIXTURES, ROLE, bearer, claim, subscribe_body
from tests.mobile.conftest import Phone

SUBSCRIBE = "/subscription/push/subscribe/"
POSTS = (SUBSCRIBE, "/subscription/push/update/", "/subscription/push/unsuspend/", "/profile/update")


@pytest.mark.parametrize("before", ["", "/", "//", "/w/other", "/w/other/"])
@pytest.mark.parametrize("behind", ["", "/"])
def test_K1_slashes_and_workspaces_before_the_path_mean_nothing(
    phone: Phone, before: str, behind: str
) -> None:
    path = f"{before}/subscription/push/subscribe{behind}"
    body = json.dumps(subscribe_body("t")).encode()
    incoming = Incoming("POST", path, "sync=true", {"authorization": ROLE}, body, "127.0.0.1:1")
    answer = phone.app.emulator.exchange.handle(incoming)
    assert (answer.status, json.loads(answer.body)["profile"]["subscription"]["status"]) == (
        200,
        "subscribed",
    )


def test_K2_a_plus_in_a_query_is_a_plus(phone: Phone) -> None:
    phone.subscribe("a+b:/c")
    assert phone.of("a+b:/c") == "subscribed"
    for escaped in ("a%2Bb%3A%2Fc", "a+b%3A/c"):
        assert phone.of(escaped) == "subscribed"


def test_K3_a_repeated_request_id_gets_the_first_answer(phone: Phone) -> None:
    def send(status: str, request_id: str = "one", authorization: str = ROLE) -> Any:
        body = subscribe_body("t", status=status)
        return phone.call(SUBSCRIBE + "?sync=1", body, authorization, Request_ID=request_id)

    first = send("subscribed")
    assert send("suspended") == first
    assert [one["rule"] for one in phone.last()["lints"]] == ["K3"]
    assert phone.of("t") == "subscribed"
    assert send("suspended", "two")[1]["profile"]["subscription"]["status"] == "suspended"
    assert send("suspended", "one", bearer())[1]["profile"]["id"] != first[1]["profile"]["id"]
    phone.app.client.post("/__admin/reset", json={})
    assert send("suspended")[1]["profile"]["subscription"]["status"] == "suspended"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SUBSCRIBE + "?sync=1", b""),
        (SUBSCRIBE + "?sync=1", b'{"subscription": {"provider": "android-fire'),
        (SUBSCRIBE + "?sync=1", b"\xff\xfe{}"),
        (SUBSCRIBE + "?sync=1", b'["t"]'),
        (SUBSCRIBE + "?sync=1", subscribe_body("t", provider="pigeon")),
        (SUBSCRIBE + "?sync=perhaps", subscribe_body("t")),
        ("/event/post", b"no multipart at all"),
        ("/event/push/open", {"smid": 5}),
    ],
)
def test_K3_a_body_that_cannot_be_read_is_another_body(phone: Phone, path: str, body: Any) -> None:
    kind = "multipart/form-data; boundary=b"
    parts = {"tz": "0", "t": "1", "aci": "", "wn": "buy"}
    event = "".join(
        f'--b\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{parts[name]}\r\n' for name in parts
    )
    firsts = {"/event/post": f"{event}--b--\r\n".encode(), "/event/push/open": {"time": 1, "smid": "m"}}
    right = firsts.get(path, subscribe_body("t", status="suspended"))
    first = phone.call(path.replace("perhaps", "1"), right, Request_ID="one", Content_Type=kind)
    assert first[0] == 200
    for gzipped in ({}, {"Content_Encoding": "gzip"}):
        assert phone.call(path, body, Request_ID="one", **gzipped) == first
        assert [one["rule"] for one in phone.last()["lints"]] == ["K3"]
        assert phone.call(path, body, Request_ID="two", **gzipped)[0] in (400, 415)
    assert phone.call(path, body, "Bearer rtoken@unknown", Request_ID="one")[0] == 401


def test_a_fault_for_another_call_leaves_a_body_that_cannot_be_read_alone(phone: Phone) -> None:
    update = "/subscription/push/update/"
    assert phone.call(update, NEW, Request_ID="one")[0] == 200
    fault = {"then": {"status": 503}, "match": {"call": "subscribe"}}
    assert phone.app.client.post("/__admin/faults", json=fault).status_code == 201
    assert phone.call(update, b"{", Request_ID="one")[0] == 200


def test_K3_policy_sdk_retries_apply(phone: Phone) -> None:
    phone.app.client.patch("/__admin/settings", json={"policies": {"sdk_retries": "apply"}})
    for status in ("subscribed", "suspended"):
        answer = phone.call(SUBSCRIBE + "?sync=1", subscribe_body("t", status=status), Request_ID="one")
        assert answer[1]["profile"]["subscription"]["status"] == status


def test_K3_the_answer_that_a_fault_lost_is_remembered_and_the_fault_s_is_not(phone: Phone) -> None:
    for apply, made in (("before", 0), ("after", 1)):
        fault = {"then": {"status": 503}, "times": 1, "apply": apply, "match": {"call": "subscribe"}}
        assert phone.app.client.post("/__admin/faults", json=fault).status_code == 201
        assert phone.call(SUBSCRIBE, subscribe_body(apply), Request_ID=apply)[0] == 503
        assert phone.app.counts[1] == made
    assert phone.call(SUBSCRIBE, subscribe_body("after"), Request_ID="after")[0] == 200
    assert "K3" in [one["rule"] for one in phone.last()["decided"]]


@pytest.mark.parametrize("time", [1782900000, 1782900000123, 1782900000.5, None])
def test_K4_times_are_seconds_or_milliseconds(phone: Phone, time: Any) -> None:
    assert phone.subscribe("t", time=time)


@pytest.mark.parametrize(("sync", "told"), [("true", True), ("1", True), ("false", False), ("0", False)])
def test_K5_sync_is_a_word_or_a_digit(phone: Phone, sync: str, told: bool) -> None:
    assert (phone.subscribe("t", sync=sync) is not None) == told
    assert phone.call(SUBSCRIBE, subscribe_body("t"))[1]["profile"] is None
    assert phone.call(SUBSCRIBE + "?sync=maybe", subscribe_body("t"))[0] == 400


def test_K6_unknown_members_are_ignored_with_a_lint(phone: Phone) -> None:
    phone.subscribe("t", profil_fields={"age": 1}, profile_fields=None, cats=None)
    (lint,) = phone.last()["lints"]
    assert (lint["rule"], lint["path"]) == ("L1", "profil_fields")
    assert "profile_fields" in lint["text"]


def test_K6_unknown_parameters_of_the_query_are_ignored_with_a_lint(phone: Phone) -> None:
    for path, body in ((SUBSCRIBE, subscribe_body("t")), ("/event/push/open", {"time": 1, "smid": "m"})):
        assert phone.call(path + "?matchin_mode=push_sub&x=%2B", body)[0] == 200
        lints = [(one["rule"], one["path"]) for one in phone.last()["lints"]]
        assert lints == [("L1", "matchin_mode"), ("L1", "x")]
    assert phone.refused("t", profile_fields={"no": 1}, profil_fields={})[0] == 400
    assert [one["path"] for one in phone.last()["lints"]] == ["profil_fields"]  # also of a refused call


TWICE = b'{"subscription": {"provider": "ios-apns", "provider": "android-firebase", "subscription_id": "t", '
TWICE += (
    b'"status": "subscribed"}, "replace": null, "replace": false, "profile_fields": {"age": 1, "age": null}}'
)


def test_L8_a_key_that_is_twice_in_a_body_is_told_and_the_last_one_counts(phone: Phone) -> None:
    status, answer = phone.call(SUBSCRIBE + "?sync=1", TWICE)
    assert (status, answer["profile"]["subscription"]["provider"]) == (200, "android-firebase")
    lints = [(one["rule"], one["path"]) for one in phone.last()["lints"]]
    assert sorted(lints) == [("L8", "profile_fields.age"), ("L8", "replace"), ("L8", "subscription.provider")]
    for slashes in ("/", "\\/"):  # iOS escapes: the quotation marks are not simply counted
        phone.call(SUBSCRIBE, json.dumps(subscribe_body("a/b")).replace("/", slashes).encode())
        assert phone.last()["lints"] == []
    escaped = TWICE.replace(b'"t"', b'"' + b"\\u0022" * 8 + b'"')  # as many marks as the second keys have
    phone.call(SUBSCRIBE, escaped)
    assert [one["rule"] for one in phone.last()["lints"]] == ["L8"] * 3


@pytest.mark.parametrize(
    ("query", "body", "text"),
    [
        ("", TWICE, 'replace: duplicate key "replace"'),
        ("", subscribe_body("t", replce=True), 'replce: unknown parameter, did you mean "replace"?'),
        ("?snc=1", subscribe_body("t"), 'snc: unknown parameter, did you mean "sync"?'),
        ("", subscribe_body("t", fields={"pointz": 1}), "subscription.fields.pointz: unknown parameter"),
    ],
)
def test_Q5_strict_mode_refuses_unknown_names_and_duplicate_keys(
    phone: Phone, query: str, body: Any, text: str
) -> None:
    phone.app.client.patch("/__admin/settings", json={"strict": True})
    status, answer = phone.call(SUBSCRIBE + query, body)
    assert (status, answer["error"], text in answer["error_text"]) == (400, 400, True), answer
    assert phone.app.counts == (0, 0)
    assert phone.subscribe("t", time=None, fields={"_os": "Android"})


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "body: is empty"),
        (b"{", "body: is not JSON"),
        (b"[]", "body: must be a JSON object"),
        (b"{}", "subscription: is required"),
        (b"\xff", "body: is not UTF-8"),
        (b"[" * 100_000, "body: "),
        ({"subscription": 5}, "subscription: must be a JSON object"),
        (
            {"subscription": {"provider": "ios-apns", "subscription_id": "t"}},
            "subscription.status: is required",
        ),
        (subscribe_body(""), "subscription.subscription_id: must not be empty"),
        (subscribe_body("t", "pigeon"), 'subscription.provider: unknown provider "pigeon"'),
        (subscribe_body("t", status="gone"), 'subscription.status: must be "subscribed"'),
        (subscribe_body("t", replace="yes"), "replace: must be true or false"),
        (subscribe_body("t", time="now"), "time: must be a number"),
        (subscribe_body("t", profile_fields=[]), "profile_fields: must be a JSON object"),
        (subscribe_body("t", cats=[{"active": True}]), "subscription.cats[0].name: is required"),
        (
            subscribe_body("t", cats=[{"name": "a", "active": "x"}]),
            "subscription.cats[0].active: must be true",
        ),
        (subscribe_body("a\0b"), "subscription_id: must not contain NUL"),
    ],
)
def test_R6_what_is_wrong_is_said_with_its_path(phone: Phone, body: Any, text: str) -> None:
    status, answer = phone.call(SUBSCRIBE, body)
    assert (status, answer["error"], answer["profile"]) == (400, 400, None)
    assert answer["error_text"].startswith(text), answer["error_text"]
    assert phone.app.counts == (0, 0)


PAIR = {"subscription_id": "t", "provider": "ios-apns"}
NEW = {"new_token": "n", "new_provider": "ios-apns"}


@pytest.mark.parametrize(
    ("call", "body", "text"),
    [
        ("POST /subscription/push/update/", {"new_provider": "ios-apns"}, "new_token: is required"),
        ("POST /subscription/push/update/", {**NEW, "new_token": ""}, "new_token: must not be empty"),
        ("POST /subscription/push/update/", {**NEW, "new_token": None}, "new_token: must be a string"),
        ("POST /subscription/push/update/", {**NEW, "new_provider": "pigeon"}, "new_provider: unknown"),
        (
            "POST /subscription/push/update/",
            {**NEW, "old_token": "o", "old_provider": "pigeon"},
            'old_provider: unknown provider "pigeon"; there are android-firebase, ',
        ),
        ("POST /subscription/push/update/", {**NEW, "old_token": 5}, "old_token: must be a string"),
        ("POST /subscription/push/update/?sync=maybe", NEW, "sync: must be true or false"),
        ("POST /subscription/push/subscribe/?provider=pigeon", subscribe_body("t"), "provider: unknown"),
        ("POST /subscription/push/unsuspend/", {"replace": True}, "subscription: is required"),
        (
            "POST /subscription/push/unsuspend/",
            {"subscription": {**PAIR, "provider": "x"}},
            "subscription.provider",
        ),
        (
            "POST /subscription/push/unsuspend/",
            {"subscription": {**PAIR, "subscription_id": None}},
            "subscription.subscription_id: must be a string",
        ),
        ("GET /subscription/push/status/?subscription_id=t", None, "provider: is required with"),
        ("GET /subscription/push/status/?provider=pigeon", None, "provider: unknown provider"),
        ("POST /profile/update", {"profile_fields": [1]}, "profile_fields: must be a JSON object"),
        ("POST /profile/update", b'{"profile_fields": {"a": 1}', "body: is not JSON"),
        (
            "POST /subscription/push/subscribe/",
            subscribe_body("t", status=None),
            'subscription.status: must be "',
        ),
    ],
)
def test_R6_each_call_says_what_is_wrong(phone: Phone, call: str, body: Any, text: str) -> None:
    method, path = call.split()
    status, answer = phone.call(path, body, method=method)
    assert (status, answer["error"], answer["profile"]) == (400, 400, None), answer
    assert answer["error_text"].startswith(text), answer["error_text"]
    assert phone.app.counts == (0, 0)


def test_R6_a_method_that_the_path_has_not(phone: Phone) -> None:
    answer = phone.app.client.get(SUBSCRIBE, headers={"Authorization": ROLE})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert phone.call("/subscription/push/status/", {})[0] == 405


@pytest.mark.parametrize(
    ("path", "right"),
    [
        ("/Subscription/Push/Subscribe/", "/subscription/push/subscribe"),
        ("/subscription//push/subscribe/", "/subscription/push/subscribe"),
        ("/push/subscribe/", "/subscription/push/subscribe"),
        ("/subscribe", "/subscription/push/subscribe"),
        ("/api/v1/subscription/push/status", "/subscription/push/status"),
        ("/w/qa/subscription/push/updates/", "/w/qa/subscription/push/update"),
        ("/subscription/push/unsubscribe/", "/subscription/push/subscribe"),
        ("/subscription/push/suspend/", "/subscription/push/subscribe"),
        ("/subscription/push/un-suspend", "/subscription/push/unsuspend"),
        ("/event/push/delivered", "/event/push/delivery"),
        ("/events/post", "/event/post"),
        ("/profile/Update", "/profile/update"),
        ("/pushes/post_events", "/api/v1.1/pushes/post_events"),
    ],
)
def test_A4_an_unknown_path_near_an_SDK_s_names_the_right_one(phone: Phone, path: str, right: str) -> None:
    status, answer = phone.call(path, subscribe_body("t"))
    text = f'{path} not found, did you mean "{right}"?'
    assert (status, answer) == (404, {"data": [], "error": 404, "error_text": text})
    phone.app.client.environ_base["HTTP_X_EMULATOR_WORKSPACE"] = "qa" if path.startswith("/w/") else "default"
    entry = phone.last()
    assert (entry["path"], entry["status"], entry["error_text"]) == (path, 404, text)


@pytest.mark.parametrize("path", ["/profile", "/v1/users/me", "/" + "a/" * 3000])
def test_A4_a_path_that_is_near_no_call_has_no_hint(phone: Phone, path: str) -> None:
    assert phone.call(path, {})[1]["error_text"].endswith(" not found")


def test_R6_a_body_over_the_limit(phone: Phone) -> None:
    assert phone.call(SUBSCRIBE, b" " * (1 << 20) + b"{}")[0] == 413


JSONS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def busy() -> Any:
    with InProcess(fixtures=FIXTURES) as app:
        yield Phone(app)


@settings(max_examples=40, deadline=None)
@given(
    path=st.sampled_from(POSTS),
    members=st.dictionaries(
        st.sampled_from(
            ["subscription", "profile_fields", "replace", "time", "old_token", "new_token", "new_provider"]
        ),
        JSONS,
    ),
    inner=st.dictionaries(
        st.sampled_from(["provider", "status", "fields", "cats", "subscription_id"]), JSONS
    ),
)
def test_R6_no_body_fails_the_server_or_is_half_applied(
    busy: Phone, path: str, members: dict[str, Any], inner: dict[str, Any]
) -> None:
    body = subscribe_body("t") | members
    if isinstance(body["subscription"], dict):
        body["subscription"] |= inner
    before = busy.app.store.commits
    status, answer = busy.call(path + "?sync=true", body, bearer())
    assert status in (200, 400), answer
    assert status == 200 or busy.app.store.commits == before


def test_a_fault_is_matched_by_the_call_s_name(phone: Phone) -> None:
    fault = {"then": {"status": 503}, "match": {"call": "suspend", "provider": "android-firebase"}}
    assert phone.app.client.post("/__admin/faults", json=fault).status_code == 201
    phone.subscribe("t")
    status, text = phone.refused("t", status="suspended")
    assert (status, text) == (503, "Fault: Service Unavailable")
    assert phone.of("t") == "subscribed"


def test_a_call_without_an_outcome_is_listed_with_its_resource_and_its_path_once(phone: Phone) -> None:
    fault = {"then": {"status": 503}, "times": 1, "match": {"call": "profile_update"}}
    assert phone.app.client.post("/__admin/faults", json=fault).status_code == 201
    assert phone.call("/profile/update", {}, bearer())[0] == 503
    by_fault = phone.last()
    assert phone.call("/profile/update", {}, "Bearer rtoken@unknown")[0] == 401
    page = phone.app.client.get("/").text
    whose = [re.sub("<[^>]*>|[\u2068\u2069]", "", one) for one in re.findall('"c-who">(.*?)</span>\n', page)]
    assert whose == ["POST /profile/update", f"{by_fault['resource']} /profile/update"]
    found = phone.app.client.get(f"/__admin/requests?resource_id={by_fault['resource_id']}").get_json()
    assert [one["id"] for one in found["items"]] == [by_fault["id"]]


def test_a_token_of_a_fault_works_as_on_the_endpoint(phone: Phone) -> None:
    assert phone.refused("emu!503")[0] == 503
    assert phone.refused("emu!unknown-category")[1].endswith("category not found in resource")
    assert phone.refused("emu!nonsense")[0] == 400
    query = "?provider=ios-apns&subscription_id=emu!503"
    assert phone.call("/subscription/push/status/" + query, method="GET")[0] == 503
    assert (
        phone.call("/subscription/push/update/", {**NEW, "old_token": "emu!429", "old_provider": "ios-apns"})[
            0
        ]
        == 429
    )
    assert (
        phone.call("/subscription/push/unsuspend/", {"subscription": {**PAIR, "subscription_id": "emu!400"}})[
            0
        ]
        == 400
    )


def test_both_doors_have_one_base(phone: Phone) -> None:
    pushed = phone.app.push("t", resource_token="mobile-resource")["data"][0]
    suspended = phone.subscribe("t", status="suspended")
    assert suspended["id"] == pushed["profile_id"]
    assert suspended["subscription"]["hash_id"] == pushed["subscription_hash_id"]
    back = phone.app.push("t", resource_token="mobile-resource")["data"][0]
    assert (back["profile_id"], back["subscription_hash_id"]) == (
        pushed["profile_id"],
        pushed["subscription_hash_id"],
    )
    assert phone.of("t") == "subscribed"


@pytest.mark.parametrize(("unsubscribe", "after"), [(False, "subscribed"), (True, "unsubscribed")])
def test_S2_the_endpoint_changes_a_suspended_subscription(
    phone: Phone, unsubscribe: bool, after: str
) -> None:
    phone.subscribe("t", status="suspended")
    entry = {"provider": "android-firebase", "subscription_id": "t", "unsubscribe": unsubscribe}
    phone.app.post({"resource_token": "mobile-resource", "subscriptions": [entry]})
    assert phone.of("t") == after


def test_S4_a_suspended_subscription_does_not_count_as_active(phone: Phone) -> None:
    phone.subscribe("t", status="suspended")
    by_field = {"matching": "custom", "field_name": "crm_id", "field_value": 5}
    assert phone.app.push("t", resource_token="mobile-resource", **by_field)["error"] == 0


def found(phone: Phone, **criteria: Any) -> list[str]:
    """The paths of the requests that a list, a count and a search find, the oldest first."""
    query = "&".join(f"{name}={value}" for name, value in criteria.items())
    items = phone.app.client.get(f"/__admin/requests?{query}").get_json()["items"]
    counted = phone.app.client.post("/__admin/requests/count", json={"match": criteria}).get_json()
    words = " ".join(f"{name}:{value}" for name, value in criteria.items())
    searched = phone.app.client.get("/__admin/requests", query_string={"q": words}).get_json()["total"]
    assert counted["count"] == searched == len(items), criteria
    return [one["path"].rstrip("/").rpartition("/")[2] for one in items[::-1]]


def test_the_journal_finds_a_call_by_the_profile_and_the_subscription_that_it_is_about(phone: Phone) -> None:
    anna = bearer(claim(email="anna@example.com"))
    phone.subscribe("t", bearer(), sync="false")
    made = phone.status(bearer(), provider="android-firebase", subscription_id="t")
    hers = phone.subscribe("t", anna, replace=True)  # K11: his is unsubscribed
    phone.call("/profile/update", {"profile_fields": {"vip": True}}, bearer())
    pairs = {"old_token": "t", "old_provider": "android-firebase", "new_token": "a+b:c"}
    phone.call("/subscription/push/update/", {**pairs, "new_provider": "ios-apns"}, anna)
    phone.unsuspend("t", anna)
    his = ["subscribe", "status", "subscribe", "update"]
    assert found(phone, profile_id=made["id"]) == [*his, "update"]  # of his profile, of both their tokens
    assert found(phone, profile_id=hers["id"], db_id=1) == ["subscribe", "update", "unsuspend"]
    assert found(phone, db_id=2) == []
    assert found(phone, subscription_id="t") == ["subscribe", "status", "subscribe", "update", "unsuspend"]
    by_hash = found(phone, subscription_hash_id=made["subscription"]["hash_id"])
    assert by_hash == ["subscribe", "status", "subscribe", "update"]


def test_the_page_of_a_call_shows_all_that_it_changed(phone: Phone) -> None:
    def changes() -> list[str]:
        page = phone.app.client.get(f"/__console/requests/{phone.last()['id']}?language=en").text
        rows = page.partition('id="h-state"')[2].partition("</section>")[0].split("<tr>")[2:]
        return [" ".join(re.sub("<[^>]*>|[\u2068\u2069]", " ", row).split()) for row in rows]

    mine = phone.subscribe("t")
    phone.subscribe("t", bearer())
    phone.unsuspend("t")
    (suspended,) = changes()
    assert [one in suspended for one in ("● subscribed", "○ suspended")] == [True, True]
    phone.call("/profile/update", {"profile_fields": {"age": 41}}, bearer())
    assert [row.endswith("age = 41") for row in changes()] == [True]
    pairs = {"old_token": "t", "old_provider": "android-firebase", "new_token": "next"}
    phone.call("/subscription/push/update/", {**pairs, "new_provider": "ios-apns"})
    assert any(mine["id"] in row and "android-firebase t ios-apns next" in row for row in changes()), (
        changes()
    )
    assert len(changes()) == 2


def test_the_journal_finds_a_call_by_its_token(phone: Phone) -> None:
    phone.subscribe("one")
    phone.subscribe("two", status="unsubscribed")
    for criteria, number in (("subscription_id=two", 1), ("unsubscribe=true", 1), ("provider=ios-apns", 0)):
        found = phone.app.client.get(f"/__admin/requests?{criteria}").get_json()["items"]
        assert len(found) == number, criteria
