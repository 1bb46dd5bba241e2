"""S-rules: what becomes of each subscription of a request on the profile that was found."""

from __future__ import annotations

from collections import Counter

import pytest

from emulator.rules.model import Held, PushKey
from tests.rules.world import BEFORE, FIREBASE, NOW, World, bare, decided, new_id, off, on

IOS = "ios-firebase"


def with_anna() -> World:
    return World().add_profile("anna")


def anna_and_boris(boris_status: str = "subscribed", **policies: str) -> World:
    """The token "t" is boris's."""
    world = World(**policies).add_profile("anna").add_profile("boris")
    return world.add_subscription("boris", "t", boris_status)  # type: ignore[arg-type]


def refused(description: str) -> list[tuple[str, object]]:
    """The keys and values, in order, of the item that refuses anna's token "t"."""
    return [
        ("subscription_id", "t"),
        ("unsubscribe", False),
        ("profile_id", "anna"),
        ("provider", FIREBASE),
        ("db_id", 17),
        ("resource_id", 5),
        ("status", "error"),
        ("description", description),
    ]


# S1–S3


def test_S1_new_subscription_is_added() -> None:
    world = with_anna()
    outcome = world.push("t", id="anna")
    assert outcome.items == [
        {
            "subscription_id": "t",
            "unsubscribe": False,
            "profile_id": "anna",
            "provider": FIREBASE,
            "db_id": 17,
            "resource_id": 5,
            "subscription_hash_id": world.record("t").hash_id,
            "status": "ok",
            "description": "",
        }
    ]
    assert decided(outcome, "S1")
    record = world.record("t")
    assert (record.status, record.created, record.updated) == ("subscribed", NOW, NOW)


def test_S1_all_of_a_request_are_added_in_order() -> None:
    outcome = with_anna().push("b", on("a", IOS), "c", id="anna")
    assert [item["subscription_id"] for item in outcome.items] == ["b", "a", "c"]
    assert outcome.outcomes == ["added"] * 3


@pytest.mark.parametrize(("before", "entry", "after"), [
    ("subscribed", off("t"), "unsubscribed"),
    ("unsubscribed", on("t"), "subscribed"),
])  # fmt: skip
def test_S2_other_status_is_changed(before: str, entry: object, after: str) -> None:
    world = with_anna().add_subscription("anna", "t", before)  # type: ignore[arg-type]
    outcome = world.push(entry)  # type: ignore[arg-type]
    (item,) = outcome.items
    assert (item["status"], item["unsubscribe"]) == ("ok", after == "unsubscribed")
    assert item["subscription_hash_id"] == "0badcafe"
    record = world.record("t")
    assert (record.status, record.hash_id, record.created, record.updated) == (
        after,
        "0badcafe",
        BEFORE,
        NOW,
    )
    assert decided(outcome, "S2")
    assert outcome.error == 0


def test_S2_unsubscribing_and_coming_back_keeps_the_record() -> None:
    world = with_anna()
    hashes = [
        world.push(entry, id="anna").items[0]["subscription_hash_id"]
        for entry in (on("t"), off("t"), on("t"))
    ]
    assert len(set(hashes)) == 1
    assert world.statuses("t") == {"anna": "subscribed"}


@pytest.mark.parametrize(("before", "entry"), [("subscribed", on("t")), ("unsubscribed", off("t"))])
def test_S3_same_status_is_unchanged_and_has_no_item(before: str, entry: object) -> None:
    world = with_anna().add_subscription("anna", "t", before)  # type: ignore[arg-type]
    outcome = world.push(entry, "new")  # type: ignore[arg-type]
    assert [item["subscription_id"] for item in outcome.items] == ["new"]
    assert world.record("t").updated == BEFORE
    assert decided(outcome, "S3")


def test_S3_unsubscribing_what_is_not_there_has_no_item() -> None:
    world = with_anna()
    outcome = world.push(off("t"), id="anna")
    assert outcome.items == [bare("anna")]
    assert not outcome.changes
    assert decided(outcome, "S3")


def test_S3_unsubscribing_a_token_that_is_active_elsewhere_changes_nothing() -> None:
    world = anna_and_boris()
    outcome = world.push(off("t"), id="anna")
    assert outcome.items == [bare("anna")]
    assert world.statuses("t") == {"boris": "subscribed"}


def test_S3_unsubscribing_elsewhere_changes_nothing_under_move_either() -> None:
    world = anna_and_boris(duplicate_token="move")
    assert world.push(off("t"), id="anna").items == [bare("anna")]
    assert world.statuses("t") == {"boris": "subscribed"}


