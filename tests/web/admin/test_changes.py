"""Databases, resources, profiles and subscriptions added, changed and deleted by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.server import PAGE_TOKEN, Server, subscription
from tests.web.admin.conftest import NOT_OBJECTS, Admin

ANNA = "59db33d269d426509e9c4bf9"
BORIS = "5fb62e815ae47a4aa04dfadd"
OLDER = "637f1a284fda7c5c08be62f0"
IN_TWO = "6156ed18eb7fec10a206e916"


RESOURCE: dict[str, Any] = {"id": 3, "name": "", "token": "t", "db_ids": []}


def hash_of(admin: Admin, token: str) -> str:
    """The hash id of a push token's subscription."""
    found: str = admin.get(f"/subscriptions?subscription_id={token}")["items"][0]["hash_id"]
    return found


def whole(admin: Admin) -> Any:
    """Everything there is, but for the time."""
    return {**admin.get("/snapshot"), "clock": None}


# Databases


def test_a_database_can_be_added_used_and_deleted(admin: Admin) -> None:
    database = {"id": -7, "name": "New", "fields": {"n": "int", "c": {"type": "enum", "options": ["a"]}}}
    assert admin.send("POST", "/databases", database) == database
    assert admin.get("/databases/-7") == database
    resource = {
        "id": 77,
        "name": "R",
        "token": "a-new-resource-token",
        "db_ids": [-7],
        "providers": ["rustore"],
    }
    masked = {**resource, "token": "a-ne…oken"}
    assert admin.send("POST", "/resources", resource) == masked
    answer = admin.app.push(
        resource_token="a-new-resource-token", subscriptions=[subscription("t", "rustore")]
    )
    assert (answer["error"], answer["data"][0]["db_id"]) == (0, -7)
    text = "database -7 is in use: resource 77 has it; there are profiles in it (?cascade=true removes it"
    assert admin.refused("DELETE", "/databases/-7").startswith(text)
    gone = {"deleted": {"databases": 1, "profiles": 1, "subscriptions": 1}}
    assert admin.send("DELETE", "/databases/-7?cascade=true") == gone
    assert admin.get("/resources/77") == {**masked, "db_ids": []}
    refused = admin.app.push(
        resource_token="a-new-resource-token", subscriptions=[subscription("t", "rustore")]
    )
    assert refused["error_text"] == "Resource has no databases"


def test_the_id_can_stand_in_the_path(admin: Admin) -> None:
    assert admin.send("POST", "/databases/50", {"name": "x"}) == {"id": 50, "name": "x", "fields": {}}
    text = admin.refused("POST", "/databases/51", {"id": 52, "name": "x"})
    assert text == "id: must be 51, as in the path, or left out"
    made = admin.send("POST", "/resources/50", {"name": "x", "token": "t", "db_ids": []})
    assert made["id"] == 50
    assert admin.send("POST", "/profiles/50/p/1", {})["id"] == "p/1"


@pytest.mark.parametrize(
    ("path", "document", "text"),
    [
        ("/databases", {"id": 17, "name": "x"}, "id: 17 is there already"),
        ("/databases", {"id": 3}, "name: is required"),
        ("/databases", {"id": "3", "name": "x"}, "id: must be an integer"),
        ("/databases", {"id": 3, "nme": "x", "name": ""}, 'nme: unknown key, did you mean "name"?'),
        ("/resources", {**RESOURCE, "id": 5}, "id: 5 is there already"),
        ("/resources", {**RESOURCE, "token": "no-databases"}, "token: 'no-databases' is there already"),
        ("/resources", {**RESOURCE, "token": ""}, "token: must not be empty"),
        ("/resources", {**RESOURCE, "db_ids": [17, 99]}, "db_ids[1]: there is no database 99"),
        ("/resources", {**RESOURCE, "db_ids": [17, 17]}, "db_ids[1]: database 17 is named twice"),
        ("/profiles", {"fields": {}}, "db_id: is required"),
        ("/profiles", {"db_id": 99}, "db_id: there is no database 99"),
        ("/profiles", {"db_id": 17, "id": ANNA}, f'id: "{ANNA}" is in database 17 already'),
        ("/profiles", {"db_id": 17, "id": ""}, "id: must be 1 to 64 printable characters"),
        (
            "/profiles",
            {"db_id": 17, "fields": {"viip": True}},
            'fields.viip: database 17 does not declare this field, did you mean "vip"?',
        ),
        ("/profiles", {"db_id": 17, "fields": {"vip": 1}}, "fields.vip: must be true or false"),
        (
            "/profiles",
            {"db_id": 17, "fields": {"vip": None}},
            "fields.vip: must be a string, a number, true or false",
        ),
        ("/profiles", {"db_id": 17, "created": "now"}, "created: unknown key"),
    ],
)
def test_what_cannot_be_added_is_refused_and_nothing_changes(
    admin: Admin, path: str, document: Any, text: str
) -> None:
    before = whole(admin)
    assert admin.refused("POST", path, document) == text
    assert whole(admin) == before


