"""M-rules: which profile a request means in one database, and what a new one gets."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.rules.model import Profile
from tests.rules.world import NOW, World, bare, decided, new_id, off, on

TWO = {34: {"number": "int"}, 2: {"card": "string"}}
IOS = "ios-firebase"


def custom(value: object, name: str = "number") -> dict[str, Any]:
    return {"matching": "custom", "field_name": name, "field_value": value}


# M1, M2: by id


def test_M1_without_matching_the_id_finds() -> None:
    world = World().add_profile("anna").add_profile("boris").add_subscription("boris", "t")
    outcome = world.push("t2", id="anna")
    assert outcome.items[0]["profile_id"] == "anna"
    assert outcome.changes.profiles == []
    assert decided(outcome, "M1")


def test_M1_the_id_decides_even_where_the_push_is_anothers() -> None:
    world = World().add_profile("anna").add_profile("boris")
    world.add_subscription("boris", "t", "unsubscribed")
    world.push("t", id="anna")
    assert world.statuses("t") == {"boris": "unsubscribed", "anna": "subscribed"}


def test_M1_without_matching_and_id_the_push_subscriptions_find() -> None:
    world = World().add_profile("anna").add_profile("boris").add_subscription("boris", "t")
    outcome = world.push("t", "new")
    assert [item["profile_id"] for item in outcome.items] == ["boris"]
    assert decided(outcome, "M1")


def test_M1_the_same_id_names_a_profile_in_each_database() -> None:
    world = World(TWO).add_profile("anna", 34).add_profile("anna", 2)
    outcome = world.push("t", id="anna")
    assert [item["profile_id"] for item in outcome.items] == ["anna", "anna"]
    assert outcome.changes.profiles == []


def test_M2_matching_profile_id_finds_by_id() -> None:
    world = World().add_profile("anna").add_profile("boris").add_subscription("boris", "t", "unsubscribed")
    outcome = world.push("t", id="anna", matching="profile_id")
    assert outcome.items[0]["profile_id"] == "anna"
    assert decided(outcome, "M2")


# M3–M5, M7: by a field


def test_M3_custom_finds_the_profile_with_the_value() -> None:
    world = World(TWO).add_profile("other", 34, number=1).add_profile("anna", 34, number=123)
    outcome = world.push("t", db_ids=[34], **custom(123))
    assert outcome.items[0]["profile_id"] == "anna"
    assert decided(outcome, "M3")


def test_M3_custom_does_not_look_at_id_or_push() -> None:
    world = World(TWO).add_profile("anna", 34, number=1).add_profile("boris", 34, number=2)
    world.add_subscription("anna", "t", "unsubscribed", db_id=34)
    outcome = world.push("t", db_ids=[34], id="anna", **custom(2))
    assert outcome.items[0]["profile_id"] == "boris"


def test_M3_the_value_is_looked_for_in_its_own_database_and_field() -> None:
    world = World({34: {"number": "int", "other": "int"}, 2: {"number": "int"}})
    world.add_profile("anna", 34, other=5).add_profile("boris", 2, number=5)
    outcome = world.push("t", db_ids=[34], **custom(5))
    assert outcome.items[0]["profile_id"] == new_id(1)


def test_M4_unknown_field_fails_only_that_database() -> None:
    world = World(TWO).add_profile("anna", 2).add_subscription("anna", "t", db_id=2)
    outcome = world.push("t", **custom(12345))
    assert outcome.items[0]["status"] == "ok"
    failed = {
        "db_id": 2,
        "description": "matching error: unknown field",
        "resource_id": 5,
        "status": "error",
    }
    assert list(outcome.items[1].items()) == list(failed.items())
    assert outcome.error == 200
    assert decided(outcome, "M4")
    assert [one.db_id for one in outcome.changes.profiles] == [34]
    assert [one.db_id for one in outcome.changes.subscriptions] == [34]


def test_M4_a_database_after_the_failed_one_goes_on() -> None:
    outcome = World(TWO).push("t", **custom("C-1", "card"))
    assert [item["status"] for item in outcome.items] == ["error", "ok"]


def test_M4_standard_field_must_be_declared_too() -> None:
    outcome = World().push("t", **custom("a@example.com", "email"))
    assert outcome.items[0]["description"] == "matching error: unknown field"
    assert not outcome.changes


def test_M5_invalid_value_fails_only_that_database() -> None:
    world = World({34: {"number": "int"}, 2: {"number": "string"}})
    outcome = world.push("t", **custom("twelve"))
    failed = {
        "db_id": 34,
        "description": "matching error: invalid field value",
        "resource_id": 5,
        "status": "error",
    }
    assert list(outcome.items[0].items()) == list(failed.items())
    assert outcome.items[1]["status"] == "ok"
    assert [one.db_id for one in outcome.changes.profiles] == [2]
    assert decided(outcome, "M5")


@pytest.mark.parametrize("sent", [123, "123", 123.0])
def test_M5_values_compare_by_the_fields_type(sent: object) -> None:
    world = World(TWO).add_profile("anna", 34, number=123)
    assert world.push("t", db_ids=[34], **custom(sent)).items[0]["profile_id"] == "anna"


def test_M5_true_is_not_1() -> None:
    world = World(TWO).add_profile("anna", 34, number=1)
    outcome = world.push("t", db_ids=[34], **custom(True))
    assert outcome.items[0]["description"] == "matching error: invalid field value"


def test_M6_nothing_found_makes_a_profile() -> None:
    outcome = World().push("t")
    assert outcome.changes.profiles == [Profile(new_id(1), 17, {}, NOW)]
    assert outcome.items[0]["profile_id"] == new_id(1)
    assert decided(outcome, "M6")


@pytest.mark.parametrize(
    "parameters", [{}, {"id": "anna"}, {"id": "anna", "matching": "profile_id"}, custom(7)]
)
def test_M6_a_profile_is_made_even_to_unsubscribe(parameters: dict[str, Any]) -> None:
    world = World({17: {"number": "int"}})
    outcome = world.push(off("t"), **parameters)
    ((db_id, profile_id),) = world.profiles
    assert outcome.items == [bare(profile_id, db_id)]
    assert world.subscriptions == []


def test_M6_a_profile_is_made_in_each_database_that_lacks_it() -> None:
    world = World(TWO).add_profile("anna", 34)
    outcome = world.push("t", id="anna")
    assert [(one.db_id, one.id) for one in outcome.changes.profiles] == [(2, "anna")]


def test_M7_new_profile_gets_the_searched_value() -> None:
    world = World(TWO)
    first = world.push("t", db_ids=[34], **custom("123"))
    assert first.changes.profiles == [Profile(new_id(1), 34, {"number": 123}, NOW)]
    assert decided(first, "M7")
    again = world.push("t2", db_ids=[34], **custom(123))
    assert again.items[0]["profile_id"] == new_id(1)
    assert again.changes.profiles == []


# M8: unknown ids


@pytest.mark.parametrize("matching", [None, "profile_id"])
@pytest.mark.parametrize("profile_id", ["59db33d269d426509e9c4bf9", "backend user 7", "Ω" * 64])
def test_M8_new_profile_gets_the_sent_id(profile_id: str, matching: str | None) -> None:
    world = World()
    outcome = world.push("t", id=profile_id, matching=matching)
    assert outcome.items[0]["profile_id"] == profile_id
    assert decided(outcome, "M8")
    assert world.push("t2", id=profile_id).items[0]["profile_id"] == profile_id
    assert len(world.profiles) == 1


def test_M8_policy_new_makes_an_id() -> None:
    world = World(unknown_id="new")
    outcome = world.push("t", id="anna")
    assert outcome.items[0]["profile_id"] == new_id(1)
    assert decided(outcome, "M8")
    assert list(world.profiles) == [(17, new_id(1))]


def test_M8_policy_new_keeps_known_ids() -> None:
    world = World(unknown_id="new").add_profile("anna")
    assert world.push("t", id="anna").items[0]["profile_id"] == "anna"


def test_M8_a_made_id_is_never_one_that_is_there() -> None:
    world = World().add_profile(new_id(1)).add_profile(new_id(2))
    assert world.push("t").items[0]["profile_id"] == new_id(3)


# M9: several match


def test_M9_by_field_the_oldest_wins() -> None:
    world = World(TWO)
    world.add_profile("older", 34, number=777).add_profile("younger", 34, number=777)
    outcome = world.push("t", db_ids=[34], **custom(777))
    assert outcome.items[0]["profile_id"] == "older"
    assert decided(outcome, "M9")


def two_holders(older: str, younger: str) -> World:
    """A token on two profiles, with these statuses; the younger one's record was written first."""
    world = World().add_profile("older").add_profile("younger")
    world.add_subscription("younger", "t", younger)  # type: ignore[arg-type]
    return world.add_subscription("older", "t", older)  # type: ignore[arg-type]