# S4


def test_S4_token_active_on_another_profile_is_refused() -> None:
    world = anna_and_boris()
    outcome = world.push("t", id="anna")
    assert list(outcome.items[0].items()) == refused("Duplicate push subscription")
    assert not outcome.changes
    assert outcome.error == 200
    assert decided(outcome, "S4")


def test_S4_own_inactive_record_does_not_help() -> None:
    world = anna_and_boris().add_subscription("anna", "t", "unsubscribed")
    assert world.push("t", id="anna").items[0]["description"] == "Duplicate push subscription"
    assert world.statuses("t") == {"boris": "subscribed", "anna": "unsubscribed"}


def test_S4_token_inactive_on_another_profile_is_free() -> None:
    world = anna_and_boris("unsubscribed")
    assert world.push("t", id="anna").items[0]["status"] == "ok"
    assert world.statuses("t") == {"boris": "unsubscribed", "anna": "subscribed"}


def test_S4_another_database_or_resource_or_provider_does_not_count() -> None:
    world = World({17: {}, 34: {}}).add_profile("anna").add_profile("boris").add_profile("boris", 34)
    world.add_subscription("boris", "t", db_id=34)
    world.add_subscription("boris", "t", resource_id=6)
    world.add_subscription("boris", "t", provider=IOS)
    assert world.push("t", id="anna", db_ids=[17]).items[0]["status"] == "ok"


def test_S4_the_other_subscriptions_of_the_request_go_on() -> None:
    outcome = anna_and_boris().push("t", "free", id="anna")
    assert [item["status"] for item in outcome.items] == ["error", "ok"]
    assert outcome.error == 200


def test_S4_policy_move_unsubscribes_the_other_profile() -> None:
    world = anna_and_boris(duplicate_token="move")
    outcome = world.push("t", id="anna")
    (item,) = outcome.items
    assert (item["status"], item["profile_id"], outcome.error) == ("ok", "anna", 0)
    assert world.statuses("t") == {"boris": "unsubscribed", "anna": "subscribed"}
    assert {one.updated for one in world.subscriptions} == {NOW}
    assert decided(outcome, "S4")


def test_S4_policy_move_to_an_own_inactive_record() -> None:
    world = anna_and_boris(duplicate_token="move").add_subscription("anna", "t", "unsubscribed")
    assert world.push("t", id="anna").items[0]["status"] == "ok"
    assert world.statuses("t") == {"boris": "unsubscribed", "anna": "subscribed"}


# S5


@pytest.mark.parametrize(("first", "second"), [
    (on("t"), on("t")), (on("t"), off("t")), (off("t"), on("t")), (off("t"), off("t"))
])  # fmt: skip
def test_S5_twice_in_one_request_the_second_is_refused(first: object, second: object) -> None:
    world = with_anna()
    outcome = world.push(first, second, id="anna")  # type: ignore[arg-type]
    last = outcome.items[-1]
    assert (last["status"], last["description"]) == ("error", "Duplicate push subscription")
    assert last["unsubscribe"] is bool(second.unsubscribe)  # type: ignore[attr-defined]
    assert "subscription_hash_id" not in last
    assert [item["status"] for item in outcome.items[:-1]] == (["ok"] if not first.unsubscribe else [])  # type: ignore[attr-defined]
    assert world.statuses("t") == ({"anna": "subscribed"} if not first.unsubscribe else {})  # type: ignore[attr-defined]
    assert decided(outcome, "S5")


def test_S5_a_third_time_too_and_in_each_database() -> None:
    outcome = World({17: {}, 34: {}}).push("t", "t", "t")
    assert [item["status"] for item in outcome.items] == ["ok", "error", "error"] * 2


def test_S5_another_provider_is_another_subscription() -> None:
    outcome = with_anna().push("t", on("t", IOS), id="anna")
    assert [item["status"] for item in outcome.items] == ["ok", "ok"]


def test_S5_beside_S4_says_the_same() -> None:
    outcome = anna_and_boris().push("t", "t", id="anna")
    assert [item["description"] for item in outcome.items] == ["Duplicate push subscription"] * 2
    assert decided(outcome, "S4")
    assert decided(outcome, "S5")


# S6


def test_S6_provider_that_the_resource_does_not_accept() -> None:
    world = World(providers=[IOS]).add_profile("anna")
    outcome = world.push("t", id="anna")
    assert list(outcome.items[0].items()) == refused("provider is not configured for the resource")
    assert not outcome.changes
    assert outcome.error == 200
    assert decided(outcome, "S6")