@pytest.mark.parametrize(("body", "text"), NOT_OBJECTS)
def test_a_body_that_is_no_object_is_refused(admin: Admin, body: bytes, text: str) -> None:
    for method, path in [
        ("POST", "/profiles"),
        ("PATCH", f"/profiles/17/{ANNA}"),
        ("PATCH", "/databases/17"),
    ]:
        assert admin.refused(method, path, body).startswith(text)


def test_another_field_type_reads_the_values_anew(admin: Admin) -> None:
    admin.send("PATCH", "/databases/17", {"fields": {"CustomNumber1": "string", "extra": "bool"}})
    assert admin.get(f"/profiles/17/{ANNA}")["fields"]["CustomNumber1"] == "100"
    found = admin.app.push("n", matching="custom", field_name="CustomNumber1", field_value="100")
    assert found["data"][0]["profile_id"] == ANNA
    admin.send("PATCH", "/databases/17", {"fields": {"CustomNumber1": "float"}})
    assert admin.get(f"/profiles/17/{ANNA}")["fields"]["CustomNumber1"] == 100.0
    assert isinstance(admin.get(f"/profiles/17/{ANNA}")["fields"]["CustomNumber1"], float)


def test_values_that_cannot_be_read_as_the_other_type_are_a_reason_to_refuse(admin: Admin) -> None:
    before = whole(admin)
    change = {"name": "y", "fields": {"CustomNumber1": "date", "tier": {"type": "enum", "options": ["gold"]}}}
    assert admin.refused("PATCH", "/databases/17", change) == (
        "fields.CustomNumber1: 4 profile(s) have a value that is not a date as YYYY-MM-DD; "
        "fields.tier: 1 profile(s) have a value that is not one of gold"
    )
    assert whole(admin) == before


def test_a_field_with_values_is_removed_only_with_them(admin: Admin) -> None:
    assert admin.refused("PATCH", "/databases/17", {"fields": {"nickname": None}}) == (
        "fields.nickname: 3 profile(s) have a value of it (?cascade=true removes it)"
    )
    assert "phone" in admin.refused("PATCH", "/databases/17", {"fields": {"phone": None}})
    changed = admin.send("PATCH", "/databases/17?cascade=true", {"fields": {"nickname": None}, "name": "M"})
    assert (changed["name"], "nickname" in changed["fields"]) == ("M", False)
    assert "nickname" not in admin.get(f"/profiles/17/{BORIS}")["fields"]
    answer = admin.app.push("t", matching="custom", field_name="nickname", field_value="older")
    assert answer["data"][0]["description"] == "matching error: unknown field"


# Resources


def test_a_resource_is_changed_at_once(admin: Admin) -> None:
    admin.send("PATCH", "/resources/5", {"token": "another-token", "providers": ["ios-apns"]})
    assert admin.app.push("t")["error"] == 404
    answer = admin.app.push("t", resource_token="another-token", id=ANNA)
    assert answer["data"][0]["description"] == "provider is not configured for the resource"
    admin.send("PATCH", "/resources/5", {"providers": None})
    assert admin.app.push("t", resource_token="another-token", id=ANNA)["error"] == 0
    assert [one["id"] for one in admin.get("/resources")["items"]] == [5, 22, 31, 9, 40, 60]


