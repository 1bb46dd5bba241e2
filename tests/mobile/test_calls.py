"""What each call does (K10–K50) and answers (R1–R6)."""

from __future__ import annotations

from typing import Any

import pytest

from tests.in_process import InProcess
from tests.mobile import FIXTURES, ROLE, bearer, claim, subscribe_body
from tests.mobile.conftest import Phone

IVAN = bearer()
ANNA = bearer(claim(email="anna@example.com"))
UPDATE = "/subscription/push/update/"
PROCESSING = "Platform profile processing error: "


def fields_of(phone: Phone, profile: Any) -> Any:
    return phone.app.store.find_profile(1, profile["id"]).fields


def update(phone: Phone, old: str | None, new: str, authorization: str = ROLE, **more: Any) -> Any:
    body = {"old_token": old, "old_provider": old and "android-firebase"}
    body |= {"new_token": new, "new_provider": "android-firebase"} | more
    status, answer = phone.call(UPDATE + "?sync=true", body, authorization)
    assert (status, answer["error"]) == (200, 0), answer
    return answer["profile"]


@pytest.mark.parametrize("status", ["subscribed", "suspended", "unsubscribed"])
def test_K10_one_call_subscribes_suspends_and_unsubscribes(phone: Phone, status: str) -> None:
    made = phone.subscribe("t", IVAN)
    changed = phone.subscribe("t", IVAN, status=status)
    assert (changed["id"], changed["subscription"]["status"]) == (made["id"], status)
    assert changed["subscription"]["hash_id"] == made["subscription"]["hash_id"]
    assert phone.app.counts == (1, 1)


def test_K10_the_profile_is_created_with_the_searched_value(phone: Phone) -> None:
    assert fields_of(phone, phone.subscribe("t", IVAN)) == {"email": "ivan@example.com"}


def test_K10_profile_fields_are_converted_and_null_clears(phone: Phone) -> None:
    made = phone.subscribe("t", profile_fields={"age": "30", "vip": "true", "_fname": "Иван"})
    assert fields_of(phone, made) == {"age": 30, "vip": True, "_fname": "Иван"}
    phone.subscribe("t", profile_fields={"age": None, "vip": False})
    assert fields_of(phone, made) == {"vip": False, "_fname": "Иван"}


def test_K10_subscription_fields_are_merged(phone: Phone) -> None:
    phone.subscribe("t", fields={"_os_ver": "14.2", "points": "12", "_ad_track": "true"})
    fields = phone.subscribe("t", fields={"loyalty": "gold", "_ad_track": None})["subscription"]["fields"]
    assert fields == {"_os_ver": {"raw": "14.2", "ver": [14, 2]}, "points": 12, "loyalty": "gold"}


@pytest.mark.parametrize(
    ("sent", "ver"),
    [
        ("18.1.1", [18, 1, 1]),
        ("15-beta", [15]),
        ("14 (QPR3)", [14]),
        ("Tiramisu", []),
        ("", []),
        ("1.2.", [1, 2]),
        ("٣", []),
        (14, [14]),
        (17.5, [17, 5]),
    ],
)
def test_K10_any_version_of_the_system_is_stored(phone: Phone, sent: Any, ver: list[int]) -> None:
    fields = phone.subscribe("t", fields={"_os": "Android", "_os_ver": sent})["subscription"]["fields"]
    assert fields["_os_ver"] == {"raw": str(sent), "ver": ver}
    phone.app.client.post("/__admin/restore", json=phone.app.client.get("/__admin/snapshot").get_json())
    assert phone.status(provider="android-firebase", subscription_id="t")["subscription"]["fields"] == fields
    assert "_os_ver" not in phone.subscribe("t", fields={"_os_ver": None})["subscription"]["fields"]


@pytest.mark.parametrize("sent", [True, [14], {"raw": "14", "ver": [15]}, "1" * 500])
def test_R5_what_is_no_version_is_refused(phone: Phone, sent: Any) -> None:
    wrong = 'field "_os_ver" is not valid: failed convert custom field'
    assert phone.refused("t", fields={"_os_ver": sent}) == (400, PROCESSING + wrong)


def test_K10_two_profiles_may_have_one_token(phone: Phone) -> None:
    phone.subscribe("t")
    phone.subscribe("t", IVAN)
    assert (phone.of("t", IVAN), phone.app.counts) == ("subscribed", (2, 2))
    assert sorted(one.status for one in phone.app.store.holders("android-firebase", "t", (1,))) == [
        "subscribed",
        "subscribed",
    ]


def test_K11_replace_unsubscribes_other_profiles(phone: Phone) -> None:
    phone.subscribe("t", ANNA)
    phone.subscribe("other", ANNA)
    phone.subscribe("t", IVAN, replace=True)
    assert (phone.of("t", ANNA), phone.of("t", IVAN), phone.of("other", ANNA)) == (
        "unsubscribed",
        "subscribed",
        "subscribed",
    )


