"""Rules about the request as a whole: Q1, B1–B4, and what is refused before any database is looked at."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.rules.errors import Invalid, NotFound, Refused
from emulator.rules.model import Outcome
from tests.rules.world import FIREBASE, World, decided, new_id, on

THREE = {34: {"number": "int"}, 2: {}, 9: {}}


def databases_of(outcome: Outcome) -> list[object]:
    return [item["db_id"] for item in outcome.items]


def refusal(world: World, *wanted: Any, **parameters: Any) -> Refused:
    """The request-level error; nothing may have changed."""
    before = (dict(world.profiles), list(world.subscriptions))
    with pytest.raises(Refused) as caught:
        world.push(*wanted, **parameters)
    assert (world.profiles, world.subscriptions) == before
    return caught.value


# Q1


@pytest.mark.parametrize("not_given", ["", None])
def test_Q1_empty_id_is_not_given(not_given: str | None) -> None:
    outcome = World().push(id=not_given)
    assert outcome.items[0]["profile_id"] == new_id(1)
    assert decided(outcome, "M1")
    assert not decided(outcome, "M8")


@pytest.mark.parametrize("not_given", ["", None])
def test_Q1_empty_matching_is_not_given(not_given: str | None) -> None:
    world = World().add_profile("anna")
    assert world.push(id="anna", matching=not_given).items[0]["profile_id"] == "anna"


@pytest.mark.parametrize("not_given", [[], None])
def test_Q1_empty_db_ids_is_not_given(not_given: list[int] | None) -> None:
    assert databases_of(World(THREE).push(db_ids=not_given)) == [34, 2, 9]


@pytest.mark.parametrize("name", ["field_name", "field_value"])
def test_Q1_null_is_not_given_to_custom_matching(name: str) -> None:
    parameters = {"matching": "custom", "field_name": "number", "field_value": 1, name: None}
    assert refusal(World(THREE), **parameters).text.startswith(f"{name}: is required")


def test_Q1_null_unsubscribe_subscribes() -> None:
    world = World()
    entry = on("t")
    entry.unsubscribe = None
    assert world.push(entry).items[0]["unsubscribe"] is False
    assert world.record("t").status == "subscribed"


# B1–B4


def test_B1_items_are_in_the_resources_order() -> None:
    outcome = World(THREE).push("a", "b")
    assert databases_of(outcome) == [34, 34, 2, 2, 9, 9]
    assert decided(outcome, "B1")


def test_B1_each_database_is_processed_on_its_own() -> None:
    world = World(THREE).add_profile("anna", 34).add_profile("anna", 2)
    world.add_subscription("anna", "t", db_id=34)
    outcome = world.push("t", id="anna", db_ids=[34, 2])
    assert [item["status"] for item in outcome.items] == ["ok", "ok"]
    assert "subscription_id" not in outcome.items[0]  # nothing to change in 34
    assert world.statuses("t", 2) == {"anna": "subscribed"}


def test_B2_db_ids_filters_and_keeps_the_resources_order() -> None:
    outcome = World(THREE).push(db_ids=[9, 34])
    assert databases_of(outcome) == [34, 9]
    assert decided(outcome, "B2")


def test_B2_ids_outside_the_resource_are_ignored_and_repeats_count_once() -> None:
    assert databases_of(World(THREE).push(db_ids=[2, 777, 2])) == [2]


def test_B3_resource_without_databases() -> None:
    error = refusal(World({}))
    assert (type(error), error.text, error.rule) == (Invalid, "Resource has no databases", "B3")


def test_B3_resource_without_databases_whatever_the_filter() -> None:
    assert refusal(World({}), db_ids=[1]).text == "Resource has no databases"


def test_B3_filter_that_leaves_no_database() -> None:
    error = refusal(World(THREE), db_ids=[1, 17])
    assert (type(error), error.text, error.rule) == (Invalid, "No databases left after db_ids filter", "B3")


def test_B4_unknown_resource_token() -> None:
    error = refusal(World(), resource_token="nobody's")
    assert (type(error), error.text, error.rule) == (NotFound, "Resource not found", "B4")


# What the request-level refusals of M and S say


@pytest.mark.parametrize("not_given", ["", None])
def test_M2_profile_id_matching_without_id(not_given: str | None) -> None:
    error = refusal(World(), matching="profile_id", id=not_given)
    wanted = (Invalid, 'id: is required with matching "profile_id"', "M2")
    assert (type(error), error.text, error.rule) == wanted


@pytest.mark.parametrize(
    ("parameters", "missing"),
    [
        ({}, "field_name"),
        ({"field_value": 1}, "field_name"),
        ({"field_name": "", "field_value": 1}, "field_name"),
        ({"field_name": "number"}, "field_value"),
    ],
)
def test_M3_custom_matching_without_field(parameters: dict[str, Any], missing: str) -> None:
    error = refusal(World(THREE), matching="custom", **parameters)
    assert error.text == f'{missing}: is required with matching "custom"'
    assert (type(error), error.rule) == (Invalid, "M3")


@pytest.mark.parametrize("falsy", [0, 0.0, False])
def test_M3_a_falsy_value_is_a_value(falsy: float) -> None:
    kind = "bool" if falsy is False else "float"
    world = World({17: {"field": kind}})
    world.push(matching="custom", field_name="field", field_value=falsy)
    assert world.profiles[17, new_id(1)].fields == {"field": falsy}


@pytest.mark.parametrize("matching", ["push_sub", "email", "Custom", "profile_id ", "0"])
def test_M10_any_other_matching(matching: str) -> None:
    error = refusal(World(), matching=matching, id="anna")
    assert error.text == f'matching: must be "custom" or "profile_id", not "{matching}"'
    assert (type(error), error.rule) == (Invalid, "M10")


@pytest.mark.parametrize("matching", [None, "profile_id"])
@pytest.mark.parametrize("profile_id", ["x" * 65, "new\nline", "nul\0", "\u200b", "\x7f"])
def test_M8_id_that_no_profile_may_have(profile_id: str, matching: str | None) -> None:
    error = refusal(World(), id=profile_id, matching=matching)
    wanted = (Invalid, "id: must be at most 64 printable characters", "M8")
    assert (type(error), error.text, error.rule) == wanted


def test_M8_id_is_refused_whatever_the_policy() -> None:
    assert refusal(World(unknown_id="new"), id="x" * 65).rule == "M8"


def test_S6_provider_that_nobody_knows_is_named_with_its_place() -> None:
    error = refusal(World(), "good", on("t", "x"))
    assert error.text == 'subscriptions[1].provider: unknown provider "x"'
    assert (type(error), error.rule) == (Invalid, "S6")


def test_S6_observed_provider_is_unknown_unless_the_resource_lists_it() -> None:
    assert refusal(World(), on("t", "android-rustore")).rule == "S6"
    listing = World(providers=[FIREBASE, "android-rustore"])
    assert listing.push(on("t", "android-rustore")).items[0]["status"] == "ok"
