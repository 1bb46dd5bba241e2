"""The policies: what each value decides where the documentation leaves room; the first is the default."""

from __future__ import annotations

import pytest

from emulator.rules.catalogue import POLICY_RULES, RULES
from emulator.rules.errors import Invalid
from emulator.settings import POLICY_CHOICES
from tests.rules.world import World, bare, decided, off, on

ANNA, BORIS, VERA = "a" * 24, "b" * 24, "c" * 24


def test_every_policy_stands_with_its_values_in_the_text_of_its_rule() -> None:
    assert set(POLICY_RULES) == set(POLICY_CHOICES)
    for name, rule in POLICY_RULES.items():
        words = RULES[rule].text.partition(f"policy {name}: ")[2]
        assert [words.find(one) >= 0 for one in POLICY_CHOICES[name]] == [True] * len(POLICY_CHOICES[name])


# S5


def test_S5_repeated_subscription_unchanged_ignores_the_second_and_does_not_fail() -> None:
    world = World(repeated_subscription="unchanged")
    outcome = world.push(on("t"), off("t"), on("other"))
    assert [item["subscription_id"] for item in outcome.items] == ["t", "other"]
    assert (outcome.error, outcome.failed) == (0, 0)
    assert outcome.outcomes == ["added", "unchanged", "added"]
    assert decided(outcome, "S5")
    assert list(world.statuses("t").values()) == ["subscribed"]


# S7, A2


def test_S7_unchanged_database_nothing_has_no_item() -> None:
    world = World({17: {}, 18: {}}, unchanged_database="nothing")
    world.push("t", db_ids=[17])
    outcome = world.push("t", "t2")
    assert [(item["db_id"], item["subscription_id"]) for item in outcome.items] == [
        (17, "t2"),
        (18, "t"),
        (18, "t2"),
    ]
    silent = world.push("t")
    assert (silent.items, silent.error, silent.ok) == ([], 200, 0)
    assert decided(silent, "S7")


def test_A2_unchanged_error_0_is_an_error_only_where_an_item_failed() -> None:
    world = World(unchanged_error="0").add_profile(ANNA).add_subscription(ANNA, "taken")
    world.push("t", id=BORIS)
    unchanged = world.push("t", id=BORIS)
    assert (unchanged.error, unchanged.items) == (0, [bare(BORIS)])
    assert decided(unchanged, "A2")
    assert world.push("taken", id=BORIS).error == 200


# M9


def test_M9_several_profiles_newest_by_field_and_by_push() -> None:
    world = World({17: {"n": "int"}}, several_profiles="newest")
    for profile in (ANNA, BORIS, VERA):
        world.add_profile(profile, n=7).add_subscription(profile, "t", "unsubscribed")
    by_field = world.push("new", matching="custom", field_name="n", field_value=7)
    by_push = world.push("t")
    assert (by_field.items[0]["profile_id"], by_push.items[0]["profile_id"]) == (VERA, VERA)
    assert decided(by_field, "M9")
    assert decided(by_push, "M9")


def test_M9_several_profiles_error_fails_that_database_only() -> None:
    world = World({17: {"n": "int"}, 18: {"n": "int"}}, several_profiles="error")
    world.add_profile(ANNA, n=7).add_profile(BORIS, n=7)
    outcome = world.push("t", matching="custom", field_name="n", field_value=7)
    assert outcome.items[0] == {
        "db_id": 17,
        "description": "matching error: several profiles",
        "resource_id": 5,
        "status": "error",
    }
    assert (outcome.items[1]["db_id"], outcome.items[1]["status"], outcome.error) == (18, "ok", 200)
    assert world.statuses("t", 17) == {}


def test_M9_several_profiles_error_by_push_only_where_no_subscription_is_active() -> None:
    world = World(several_profiles="error")
    for profile, status in ((ANNA, "unsubscribed"), (BORIS, "unsubscribed"), (VERA, "subscribed")):
        world.add_profile(profile).add_subscription(profile, "t", status)  # type: ignore[arg-type]
    assert world.push("t").items == [bare(VERA)]
    world.push(off("t"), id=VERA)
    assert world.push("t").items[0]["description"] == "matching error: several profiles"


# B3


@pytest.mark.parametrize(("databases", "asked"), [({}, {}), ({17: {}}, {"db_ids": [99]})])
def test_B3_no_databases_ok_answers_success_and_does_nothing(
    databases: dict[int, dict[str, str]], asked: dict[str, list[int]]
) -> None:
    outcome = World(databases, no_databases="ok").push("t", **asked)
    assert (outcome.items, outcome.error, bool(outcome.changes)) == ([], 0, False)
    assert decided(outcome, "B3")
    with pytest.raises(Invalid):
        World(databases).push("t", **asked)
