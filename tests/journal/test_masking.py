"""Secrets are not shown: resource tokens wherever they stand, credentials in headers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import msgspec
import orjson
import pytest

from emulator.journal.masking import masked, secrets_of
from emulator.rules.model import Resource, RoleToken
from push_emulator.masking import mask
from tests.journal.entries import TOKEN, entry

MASKED = "3LXP…7f14"


def test_long_secret_keeps_its_ends_and_a_short_one_its_first_letter() -> None:
    assert [mask(TOKEN), mask("two-databases"), mask("")] == [MASKED, "t…", "…"]


def test_token_in_the_body_is_masked_and_the_body_stays_json() -> None:
    found = masked(entry("t"))
    assert found.document()["resource_token"] == MASKED
    assert found.document()["subscriptions"][0]["subscription_id"] == "t"


@pytest.mark.parametrize(
    "body",
    [
        f'{{"resource_token" : "{TOKEN}"}}',
        f'{{"resource_token":"a","resource_token":"{TOKEN}"}}',
        f'{{"resource_token":"{TOKEN}',
        f"resource_token={TOKEN}&subscriptions=1",
        f"{{'resource_token': '{TOKEN}'}}",
        f"resource_token: {TOKEN}",
    ],
)
def test_token_is_masked_in_bodies_of_any_form(body: str) -> None:
    found = masked(entry(body=body)).body
    assert TOKEN not in found
    assert MASKED in found


@pytest.mark.parametrize(
    "values",
    [
        {"body": f'{{"resource_tokn": "{TOKEN}"}}'},
        {"body": f'{{"resource\\u005ftoken": "{TOKEN}"}}'},
        {"path": f"/push_subscribe/{TOKEN}"},
        {"query": f"key={TOKEN}"},
        {"headers": {"x-token": f"prefix {TOKEN}"}},
        {"path": f"/{TOKEN}", "error_text": f"/{TOKEN} not found", "answer": f'"/{TOKEN} not found"'},
    ],
)
def test_known_token_is_masked_wherever_it_stands(values: dict[str, Any]) -> None:
    shown = msgspec.msgpack.encode(masked(entry(**({"body": "{}"} | values)), [TOKEN])).decode(
        "utf-8", "replace"
    )
    assert TOKEN not in shown
    assert MASKED in shown


def test_known_token_is_masked_percent_encoded_too() -> None:
    token = "secret/with slash"
    found = masked(entry(query=f"x={quote(token, '')}"), [token])
    assert quote(token, "") not in found.query


def test_short_token_does_not_spoil_other_words() -> None:
    assert "subscriptions" in masked(entry("t"), ["sub"]).body


@pytest.mark.parametrize("name", ["resource_token", "token", "resource%5Ftoken"])
def test_token_in_the_query_is_masked(name: str) -> None:
    found = masked(entry(query=f"a=1&{name}={TOKEN}&b"))
    assert found.query == f"a=1&{name}={MASKED}&b"


def test_credentials_in_headers_are_masked_and_others_are_not() -> None:
    headers = {"authorization": "Bearer abcdefghijklmnop", "cookie": "session=1", "user-agent": "App/1"}
    assert masked(entry(headers=headers)).headers == {
        "authorization": "Bearer abcd…mnop",
        "cookie": "s…",
        "user-agent": "App/1",
    }


@pytest.mark.parametrize(
    "escaped", ['ab\\"cdefghijklmnopqrst\\"z', "\\ud800bcdefghijklmnopq\\ud800", "\\u0000"]
)
def test_masked_body_can_be_written_whatever_the_token_is(escaped: str) -> None:
    found = masked(entry(body=f'{{"resource_token": "{escaped}"}}'))
    orjson.dumps(found.body)
    assert json.loads(found.body)["resource_token"].count("…") == 1


def test_entry_itself_keeps_what_came() -> None:
    original = entry("t")
    masked(original, [TOKEN])
    assert TOKEN in original.body


def test_a_role_token_and_a_jwt_are_masked_wherever_the_call_has_them() -> None:
    role = "role-token-of-the-app"
    query = f"matching_mode={role}&sync=true"  # as iOS sends it
    shown = masked(entry(headers={"authorization": f"Bearer rtoken@{role}"}, query=query))
    assert shown.headers["authorization"] == "Bearer rtoken@role…-app"
    assert shown.query == "matching_mode=role…-app&sync=true"
    jwt = "eyJhbGciOiJIUzI1NiJ9.eyJtYXRjaGluZyI6Int9In0.c2lnbmF0dXJl"
    assert masked(entry(headers={"authorization": f"Bearer {jwt}"})).headers["authorization"] == (
        "Bearer eyJh…dXJl"
    )


def test_every_secret_of_a_resource_is_known() -> None:
    role = RoleToken("a-role-token", "Staging", 1)
    resource = Resource(1, "App", "its-token", [1], role_tokens=[role], jwt_key="its-secret-key")
    assert secrets_of([resource, Resource(2, "Site", "other", [1])]) == [
        "its-token",
        "a-role-token",
        "its-secret-key",
        "other",
    ]