def test_K12_sync_false_is_done_all_the_same_and_not_told(phone: Phone) -> None:
    assert phone.subscribe("t", IVAN, sync="false") is None
    assert phone.of("t", IVAN) == "subscribed"
    assert phone.subscribe("t", IVAN, sync="0", profile_fields={"no_such": 1}, status="suspended") is None
    entry = phone.last()
    assert "R4" in [one["rule"] for one in entry["decided"]]
    assert phone.of("t", IVAN) == "subscribed"


def test_K13_skip_triggers_is_noted(phone: Phone) -> None:
    phone.subscribe("t", skip_triggers=True)
    assert "K13" in [one["rule"] for one in phone.last()["decided"]]


def test_K14_name_and_active_count_and_the_rest_is_the_catalogue_s(phone: Phone) -> None:
    cats = [{"name": "developer_news", "title": "mine", "steady": True, "active": True}]
    news = {"name": "developer_news", "title": "dev_news", "steady": False, "active": True}
    assert phone.subscribe("t", cats=cats)["subscription"]["cats"] == [news]
    assert phone.subscribe("t", status="suspended", cats=[])["subscription"]["cats"] == [news]
    off = [{"name": "developer_news", "active": False}, {"name": "service", "active": False}]
    assert phone.subscribe("t", cats=off)["subscription"]["cats"] == [{**news, "active": False}]


@pytest.mark.parametrize("status", ["suspended", "unsubscribed"])
def test_K15_an_unknown_token_is_made_in_the_wanted_status(phone: Phone, status: str) -> None:
    assert phone.subscribe("t", status=status)["subscription"]["status"] == status
    assert phone.app.counts == (1, 1)


def test_K20_all_subscriptions_of_the_old_pair_move(phone: Phone) -> None:
    ivan = phone.subscribe("old", IVAN, status="suspended")
    anna = phone.subscribe("old", ANNA, fields={"points": 5})
    moved = update(phone, "old", "new")
    assert moved["id"] == anna["id"]
    assert moved["subscription"]["fields"] == {"points": 5}
    assert moved["subscription"]["hash_id"] != anna["subscription"]["hash_id"]
    assert (phone.of("new", IVAN), phone.of("old", IVAN), phone.app.counts) == ("suspended", None, (2, 2))
    assert phone.subscribe("new", IVAN)["id"] == ivan["id"]


@pytest.mark.parametrize("old", ["unknown", None])
def test_K20_an_unknown_old_token_changes_nothing(phone: Phone, old: str | None) -> None:
    assert update(phone, old, "new") is None
    assert phone.app.counts == (0, 0)


def test_K20_a_new_pair_that_is_there_already_stays(phone: Phone) -> None:
    phone.subscribe("old", IVAN)
    phone.subscribe("new", IVAN, status="suspended")
    assert update(phone, "old", "new", IVAN)["subscription"]["status"] == "suspended"
    assert (phone.of("old", IVAN), phone.of("new", IVAN)) == ("unsubscribed", "suspended")
    assert update(phone, "old", "new", IVAN)["subscription"]["status"] == "suspended"  # nothing is left to do
    assert (phone.last()["outcomes"], phone.last()["changes"]) == (["unchanged"], None)


@pytest.mark.parametrize("provider", ["android-firebase", "ios-apns", "android-rustore"])
def test_K30_a_user_logs_in_and_out(phone: Phone, provider: str) -> None:
    def statuses() -> list[str]:
        return [one.status for one in phone.app.store.holders(provider, "t", (1,))]

    nobody = phone.subscribe("t", provider=provider)
    assert statuses() == ["subscribed"]
    assert phone.unsuspend("t", IVAN, provider) is None
    assert statuses() == ["suspended"]
    ivan = phone.subscribe("t", IVAN, provider=provider)
    assert statuses() == ["suspended", "subscribed"]
    assert phone.unsuspend("t", ROLE, provider)["id"] == nobody["id"]
    assert statuses() == ["subscribed", "suspended"]
    again = phone.unsuspend("t", IVAN, provider)
    assert (again["id"], again["subscription"]["status"]) == (ivan["id"], "subscribed")
    assert statuses() == ["suspended", "subscribed"]


def test_K30_the_token_is_suspended_in_every_database(phone: Phone) -> None:
    elsewhere = "Bearer rtoken@rt-keyed"
    phone.subscribe("t", elsewhere)
    phone.subscribe("other", elsewhere)
    phone.subscribe("t", IVAN)
    phone.unsuspend("t", IVAN)
    assert (phone.of("t", elsewhere), phone.of("other", elsewhere)) == ("suspended", "subscribed")
    assert phone.of("t", IVAN) == "subscribed"
    phone.unsuspend("t", elsewhere)
    assert (phone.of("t", elsewhere), phone.of("t", IVAN)) == ("subscribed", "suspended")


def test_K30_a_role_token_subscribes_the_holder_whatever_it_was(phone: Phone) -> None:
    phone.subscribe("t", status="unsubscribed")
    assert phone.unsuspend("t")["subscription"]["status"] == "subscribed"
    phone.subscribe("u", IVAN, status="unsubscribed")
    phone.unsuspend("u", IVAN)
    assert phone.of("u", IVAN) == "unsubscribed"


