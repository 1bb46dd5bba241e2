"""A-rules that need no HTTP: the envelope's code, the order of keys, hash ids, one transaction."""

from __future__ import annotations

import re
from functools import cache
from itertools import count

import pytest

from emulator.rules.answer import envelope, error_envelope
from emulator.rules.keys import digest, subscription_hash_id
from emulator.rules.model import PushKey
from tests.rules.world import FIREBASE, RESOURCE_ID, World, decided, off

ITEM_KEYS = [
    "subscription_id",
    "unsubscribe",
    "profile_id",
    "provider",
    "db_id",
    "resource_id",
    "subscription_hash_id",
    "status",
    "description",
]
TWO = {17: {"number": "int"}, 34: {}}


# A1, A2


def test_A1_everything_applied_is_error_0() -> None:
    outcome = World(TWO).push("a", "b")
    assert (outcome.error, outcome.ok, outcome.failed) == (0, 4, 0)
    assert decided(outcome, "A1")


def test_A1_an_unchanged_subscription_beside_an_applied_one_is_no_failure() -> None:
    world = World().add_profile("anna").add_subscription("anna", "known")
    assert world.push("known", "new").error == 0


def test_A1_the_items_keys_are_in_the_documented_order() -> None:
    outcome = World().push("t")
    assert list(outcome.items[0]) == ITEM_KEYS
    answer = envelope(outcome.error, outcome.items)
    assert list(answer) == ["data", "error", "error_text"]
    assert (answer["error"], answer["error_text"]) == (0, "Successful operation")


def test_A2_a_failed_item_is_error_200_with_the_text_of_success() -> None:
    world = World().add_profile("anna").add_profile("boris").add_subscription("boris", "t")
    outcome = world.push("t", "new", id="anna")
    assert envelope(outcome.error, [])["error_text"] == "Successful operation"
    assert (outcome.error, outcome.ok, outcome.failed) == (200, 1, 1)
    assert decided(outcome, "A2")


def test_A2_a_failed_database_is_error_200() -> None:
    outcome = World(TWO).push("t", matching="custom", field_name="number", field_value=1)
    assert (outcome.error, outcome.ok, outcome.failed) == (200, 1, 1)


def test_A2_a_database_that_changed_nothing_is_error_200() -> None:
    world = World(TWO).add_profile("anna").add_subscription("anna", "t")
    outcome = world.push("t")
    assert [item["status"] for item in outcome.items] == ["ok", "ok"]
    assert outcome.error == 200


def test_A2_a_new_profile_without_subscription_is_not_applied() -> None:
    assert World().push(off("t")).error == 200


def test_A3_a_request_level_error_has_no_items() -> None:
    assert list(error_envelope(404, "Resource not found").items()) == [
        ("data", []),
        ("error", 404),
        ("error_text", "Resource not found"),
    ]


# A5


def key_of(token: str) -> PushKey:
    return PushKey(17, RESOURCE_ID, FIREBASE, token)


@cache
def two_tokens_of_one_prefix() -> tuple[str, str]:
    """Two tokens whose keys' digests begin with the same 8 hex digits (found after some 80,000)."""
    seen: dict[str, str] = {}
    for number in count():
        token = f"token-{number}"
        prefix = digest(key_of(token)).hex()[:8]
        if prefix in seen:
            return seen[prefix], token
        seen[prefix] = token
    raise AssertionError


def test_A5_hash_id_is_8_lower_case_hex_digits() -> None:
    for token in ("t", "Ω", "%subscriptionid%", "x" * 5000):
        (item,) = World().push(token).items
        assert re.fullmatch("[0-9a-f]{8}", str(item["subscription_hash_id"]))


def test_A5_hash_id_depends_on_the_key_alone() -> None:
    one, other = World(), World(TWO).add_profile("anna")
    first = one.push("t").items[0]["subscription_hash_id"]
    second = other.push("before", "t", id="anna", db_ids=[17]).items[1]["subscription_hash_id"]
    assert first == second


@pytest.mark.parametrize("other", [
    PushKey(18, RESOURCE_ID, FIREBASE, "t"),
    PushKey(17, 6, FIREBASE, "t"),
    PushKey(17, RESOURCE_ID, "ios-firebase", "t"),
    PushKey(17, RESOURCE_ID, FIREBASE, "T"),
    PushKey(1, 7, "5/" + FIREBASE, "t"),
])  # fmt: skip
def test_A5_every_part_of_the_key_counts(other: PushKey) -> None:
    assert digest(other) != digest(key_of("t"))


def test_A5_parts_of_the_key_do_not_run_into_each_other() -> None:
    assert digest(PushKey(1, 1, "a/b", "c")) != digest(PushKey(1, 1, "a", "b/c"))


def test_A5_one_key_has_one_hash_id_on_all_profiles() -> None:
    world = World(duplicate_token="move").add_profile("anna").add_profile("boris")
    first = world.push("t", id="anna").items[0]["subscription_hash_id"]
    second = world.push("t", id="boris").items[0]["subscription_hash_id"]
    assert first == second
    assert {one.hash_id for one in world.subscriptions} == {first}


def test_A5_a_taken_hash_id_gets_longer() -> None:
    whole = digest(key_of("t")).hex()
    world = World().add_profile("anna")
    world.add_subscription("anna", "other", hash_id=whole[:8])
    world.add_subscription("anna", "third", hash_id=whole[:9])
    assert world.push("t", id="anna").items[0]["subscription_hash_id"] == whole[:10]


def test_A5_collision_with_an_earlier_request() -> None:
    first, second = two_tokens_of_one_prefix()
    world = World()
    short = str(world.push(first).items[0]["subscription_hash_id"])
    long = str(world.push(second).items[0]["subscription_hash_id"])
    assert (len(short), len(long)) == (8, 9)
    assert long.startswith(short)
    assert world.push(off(second)).items[0]["subscription_hash_id"] == long


def test_A5_collision_within_one_request() -> None:
    outcome = World().push(*two_tokens_of_one_prefix())
    short, long = (str(item["subscription_hash_id"]) for item in outcome.items)
    assert (len(short), len(long)) == (8, 9)
    assert long.startswith(short)


def test_A5_the_whole_digest_is_the_longest_hash_id() -> None:
    assert subscription_hash_id(key_of("t"), lambda _: True) == digest(key_of("t")).hex()


def test_A5_profile_id_is_the_found_or_the_new_profiles() -> None:
    world = World().add_profile("anna")
    assert world.push("t", id="anna").items[0]["profile_id"] == "anna"
    (item,) = world.push("t2").items
    assert (17, item["profile_id"]) in world.profiles


# A6


def test_A6_all_databases_changes_are_one_transaction() -> None:
    world = World(TWO)
    outcome = world.push("a", "b")
    assert [one.db_id for one in outcome.changes.profiles] == [17, 34]
    assert [one.db_id for one in outcome.changes.subscriptions] == [17, 17, 34, 34]


def test_A6_deciding_changes_nothing_itself() -> None:
    world = World()
    refused = world.push(off("t"))
    assert refused.changes.subscriptions == []
    assert world.subscriptions == []
