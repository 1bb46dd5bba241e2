"""The documented endpoint's own rules: Q1–Q3, Q5, and A4 around it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, subscription

ANNA = "59db33d269d426509e9c4bf9"
PATHS = [
    "/push_subscribe",
    "/push_subscribe/",
    "/api/v1.1/resources/push_subscribe",
    "/api/v1.1/resources/push_subscribe/",
]
METHODS = ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE"]


@pytest.fixture
def app() -> Iterator[InProcess]:
    with InProcess() as app:
        yield app


@pytest.fixture
def strict() -> Iterator[InProcess]:
    with InProcess(strict=True) as app:
        yield app


def a_request(**more: Any) -> dict[str, Any]:
    return {"resource_token": PAGE_TOKEN, "id": ANNA, "subscriptions": [subscription("t")], **more}


# Q1


@pytest.mark.parametrize(
    "not_given",
    [
        {"matching": ""},
        {"matching": None},
        {"db_ids": []},
        {"db_ids": None},
        {"field_name": None, "field_value": None},
        {"subscriptions": [{**subscription("t"), "unsubscribe": None}]},
    ],
)
def test_Q1_not_given_parameters_are_accepted(app: InProcess, not_given: dict[str, Any]) -> None:
    answer = app.post(a_request(**not_given)).get_json()
    assert (answer["error"], answer["data"][0]["profile_id"]) == (0, ANNA)


@pytest.mark.parametrize("name", ["id", "db_ids", "matching", "field_name", "field_value"])
def test_Q1_null_is_accepted_beside_an_unknown_parameter_too(app: InProcess, name: str) -> None:
    # Such a body is read by the schema, where a plain one is not.
    assert app.post(a_request(**{name: None, "nobody": 1})).get_json()["error"] == 0


@pytest.mark.parametrize("not_given", ["", None])
def test_Q1_id_that_is_not_given_means_push_matching(app: InProcess, not_given: str | None) -> None:
    answer = app.post(a_request(id=not_given, subscriptions=[subscription("taken-token")])).get_json()
    assert answer["data"][0]["profile_id"] == "637f1a284fda7c5c08be62f0"


# Q2


@pytest.mark.parametrize("query", ["", "?token=any-api-token", "?token=&x=%D0%B9"])
@pytest.mark.parametrize("path", PATHS)
def test_Q2_every_path_serves_the_same_call(app: InProcess, path: str, query: str) -> None:
    answer = app.post(a_request(), path + query)
    assert (answer.status_code, answer.get_json()["error"]) == (200, 0)
    assert app.post(a_request(), path).get_json()["error"] == 200  # now it is there


def test_Q2_the_query_stands_for_no_parameter(app: InProcess) -> None:
    answer = app.post({"subscriptions": [subscription("t")]}, f"/push_subscribe?resource_token={PAGE_TOKEN}")
    assert answer.get_json()["error_text"] == "resource_token: is required"


def test_L1_a_parameter_of_the_body_in_the_query_is_told_and_no_other(app: InProcess) -> None:
    app.post(a_request(), "/push_subscribe?matching=custom&token=any&x=1&db_ids")
    (entry,) = app.client.get("/__admin/requests").get_json()["items"]
    text = "is not read from the query string: send it in the body"
    assert [(one["path"], one["text"]) for one in entry["lints"] if one["text"] == text] == [
        ("query.db_ids", text),
        ("query.matching", text),
    ]


# Q3


@pytest.mark.parametrize(
    "content_type",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "nonsense", "", None],
)
def test_Q3_any_content_type_is_accepted(app: InProcess, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content_Type": content_type}
    body = b'{"resource_token":"%s","subscriptions":[%s]}'
    answer = app.post(
        body % (PAGE_TOKEN.encode(), b'{"provider":"android-firebase","subscription_id":"t"}'), **headers
    )
    assert answer.get_json()["error"] == 0


# Q5


@pytest.mark.parametrize(
    ("more", "place"),
    [
        ({"db_id": [17]}, "db_id: unknown parameter"),
        ({"Matching": {"deep": [1]}}, "Matching: unknown parameter"),
        ({"й": None}, "й: unknown parameter"),
        (
            {"subscriptions": [subscription("t", unsubscribed=True)]},
            "subscriptions[0].unsubscribed: unknown parameter",
        ),
    ],
)
class TestUnknownParameters:
    def test_Q5_are_ignored(self, app: InProcess, more: dict[str, Any], place: str) -> None:
        assert app.post(a_request(**more)).get_json()["error"] == 0

    def test_Q5_strict_mode_refuses_them(self, strict: InProcess, more: dict[str, Any], place: str) -> None:
        before = strict.counts
        answer = strict.post(a_request(**more))
        assert answer.status_code == 400
        assert (answer.get_json()["data"], answer.get_json()["error"]) == ([], 400)
        assert answer.get_json()["error_text"].startswith(place)
        assert strict.counts == before


def test_Q5_strict_mode_refuses_a_duplicate_key_beside_a_token_of_brackets(strict: InProcess) -> None:
    body = json.dumps(a_request(subscriptions=[subscription("{" * 60_000)])).encode()
    for more, status in ((b"}", 200), (b',"id":"a","id":"b"}', 400)):
        assert strict.post(body[:-1] + more).status_code == status


def test_Q5_strict_mode_names_the_nearest_parameter(strict: InProcess) -> None:
    answer = strict.post(a_request(db_id=[17])).get_json()
    assert answer["error_text"] == 'db_id: unknown parameter, did you mean "db_ids"?'


def test_Q5_strict_mode_accepts_what_the_page_names(strict: InProcess) -> None:
    everything = a_request(
        db_ids=[17],
        matching="custom",
        field_name="CustomNumber1",
        field_value=100,
        subscriptions=[subscription("t", unsubscribe=False)],
    )
    assert strict.post(everything).get_json()["error"] == 0


@pytest.mark.parametrize("filling", [b"", b"x" * 50_000])
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            b'{"resource_token": "x", "subscritions": []}',
            'subscriptions: is required ("subscritions": did you mean "subscriptions"?)',
        ),
        (
            b'{"resourceToken": "x", "subscriptions": [%s]}',
            'resource_token: is required ("resourceToken": did you mean "resource_token"?)',
        ),
        (
            b'{"resource_token": "x", "subscriptions": [%s, {"provder": "a", "subscription_id": "b"}]}',
            'subscriptions[1].provider: is required ("provder": did you mean "provider"?)',
        ),
        (
            b'{"resource_token": "x", "subscriptions": [{"provider": "a", "b": 1, "subscription_ID": "b"}]}',
            "subscriptions[0].subscription_id: is required "
            '("subscription_ID": did you mean "subscription_id"?)',
        ),
        (b'{"resource_token": "x", "subs": []}', "subscriptions: is required"),
        (
            b'{"resource_token": "x", "subscriptions": [{"provider": "a", "token": "b"}]}',
            "subscriptions[0].subscription_id: is required",
        ),
    ],
)
def test_A3_misspelt_required_parameter_is_named(
    app: InProcess, strict: InProcess, body: bytes, text: str, filling: bytes
) -> None:
    entry = b'{"provider": "a", "subscription_id": "b"}'
    body = body.replace(b"%s", entry)[:-1] + b', "filling": "%s"}' % filling
    for one in (app, strict):
        answer = one.post(body)
        assert (answer.status_code, answer.get_json()["error_text"]) == (400, text)


# L8

_ENTRY = '{"provider": "android-firebase", "subscription_id": "t"}'


@pytest.mark.parametrize(
    ("more", "paths"),
    [
        ('"id": "anna", "id": "boris"', ["id"]),
        ('"id": "anna", "\\u0069d": "boris"', ["id"]),
        ('"id": null, "id": null, "id": null', ["id"]),
        ('"db_ids": [17], "db_ids": [17]', ["db_ids"]),
        (
            '"field_value": 1, "field_value": true, "matching": null, "matching": ""',
            ["field_value", "matching"],
        ),
        (f'"subscriptions": [{_ENTRY}], "subscriptions": [{_ENTRY}]', ["subscriptions"]),
        (
            f'"subscriptions": [{_ENTRY}, ' + _ENTRY.replace('"t"', '"t1", "subscription_id": "t2"') + "]",
            ["subscriptions[1].subscription_id"],
        ),
        (
            '"subscriptions": [' + _ENTRY.replace("}", ', "unsubscribe": false, "unsubscribe": false}]'),
            ["subscriptions[0].unsubscribe"],
        ),
        (
            '"nobody": {"a": [0, {"b": {}, "b": 1}], "c": 1, "c": {"d": 1, "d": 2}}',
            ["nobody.c", "nobody.a[1].b", "nobody.c.d"],
        ),
    ],
)
class TestDuplicateKeys:
    def body(self, more: str) -> bytes:
        entries = "" if more.startswith('"subscriptions"') else f', "subscriptions": [{_ENTRY}]'
        return f'{{"resource_token": "{PAGE_TOKEN}"{entries}, {more}}}'.encode()

    def test_L8_names_each_and_the_last_counts(self, app: InProcess, more: str, paths: list[str]) -> None:
        assert app.post(self.body(more)).get_json()["error"] == 0
        (entry,) = app.client.get("/__admin/requests").get_json()["items"]
        found = [(one["path"], one["text"]) for one in entry["lints"] if one["rule"] == "L8"]
        names = [path.rpartition(".")[2] for path in paths]
        assert found == [(path, f'duplicate key "{name}"') for path, name in zip(paths, names, strict=True)]
        if more.startswith('"id": "'):
            assert entry["answer"]["data"][0]["profile_id"] == "boris"

    def test_L8_long_bodies_too(self, app: InProcess, more: str, paths: list[str]) -> None:
        app.post(self.body(more)[:-1] + b', "long": "%s"}' % (b"x" * 50_000))
        (entry,) = app.client.get("/__admin/requests").get_json()["items"]
        assert [one["path"] for one in entry["lints"] if one["rule"] == "L8"] == paths

    def test_L8_strict_mode_refuses_them(self, strict: InProcess, more: str, paths: list[str]) -> None:
        before = strict.counts
        answer = strict.post(self.body(more))
        assert answer.status_code == 400
        name = paths[0].rpartition(".")[2]
        assert f'{paths[0]}: duplicate key "{name}"' in answer.get_json()["error_text"]
        assert strict.counts == before


def test_L8_keys_of_different_objects_and_quotes_in_values_are_no_duplicates(strict: InProcess) -> None:
    tokens = ['"provider": "', "id", '\\"', "unsubscribe"]
    entries = [subscription(token, unsubscribe=None) for token in tokens]
    answer = strict.post(a_request(subscriptions=entries, matching=None, field_value="id")).get_json()
    assert (answer["error"], len(answer["data"])) == (0, len(tokens))


# A4


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_A4_other_methods_answer_the_envelope(app: InProcess, method: str, path: str) -> None:
    answer = app.client.open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (405, "application/json")
    assert answer.headers["Allow"] == "POST, OPTIONS"
    if method != "HEAD":
        assert answer.get_json() == {
            "data": [],
            "error": 405,
            "error_text": f"Method {method} is not allowed, use POST",
        }


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/nowhere", "/push_subscribe/x", "/api/v1.1", "/%D0%B9", "/__admin/nowhere"]
)
def test_A4_unknown_paths_answer_the_envelope(app: InProcess, path: str, method: str) -> None:
    answer = app.client.open(path, method=method)
    assert (answer.status_code, answer.mimetype) == (404, "application/json")
    found = answer.get_json()
    assert (found["data"], found["error"]) == ([], 404)
    assert found["error_text"].partition(", did you mean")[0].endswith(" not found")


def test_A4_a_failure_of_ours_answers_the_envelope(app: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError("a secret")

    monkeypatch.setattr(app.store, "find_resource", fail)
    answer = app.post(a_request())
    assert (answer.status_code, answer.mimetype) == (500, "application/json")
    assert (answer.get_json()["data"], answer.get_json()["error"]) == ([], 500)
    assert "a secret" not in answer.get_data(as_text=True)