def test_S6_unsubscribing_with_it_is_refused_too() -> None:
    (item,) = World(providers=[IOS]).add_profile("anna").push(off("t"), id="anna").items
    assert (item["status"], item["unsubscribe"]) == ("error", True)


def test_S6_comes_before_S5_and_S4() -> None:
    world = World(providers=[IOS]).add_profile("anna").add_profile("boris").add_subscription("boris", "t")
    outcome = world.push("t", "t", on("t", IOS), id="anna")
    assert [item["description"] for item in outcome.items] == [
        "provider is not configured for the resource",
        "provider is not configured for the resource",
        "",
    ]
    assert not decided(outcome, "S5")


def test_S6_without_a_list_the_pages_providers_are_accepted() -> None:
    for provider in (
        "android-firebase",
        "ios-firebase",
        "ios-apns",
        "yandex-Appmetrica-device-id-ios",
        "yandex-Appmetrica-device-id-android",
        "yandex-Appmetrica-ios-ifa",
        "yandex-Appmetrica-google-aid",
        "yandex-Appmetrica-android-token",
        "yandex-Appmetrica-ios-token",
        "android-huawei",
        "ios-huawei",
    ):
        (item,) = World().push(on("t", provider)).items
        assert (item["provider"], item["status"]) == (provider, "ok")


# All


def test_each_key_of_a_request_is_looked_up_once_in_each_database_known_or_new() -> None:
    world = World({17: {}, 34: {}})
    asked: Counter[PushKey] = Counter()
    look_up = world.find_by_push

    def counted(key: PushKey) -> Held:
        asked[key] += 1
        return look_up(key)

    world.find_by_push = counted  # type: ignore[method-assign]
    for entries in (["t0", "t1", "t2"], ["t3", "t1", "t2", "t0"]):
        asked.clear()
        world.push(*entries)
        assert len(asked) == 2 * len(entries)
        assert set(asked.values()) == {1}


# S7


def test_S7_nothing_changed_answers_one_bare_item() -> None:
    world = with_anna().add_subscription("anna", "a").add_subscription("anna", "b", "unsubscribed")
    outcome = world.push("a", off("b"), off("c"))
    assert [list(item.items()) for item in outcome.items] == [list(bare("anna").items())]
    assert outcome.error == 200
    assert decided(outcome, "S7")
    assert not outcome.changes


def test_S7_a_refused_subscription_is_no_bare_item() -> None:
    (item,) = anna_and_boris().push("t", id="anna").items
    assert item["status"] == "error"


def test_S7_each_database_has_its_own_bare_item() -> None:
    world = World({17: {}, 34: {}}).add_profile("anna").add_subscription("anna", "t")
    outcome = world.push("t")
    assert outcome.items[0] == bare("anna")
    assert (outcome.items[1]["db_id"], outcome.items[1]["profile_id"]) == (34, new_id(1))
    assert "subscription_id" in outcome.items[1]


# Suspended subscriptions, and keys that the mobile SDKs' calls made active on several profiles


def test_S2_a_suspended_subscription_becomes_what_the_request_asks() -> None:
    for wanted, status in ((on("t"), "subscribed"), (off("t"), "unsubscribed")):
        world = World().add_profile("a").add_subscription("a", "t", "suspended")
        outcome = world.push(wanted, id="a")
        assert decided(outcome, "S2")
        assert world.statuses("t") == {"a": status}


def test_S4_a_suspended_token_of_another_profile_is_free() -> None:
    world = World().add_profile("a").add_profile("b").add_subscription("a", "t", "suspended")
    outcome = world.push("t", id="b")
    assert not decided(outcome, "S4")
    assert world.statuses("t") == {"a": "suspended", "b": "subscribed"}


def test_S3_one_of_two_active_holders_is_subscribed_already() -> None:
    world = World().add_profile("a").add_profile("b").add_subscription("a", "t").add_subscription("b", "t")
    outcome = world.push("t", id="b")
    assert decided(outcome, "S3")
    assert outcome.changes.subscriptions == []


def test_S4_policy_move_takes_a_token_from_every_active_holder() -> None:
    world = World(duplicate_token="move").add_profile("a").add_profile("b").add_profile("c")
    world.add_subscription("a", "t").add_subscription("b", "t").push("t", id="c")
    assert world.statuses("t") == {"a": "unsubscribed", "b": "unsubscribed", "c": "subscribed"}