def test_subscriptions_of_a_provider_that_is_no_longer_accepted_stay(admin: Admin) -> None:
    admin.send("PATCH", "/resources/5", {"providers": ["ios-apns"]})
    found = hash_of(admin, "active-token")
    assert (
        admin.send("PATCH", f"/subscriptions/{found}", {"status": "unsubscribed"})["status"] == "unsubscribed"
    )
    assert admin.send("PUT", "/snapshot", admin.get("/snapshot"))["subscriptions"] == 15


def test_no_subscription_is_left_in_a_database_that_its_resource_has_not(admin: Admin) -> None:
    text = "db_ids: leaves out a database in which it has subscriptions (?cascade=true removes them)"
    assert admin.refused("PATCH", "/resources/22", {"db_ids": [34]}) == text
    assert admin.send("PATCH", "/resources/22", {"db_ids": [2, 34]})["db_ids"] == [2, 34]
    admin.send("PATCH", "/resources/22?cascade=true", {"db_ids": [34, 1]})
    assert admin.get(f"/profiles/2/{IN_TWO}")["subscriptions"] == []
    assert len(admin.get(f"/profiles/34/{IN_TWO}")["subscriptions"]) == 2


def test_a_resource_is_deleted_with_its_subscriptions_or_not_at_all(admin: Admin) -> None:
    text = "resource 5 is in use: there are subscriptions of it (?cascade=true removes them)"
    assert admin.refused("DELETE", "/resources/5") == text
    gone = {"deleted": {"resources": 1, "subscriptions": 5}}
    assert admin.send("DELETE", "/resources/5?cascade=true") == gone
    assert admin.app.push("t")["error_text"] == "Resource not found"
    assert admin.send("DELETE", "/resources/9") == {"deleted": {"resources": 1, "subscriptions": 0}}


# Profiles


def test_a_profile_is_added_with_its_subscriptions_and_an_id(admin: Admin) -> None:
    entries = [
        {"resource_id": 5, "provider": "ios-apns", "subscription_id": "a"},
        {"resource_id": 40, "provider": "android-rustore", "subscription_id": "a", "status": "unsubscribed"},
    ]
    admin.send("PUT", "/clock", {"now": "2026-01-01T00:00:00Z"})
    made = admin.send(
        "POST", "/profiles", {"db_id": 17, "fields": {"CustomNumber1": "9"}, "subscriptions": entries}
    )
    assert (len(made["id"]), made["fields"], made["created"]) == (
        24,
        {"CustomNumber1": 9},
        "2026-01-01T00:00:00.000Z",
    )
    assert [one["status"] for one in made["subscriptions"]] == ["subscribed", "unsubscribed"]
    assert (
        admin.app.push(subscriptions=[subscription("a", "ios-apns")])["data"][0]["profile_id"] == made["id"]
    )


def test_S4_a_profile_with_an_active_token_of_another_is_refused(admin: Admin) -> None:
    entry = {"resource_id": 5, "provider": "android-firebase", "subscription_id": "taken-token"}
    document = {"db_id": 17, "subscriptions": [entry]}
    text = f"subscriptions[0]: is active on the profile {OLDER} already (S4); make one of them unsubscribed"
    assert admin.refused("POST", "/profiles", document) == text
    entry["status"] = "unsubscribed"
    made = admin.send("POST", "/profiles", document)
    assert made["subscriptions"][0]["hash_id"] == hash_of(admin, "taken-token")  # A5: one key, one hash
    document["subscriptions"] = [{**entry, "subscription_id": "twice"}] * 2
    assert admin.refused("POST", "/profiles", document) == "subscriptions[1]: is a duplicate on this profile"