def test_M9_by_push_an_active_subscription_beats_an_older_profile() -> None:
    outcome = two_holders("unsubscribed", "subscribed").push(off("t"))
    assert outcome.items[0]["profile_id"] == "younger"
    assert decided(outcome, "M9")


def test_M9_by_push_an_active_subscription_of_the_oldest_wins() -> None:
    assert two_holders("subscribed", "unsubscribed").push(off("t")).items[0]["profile_id"] == "older"


def test_M9_by_push_the_oldest_of_the_inactive_wins() -> None:
    assert two_holders("unsubscribed", "unsubscribed").push("t").items[0]["profile_id"] == "older"


# M11: push matching


def test_M11_the_first_known_subscription_decides() -> None:
    world = World().add_profile("anna").add_profile("boris")
    world.add_subscription("boris", "b").add_subscription("anna", "a")
    outcome = world.push("new", "b", "a")
    assert {item["profile_id"] for item in outcome.items} == {"boris"}
    assert decided(outcome, "M11")


def test_M11_a_later_subscription_decides_where_the_first_is_unknown() -> None:
    world = World().add_profile("anna").add_subscription("anna", "known", "unsubscribed")
    outcome = world.push("new", "known")
    assert [item["profile_id"] for item in outcome.items] == ["anna", "anna"]
    assert outcome.changes.profiles == []


def test_M11_an_inactive_subscription_is_known_too() -> None:
    world = World().add_profile("anna").add_profile("boris")
    world.add_subscription("anna", "first", "unsubscribed").add_subscription("boris", "second")
    assert world.push("first", "second").items[0]["profile_id"] == "anna"


def test_M11_the_same_token_of_another_provider_is_another_subscription() -> None:
    world = World().add_profile("anna").add_subscription("anna", "t", provider=IOS)
    assert world.push("t").items[0]["profile_id"] == new_id(1)
    assert world.push(off("t", IOS)).items[0]["profile_id"] == "anna"


def test_M11_only_this_database_and_resource_count() -> None:
    world = World(TWO).add_profile("anna", 34).add_profile("boris", 2)
    world.add_subscription("anna", "t", db_id=34, resource_id=6).add_subscription("boris", "t", db_id=2)
    outcome = world.push(on("t"), db_ids=[34])
    assert outcome.items[0]["profile_id"] == new_id(1)
