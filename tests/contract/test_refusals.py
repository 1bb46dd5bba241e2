"""Which refusals no schema could foretell: their whole text must be of a known form."""

from __future__ import annotations

from typing import Any

import pytest

from tests.contract.refusals import is_beyond_schemas


@pytest.mark.parametrize(
    "text",
    [
        "No databases left after db_ids filter",
        'subscriptions[2].provider: unknown provider "a; b\n"',
        "id: 17 is there already; token: 'a…b' is there already; db_ids[1]: there is no database 3",
        "profiles[0].fields.a b: database 17 does not declare this field; [1].db_id: there is no database 5",
        "fields.N: must be a number; fields.N: must be one of gold, blue",
        'profiles[3].id: "x" is in database 17 already; … and perhaps more; the rest was not looked at',
        "plan.resource: there is no resource with this token or id; there are 5 (App), 22 (Other)",
    ],
)
def test_what_the_state_decides(text: str) -> None:
    assert is_beyond_schemas(text, {})


@pytest.mark.parametrize(
    "text",
    [
        "name: is required",
        "internal error: ValueError",
        "id: 17 is there already; name: is required",
        "name: is required; id: 17 is there already",
        'provider: unknown provider "x"; colour: unknown key',
        "fields.N: must be a string, a number, true or false",
        "databases[0].id: must be an integer",
    ],
)
def test_what_the_schema_should_have_said(text: str) -> None:
    assert not is_beyond_schemas(text, {"id": 1})


@pytest.mark.parametrize(("number", "beyond"), [(1.0, True), (1.5, False), (1, False)])
def test_a_whole_float_is_an_integer_to_schemas_alone(number: Any, beyond: bool) -> None:
    text = "expect.at_least: must be an integer; db_ids[0]: there is no database 5; and 2 more"
    assert is_beyond_schemas(text, {"expect": [{"at_least": number}]}) is beyond