def test_a_profiles_fields_are_set_and_removed(admin: Admin) -> None:
    before = admin.get(f"/profiles/17/{BORIS}")
    changed = admin.send(
        "PATCH",
        f"/profiles/17/{BORIS}",
        {"id": BORIS, "fields": {"score": "1e1", "nickname": None, "phones": None}},
    )
    fields = {name: value for name, value in before["fields"].items() if name not in ("nickname", "phones")}
    assert changed == {**before, "fields": {**fields, "score": 10.0}}
    assert admin.get(f"/profiles/17/{BORIS}") == changed
    assert admin.get("/profiles?field.nickname=Boris")["items"] == []
    assert admin.get("/profiles?field.score=10")["items"] == [changed]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"fields": {"score": "much"}}, "fields.score: must be a number"),
        (
            {"fields": {"scoer": None}},
            'fields.scoer: database 17 does not declare this field, did you mean "score"?',
        ),
        ({"fields": []}, "fields: must be an object"),
        ({"id": "x"}, f"id: must be {BORIS}, as in the path, or left out"),
        ({"subscriptions": []}, "subscriptions: unknown key"),
    ],
)
def test_a_bad_change_of_a_profile_is_refused(admin: Admin, change: Any, text: str) -> None:
    before = whole(admin)
    assert admin.refused("PATCH", f"/profiles/17/{BORIS}", change) == text
    assert whole(admin) == before


def test_a_profile_goes_with_its_subscriptions(admin: Admin) -> None:
    gone = {"deleted": {"profiles": 1, "subscriptions": 2}}
    assert admin.send("DELETE", f"/profiles/17/{OLDER}") == gone
    assert admin.app.push("taken-token", id=ANNA)["data"][0]["status"] == "ok"  # nobody's any more
    assert admin.get("/subscriptions?subscription_id=taken-token")["total"] == 1


# Subscriptions


def test_a_subscription_is_added_changed_and_deleted(admin: Admin) -> None:
    owner = {"db_id": 17, "profile_id": ANNA}
    entry = {"resource_id": 5, "provider": "ios-apns", "subscription_id": "mine"}
    made = admin.send("POST", "/subscriptions", {**owner, **entry})
    assert (made["status"], made["created"] == made["updated"]) == ("subscribed", True)
    found = admin.app.push(subscriptions=[subscription("mine", "ios-apns", unsubscribe=True)])["data"][0]
    assert (found["profile_id"], found["subscription_hash_id"]) == (ANNA, made["hash_id"])
    again = admin.refused("POST", "/subscriptions", {**owner, **entry})
    assert again == f"body: is on this profile already, as {made['hash_id']}"
    admin.send("PUT", "/clock", {"now": "2030-01-01T00:00:00Z"})
    changed = admin.send("PATCH", f"/subscriptions/{made['hash_id']}", {"status": "subscribed"})
    assert changed == {**made, "updated": "2030-01-01T00:00:00.000Z"}
    assert admin.send("DELETE", f"/subscriptions/{made['hash_id']}") == {"deleted": {"subscriptions": 1}}
    assert admin.refused("DELETE", f"/subscriptions/{made['hash_id']}", code=404)


def test_of_one_key_on_two_profiles_it_must_be_said_which(admin: Admin) -> None:
    both = hash_of(admin, "came-back-token")
    text = f"profile_id: say which, {both} is on the profiles {BORIS}, {OLDER}"
    assert admin.refused("PATCH", f"/subscriptions/{both}", {"status": "unsubscribed"}) == text
    assert admin.refused("DELETE", f"/subscriptions/{both}") == text
    taken = f"body: is active on the profile {OLDER} already (S4); make one of them unsubscribed"
    path = f"/subscriptions/{both}?profile_id={BORIS}"
    assert admin.refused("PATCH", path, {"status": "subscribed"}) == taken
    admin.send("DELETE", f"/subscriptions/{both}?profile_id={OLDER}")
    assert admin.send("PATCH", f"/subscriptions/{both}", {"status": "subscribed"})["profile_id"] == BORIS


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"db_id": 99}, "db_id: there is no database 99"),
        ({"profile_id": "x"}, 'profile_id: there is no profile "x" in database 17'),
        ({"resource_id": 99}, "resource_id: there is no resource 99"),
        ({"resource_id": 22}, "resource_id: resource 22 does not have database 17"),
        ({"subscription_id": ""}, "subscription_id: must not be empty"),
        ({"provider": "pigeon"}, "provider: resource 5 accepts android-firebase, ios-firebase"),
        ({"status": "on"}, 'status: must be "subscribed", "suspended" or "unsubscribed"'),
        ({"subscription_id": "taken-token"}, f"body: is active on the profile {OLDER} already (S4)"),
        ({"hash_id": "00000000"}, "hash_id: unknown key"),
    ],
)
def test_a_bad_subscription_is_refused(admin: Admin, change: Any, text: str) -> None:
    entry = {"resource_id": 5, "provider": "android-firebase", "subscription_id": "x"}
    document = {"db_id": 17, "profile_id": ANNA, **entry, **change}
    assert admin.refused("POST", "/subscriptions", document).startswith(text)


