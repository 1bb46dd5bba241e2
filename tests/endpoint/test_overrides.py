"""Overridden answers: every code and text that a workspace can set is what a client gets, and no other is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from werkzeug.test import TestResponse

from emulator.rules.overrides import ANSWERS
from emulator.settings import MAX_BODY_BYTES
from emulator.web.openapi.document import openapi_document
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, subscription

ANNA = "59db33d269d426509e9c4bf9"
#: Of a field of the default fixtures, and a value that two of the profiles below have.
FIELD, SHARED = "CustomNumber1", 4242


@pytest.fixture
def app() -> Iterator[InProcess]:
    with InProcess() as app:
        yield app


def settle(app: InProcess, **change: Any) -> Any:
    """The settings after a change."""
    answer = app.client.patch("/__admin/settings", json=change)
    assert answer.status_code == 200, answer.get_json()
    return answer.get_json()


def body(**parameters: Any) -> dict[str, Any]:
    return {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")], **parameters}


def several(app: InProcess) -> TestResponse:
    settle(app, policies={"several_profiles": "error"})
    for _ in range(2):
        profile = {"db_id": 17, "fields": {FIELD: SHARED}}
        assert app.client.post("/__admin/profiles", json=profile).status_code == 201
    return app.post(body(matching="custom", field_name=FIELD, field_value=SHARED))


def strictly(app: InProcess) -> TestResponse:
    settle(app, strict=True)
    return app.post(body(colour="blue"))


#: A request for every answer: its name, and how it comes about.
ASKED: dict[str, Callable[[InProcess], TestResponse]] = {
    "Q5": strictly,
    "B3": lambda app: app.post(body(resource_token="no-databases")),
    "B3/filter": lambda app: app.post(body(db_ids=[2])),
    "B4": lambda app: app.post(body(resource_token="nobody's")),
    "M2": lambda app: app.post(body(matching="profile_id")),
    "M3": lambda app: app.post(body(matching="custom")),
    "M4": lambda app: app.post(body(matching="custom", field_name="nothing", field_value=1)),
    "M5": lambda app: app.post(body(matching="custom", field_name=FIELD, field_value="seven")),
    "M8": lambda app: app.post(body(id="x" * 65)),
    "M9": several,
    "M10": lambda app: app.post(body(matching="email")),
    "S4": lambda app: app.post(body(subscriptions=[subscription("taken-token")], id=ANNA)),
    "S5": lambda app: app.post(body(subscriptions=[subscription("t"), subscription("t")])),
    "S6": lambda app: app.post(body(subscriptions=[subscription("t", "x")])),
    "A3": lambda app: app.post(b"[]"),
    "A3/size": lambda app: app.post(b" " * (MAX_BODY_BYTES + 1)),
    "A3/encoding": lambda app: app.post(body(), Content_Encoding="gzip"),
    "A4": lambda app: app.client.put("/push_subscribe"),
    "A4/path": lambda app: app.client.post("/push_subscribes"),
}


def test_every_answer_that_can_be_overridden_is_asked_for_here() -> None:
    assert list(ASKED) == list(ANSWERS)


@pytest.mark.parametrize("name", [name for name, one in ANSWERS.items() if one.code is not None])
def test_refused_request_has_the_codes_and_the_text_that_were_set(app: InProcess, name: str) -> None:
    code = ANSWERS[name].code
    usual = ASKED[name](app)
    assert (usual.status_code, usual.get_json()["error"]) == (code, code)
    settle(app, answers={name: {"status": 222, "error": 7, "error_text": "своё"}})
    answer = ASKED[name](app)
    assert (answer.status_code, answer.get_json()) == (222, {"data": [], "error": 7, "error_text": "своё"})
    others = [ASKED[other](app) for other in ("B4", "M10") if other != name]
    assert [one.status_code for one in others] == [ANSWERS[n].code for n in ("B4", "M10") if n != name]
    settle(app, answers={name: None})
    assert ASKED[name](app).get_json()["error_text"] == usual.get_json()["error_text"]


@pytest.mark.parametrize("name", [name for name, one in ANSWERS.items() if one.code is None])
def test_item_says_what_was_set(app: InProcess, name: str) -> None:
    def said(answer: TestResponse) -> list[str]:
        return [one["description"] for one in answer.get_json()["data"] if one["status"] == "error"]

    settle(app, answers={name: {"description": "своё"}})
    assert set(said(ASKED[name](app))) == {"своё"}
    settle(app, answers={name: None})
    assert set(said(ASKED[name](app))) == {ANSWERS[name].description}


def test_S6_has_an_item_and_a_refusal_that_are_set_apart(app: InProcess) -> None:
    resource = {"id": 999, "name": "A", "token": "one-provider", "db_ids": [17], "providers": ["ios-apns"]}
    assert app.client.post("/__admin/resources", json=resource).status_code == 201
    settle(app, answers={"S6": {"description": "not here", "error": 12}})
    item = app.post(body(resource_token="one-provider")).get_json()["data"][0]
    assert (item["status"], item["description"]) == ("error", "not here")
    refused = ASKED["S6"](app)
    assert (refused.status_code, refused.get_json()["error"]) == (400, 12)
    assert refused.get_json()["error_text"] == 'subscriptions[0].provider: unknown provider "x"'


@pytest.mark.parametrize(
    ("http_status", "answer", "status"),
    [
        ("mirror", {"error": 7}, 404),
        ("always_200", {"error": 7}, 200),
        ("mirror", {"status": 200}, 200),
        ("always_200", {"status": 403}, 403),
    ],
)
def test_a_status_that_is_set_counts_more_than_the_policy(
    app: InProcess, http_status: str, answer: dict[str, Any], status: int
) -> None:
    settle(app, policies={"http_status": http_status}, answers={"B4": answer})
    found = ASKED["B4"](app)
    assert (found.status_code, found.get_json()["error"]) == (status, answer.get("error", 404))


@pytest.mark.parametrize("name", ["B4", "A3/size", "A4"])
def test_A3_error_data_absent_leaves_data_out_of_errors_alone(app: InProcess, name: str) -> None:
    settle(app, policies={"error_data": "absent"})
    assert list(ASKED[name](app).get_json()) == ["error", "error_text"]
    settle(app, answers={name: {"error_text": "x"}})
    assert list(ASKED[name](app).get_json()) == ["error", "error_text"]
    assert list(app.push("t")) == ["data", "error", "error_text"]
    app.client.post("/__admin/faults", json={"then": {"status": 503}, "times": 1})
    assert list(app.push("t")) == ["error", "error_text"]
    assert "data" in app.client.get("/__admin/nothing").get_json()


def test_the_contract_says_which_answers_may_lack_data() -> None:
    schemas = openapi_document()["components"]["schemas"]
    for name in ("Refusal", "PushAnswer"):
        assert schemas[name]["required"] == ["error", "error_text"]
        assert "error_data: absent" in schemas[name]["properties"]["data"]["description"]


def test_a_forced_item_error_says_what_was_set(app: InProcess) -> None:
    settle(app, answers={"S4": {"description": "taken"}})
    app.client.post("/__admin/faults", json={"then": {"item_error": "duplicate"}, "times": 1})
    assert app.push("t")["data"][0]["description"] == "taken"


def test_a_refused_request_is_refused_in_the_journal_whatever_error_was_set(app: InProcess) -> None:
    settle(app, answers={"B4": {"status": 200, "error": 0, "error_text": "ok"}})
    ASKED["B4"](app)
    (entry,) = app.client.get("/__admin/requests").get_json()["items"]
    assert (entry["status"], entry["error"], entry["error_text"]) == (200, 0, "ok")
    assert entry["outcome"] == "refused"
    assert [one["detail"] for one in entry["decided"]] == ["Resource not found"]


def test_requests_can_be_verified_by_what_was_set(app: InProcess) -> None:
    asked = {"match": {"status": 299, "error": 77}}
    assert app.client.post("/__admin/requests/verify", json=asked).status_code == 400
    settle(app, answers={"B4": {"status": 299, "error": 77}, "S4": {"description": "taken"}})
    ASKED["B4"](app)
    ASKED["S4"](app)
    for match in (asked["match"], {"description": "taken"}):
        assert app.client.post("/__admin/requests/verify", json={"match": match}).status_code == 200