def test_K30_a_profile_without_the_token_has_no_subscription(phone: Phone) -> None:
    phone.subscribe("other", IVAN)
    assert phone.unsuspend("t", IVAN)["subscription"] is None
    assert phone.unsuspend("t") is None
    assert phone.of("other", IVAN) == "subscribed"


def test_K40_the_three_forms_differ_by_their_parameters(phone: Phone) -> None:
    phone.subscribe("first", IVAN)
    phone.subscribe("second", IVAN, provider="ios-apns")
    found = [
        phone.status(IVAN)["subscription"],
        phone.status(IVAN, provider="android-firebase")["subscription"],
        phone.status(IVAN, provider="ios-apns", subscription_id="second")["subscription"],
    ]
    assert [one["subscription_id"] for one in found] == ["second", "first", "second"]
    assert phone.status(IVAN, provider="ios-apns", subscription_id="first")["subscription"] is None
    assert phone.status(ANNA) is None


def test_K40_a_role_token_names_no_profile_without_a_token(phone: Phone) -> None:
    phone.subscribe("t")
    assert phone.status() is None
    assert [one["rule"] for one in phone.last()["lints"]] == ["K40"]
    assert phone.of("t") == "subscribed"


def test_K50_the_claim_s_profile_gets_the_fields(phone: Phone) -> None:
    made = phone.subscribe("t", IVAN)
    body = {"profile_fields": {"age": 31, "nickname": None}}
    assert phone.call("/profile/update?", body, IVAN)[1]["profile"]["id"] == made["id"]
    assert fields_of(phone, made) == {"email": "ivan@example.com", "age": 31}


def test_K50_an_unknown_profile_is_not_made(phone: Phone) -> None:
    body = {"profile_fields": {"age": 31}}
    assert phone.call("/profile/update", body, IVAN) == (200, {"error": 0, "error_text": "", "profile": None})
    assert phone.call("/profile/update", body, ROLE)[1]["profile"] is None
    assert phone.app.counts == (0, 0)
    phone.app.client.patch("/__admin/settings", json={"policies": {"sdk_unknown_profile": "error"}})
    assert phone.call("/profile/update", body, IVAN)[0] == 400


def test_R1_a_success_has_an_empty_error_text(phone: Phone) -> None:
    status, answer = phone.call("/subscription/push/subscribe/?sync=1", subscribe_body("t"))
    assert (status, list(answer), answer["error"], answer["error_text"]) == (
        200,
        ["error", "error_text", "profile"],
        0,
        "",
    )
    profile = answer["profile"]
    assert list(profile) == ["id", "status", "is_test", "subscription"]
    assert (profile["status"], profile["is_test"]) == ("subscribed", False)
    assert list(profile["subscription"]) == [
        "subscription_id",
        "hash_id",
        "provider",
        "status",
        "fields",
        "cats",
    ]


def test_R2_ids_and_hashes_are_strings(phone: Phone) -> None:
    made = phone.subscribe("t", bearer(claim("profile_id", profile_id=12345)))
    assert made["id"] == "12345"
    assert isinstance(made["subscription"]["hash_id"], str)


def test_R3_an_error_is_never_200(phone: Phone) -> None:
    phone.app.client.patch("/__admin/settings", json={"policies": {"http_status": "always_200"}})
    assert phone.refused("t", provider="pigeon")[0] == 400
    assert phone.refused("t", "Bearer rtoken@unknown")[0] == 401


def test_R4_an_unknown_profile_field_changes_nothing(phone: Phone) -> None:
    wanted = (400, PROCESSING + 'with field "no_such": Incorrect field')
    assert phone.refused("t", profile_fields={"age": 5, "no_such": None}) == wanted
    assert phone.app.counts == (0, 0)


def test_R5_values_and_categories_that_are_not_right_change_nothing(phone: Phone) -> None:
    wrong = 'field "points" is not valid: failed convert custom field'
    assert phone.refused("t", fields={"points": "many"}) == (400, PROCESSING + wrong)
    wrong = 'field "subscriptions.cats" is not valid: category not found in resource'
    assert phone.refused("t", cats=[{"name": "gone", "active": True}]) == (400, PROCESSING + wrong)
    assert phone.app.counts == (0, 0)
    phone.subscribe("t", fields={"undeclared": 1})
    assert phone.last()["lints"][0]["path"] == "subscription.fields.undeclared"


@pytest.mark.parametrize(("bounds", "most"), [({"journal_count": 10}, 10), ({"journal_bytes": 2000}, 40)])
def test_E5_events_are_bounded_by_count_and_bytes_and_the_evicted_ones_are_counted(
    bounds: dict[str, int], most: int
) -> None:
    with InProcess(fixtures=FIXTURES, **bounds) as app:
        phone = Phone(app)
        for at in range(50):
            assert phone.call("/event/push/open", {"time": 1, "smid": f"message-{at:03}"})[0] == 200
        page = app.client.get("/__admin/events").get_json()
    assert 0 < page["total"] <= most
    assert (page["recorded"], page["dropped"]) == (50, 50 - page["total"])
    assert page["items"][0]["smid"] == "message-049"
    assert page["bytes"] <= bounds.get("journal_bytes", 1 << 20)