def test_what_is_left_out_of_a_subscriptions_change_stays_and_null_removes_a_field(admin: Admin) -> None:
    path = f"/subscriptions/{hash_of(admin, 'ivan-phone')}"
    before = admin.send("PATCH", path, {})
    fields = {**before["fields"], "points": 7}
    assert admin.send("PATCH", path, {"fields": {"points": 7}})["fields"] == fields
    del fields["points"]
    changed = admin.send("PATCH", path, {"fields": {"points": None}, "status": "suspended"})
    assert (changed["fields"], changed["cats"]) == (fields, before["cats"])
    changed = admin.send("PATCH", path, {"cats": [{"name": "news", "active": False}]})
    assert (changed["status"], changed["cats"]) == (
        "suspended",
        [{"name": "news", "active": False}, *before["cats"][1:]],
    )
    text = "provider: unknown key"
    assert admin.refused("PATCH", path, {"status": "subscribed", "provider": "ios-apns"}).startswith(text)
    assert admin.refused("PATCH", path, {"fields": {"points": "many"}}).startswith("fields.points: must be")


# Together with requests


def test_changes_by_hand_survive_kill_9(start_server: Callable[..., Server]) -> None:
    server = start_server()
    made = server.post("/__admin/profiles", {"db_id": 17, "id": "mine", "fields": {"vip": True}})
    assert made.status == 201
    assert server.request("DELETE", f"/__admin/profiles/17/{BORIS}").status == 200
    server.request("PATCH", "/__admin/resources/5", json.dumps({"token": "new-token"}).encode())
    server.request("PUT", "/__admin/clock", b'{"now": "2026-01-01T00:00:00Z"}')
    before = server.get("/__admin/snapshot").json
    server.kill()
    server.start()
    assert server.get("/__admin/snapshot").json == before
    assert server.push("new-token", id="mine", subscriptions=[subscription("t")])["error"] == 0


@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_changes_by_hand_and_requests_side_by_side(
    start_server: Callable[..., Server], durability: str
) -> None:
    server = start_server("--durability", durability, "-q")

    def by_hand(number: int) -> int:
        document = {"db_id": 17, "id": f"hand-{number}", "fields": {"CustomNumber1": number}}
        statuses = {server.post("/__admin/profiles", document).status}
        change = json.dumps({"fields": {"CustomNumber1": "int" if number % 2 else "string"}}).encode()
        statuses.add(server.request("PATCH", "/__admin/databases/17", change).status)
        statuses.add(server.request("DELETE", f"/__admin/profiles/17/hand-{number}").status)
        assert statuses <= {200, 201}
        return 0

    def by_request(number: int) -> int:
        answer = server.push(
            matching="custom",
            field_name="CustomNumber1",
            field_value=number + 5000,
            subscriptions=[subscription(f"token-{number}")],
        )
        return int(answer["error"])

    with ThreadPoolExecutor(4) as pool:
        hands, requests = pool.map(by_hand, range(30)), pool.map(by_request, range(60))
        assert {*hands, *requests} == {0}
    server.request("PATCH", "/__admin/databases/17", b'{"fields": {"CustomNumber1": "int"}}')
    profiles = server.get("/__admin/profiles?db_id=17&limit=1000").json
    numbers = sorted(one["fields"]["CustomNumber1"] for one in profiles["items"])
    assert numbers == [100, 200, 777, 777, *range(5000, 5060)]
    assert server.push(PAGE_TOKEN, id=ANNA, subscriptions=[subscription("taken-token")])["error"] == 200
