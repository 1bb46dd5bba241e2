"""The exchange: what a request becomes, whole or not at all (A3, A6), whatever goes wrong on the way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from emulator.rules.model import Policies
from emulator.store.errors import Unavailable
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, subscription

ANNA = "59db33d269d426509e9c4bf9"
BORIS = "5fb62e815ae47a4aa04dfadd"


@pytest.fixture
def app() -> Iterator[InProcess]:
    with InProcess() as app:
        yield app


#: Request-level errors: the rule, the request, the code, the text.
REFUSED: list[tuple[str, dict[str, Any], int, str]] = [
    ("B3", {"resource_token": "no-databases"}, 400, "Resource has no databases"),
    ("B3", {"db_ids": [2]}, 400, "No databases left after db_ids filter"),
    ("B4", {"resource_token": "nobody's"}, 404, "Resource not found"),
    ("M2", {"matching": "profile_id"}, 400, 'id: is required with matching "profile_id"'),
    ("M3", {"matching": "custom"}, 400, 'field_name: is required with matching "custom"'),
    ("M8", {"id": "x" * 65}, 400, "id: must be at most 64 printable characters"),
    ("M10", {"matching": "email"}, 400, 'matching: must be "custom" or "profile_id", not "email"'),
    (
        "S6",
        {"subscriptions": [subscription("t"), subscription("t", "x")]},
        400,
        'subscriptions[1].provider: unknown provider "x"',
    ),
    ("A3", {"subscriptions": []}, 400, "subscriptions: must have 1 to 100 entries"),
]


def body_of(request: dict[str, Any]) -> dict[str, Any]:
    return {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")], **request}


@pytest.mark.parametrize(("rule", "request_", "code", "text"), REFUSED)
def test_A3_request_level_error_and_nothing_changed(
    app: InProcess, rule: str, request_: dict[str, Any], code: int, text: str
) -> None:
    before = app.counts
    answer = app.post(body_of(request_))
    assert answer.status_code == code
    assert answer.mimetype == "application/json"
    assert list(answer.get_json().items()) == [("data", []), ("error", code), ("error_text", text)]
    assert app.counts == before


@pytest.mark.parametrize(("rule", "request_", "code", "text"), REFUSED)
def test_A3_policy_always_200_changes_the_status_alone(
    rule: str, request_: dict[str, Any], code: int, text: str
) -> None:
    with InProcess(policies=Policies(http_status="always_200")) as app:
        answer = app.post(body_of(request_))
        assert answer.status_code == 200
        assert answer.get_json() == {"data": [], "error": code, "error_text": text}


def test_A3_policy_always_200_leaves_good_answers_alone() -> None:
    with InProcess(policies=Policies(http_status="always_200")) as app:
        assert app.push("t", id=ANNA)["error"] == 0


@pytest.mark.parametrize(("tokens", "error"), [(["new"], 0), (["active-token"], 200)])
def test_A1_A2_are_HTTP_200(app: InProcess, tokens: list[str], error: int) -> None:
    answer = app.post(body_of({"id": BORIS, "subscriptions": [subscription(token) for token in tokens]}))
    assert (answer.status_code, answer.get_json()["error"]) == (200, error)
    assert list(answer.get_json()) == ["data", "error", "error_text"]


def test_A6_all_databases_are_one_transaction(app: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    applied = []
    apply = app.store.apply
    monkeypatch.setattr(app.store, "apply", lambda changes: (applied.append(changes), apply(changes)))
    answer = app.push("a", "b", resource_token="two-databases")
    assert len(answer["data"]) == 4
    (changes,) = applied
    assert [one.db_id for one in changes.profiles] == [34, 2]
    assert len(changes.subscriptions) == 4


def test_A6_a_transaction_that_fails_leaves_nothing(app: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(changes: object) -> None:
        raise Unavailable("the disk is full")

    before = app.counts
    with monkeypatch.context() as broken:
        broken.setattr(app.store, "apply", fail)
        answer = app.post(
            {"resource_token": "two-databases", "subscriptions": [subscription("a"), subscription("b")]}
        )
    assert answer.status_code == 500
    assert (answer.get_json()["data"], answer.get_json()["error"]) == ([], 500)
    assert "the disk is full" in answer.get_json()["error_text"]
    assert app.counts == before
    assert app.push("a", "b", resource_token="two-databases")["error"] == 0


def test_A6_a_request_that_changes_nothing_is_no_transaction(
    app: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.store, "apply", lambda changes: pytest.fail("there was nothing to apply"))
    assert app.push("active-token")["error"] == 200
