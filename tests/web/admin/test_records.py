"""Lists of databases, resources, profiles and subscriptions, and one of them by its id."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.in_process import InProcess
from tests.server import Server
from tests.web.admin.conftest import Admin

BORIS = "5fb62e815ae47a4aa04dfadd"
OLDER, YOUNGER = "637f1a284fda7c5c08be62f0", "637f1a284fda7c5c08be62f1"
IN_TWO = "6156ed18eb7fec10a206e916"
IVAN, MARIA, ANONYMOUS = (f"66a1c0de000000000000000{number}" for number in (1, 2, 3))


def pages(admin: Admin, path: str, limit: int) -> Iterator[dict[str, Any]]:
    """Every page of a list."""
    mark = "&" if "?" in path else "?"
    following = ""
    while True:
        page = admin.get(f"{path}{mark}limit={limit}{following}")
        yield page
        if page["next"] is None:
            return
        following = f"&cursor={page['next']}"


def ids(admin: Admin, path: str, name: str = "id") -> list[Any]:
    """What a list answers, by this property."""
    return [item[name] for item in admin.get(path)["items"]]


# What is shown


def test_a_database_shows_its_fields_in_the_form_of_the_fixtures(admin: Admin) -> None:
    shown = admin.get("/databases/17")
    assert shown == admin.get("/databases?id=17")["items"][0]
    assert (shown["name"], shown["fields"]["CustomNumber1"]) == ("Main", "int")
    assert shown["fields"]["tier"] == {"type": "enum", "options": ["gold", "blue"]}


def test_a_resource_shows_its_token_masked(admin: Admin) -> None:
    masked = {"id": 5, "name": "App", "token": "3LXP…7f14", "db_ids": [17], "providers": None}
    assert admin.get("/resources/5") == masked
    assert admin.get("/resources?id=5")["items"] == [masked]
    assert admin.send("PATCH", "/resources/5", {"name": "App"}) == masked


def test_show_secrets_shows_the_token() -> None:
    with InProcess(show_secrets=True) as app:
        assert Admin(app).get("/resources/5")["token"] == "3LXP2FRcRxJ-7b14db88ec937f14"


def test_a_profile_shows_its_subscriptions_without_repeating_whose_they_are(admin: Admin) -> None:
    shown = admin.get(f"/profiles/17/{BORIS}")
    assert list(shown) == ["id", "db_id", "fields", "created", "subscriptions"]
    assert shown["fields"]["CustomNumber1"] == 200
    assert list(shown["subscriptions"][0]) == [
        "hash_id",
        "resource_id",
        "provider",
        "subscription_id",
        "status",
        "created",
        "updated",
    ]
    assert admin.get(f"/profiles?id={BORIS}")["items"] == [shown]


def test_a_subscription_names_all_profiles_of_its_key_and_shows_the_active_one(admin: Admin) -> None:
    (both,) = set(ids(admin, "/subscriptions?subscription_id=came-back-token", "hash_id"))
    shown = admin.get(f"/subscriptions/{both}")
    assert (shown["hash_id"], shown["profile_id"], shown["status"]) == (both, OLDER, "subscribed")
    assert shown["profiles"] == [BORIS, OLDER]
    assert admin.get(f"/subscriptions/{both}?profile_id={BORIS}")["status"] == "unsubscribed"
    admin.send("PATCH", f"/subscriptions/{both}?profile_id={OLDER}", {"status": "unsubscribed"})
    assert admin.get(f"/subscriptions/{both}")["profile_id"] == OLDER  # none is active: the one added last


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("/databases/99", "database 99 not found"),
        ("/resources/-1", "resource -1 not found"),
        ("/profiles/17/nobody", 'profile "nobody" not found in database 17'),
        ("/profiles/34/" + BORIS, f'profile "{BORIS}" not found in database 34'),
        ("/subscriptions/00000000", "subscription 00000000 not found"),
        ("/databases/abc", "/__admin/databases/abc not found"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_what_is_not_there_is_404(admin: Admin, method: str, path: str, text: str) -> None:
    assert admin.refused(method, path, code=404) == text


# Pages


def test_pages_have_every_item_once_and_the_total(admin: Admin) -> None:
    whole = admin.get("/subscriptions?limit=1000")
    assert (whole["next"], whole["total"], len(whole["items"])) == (None, 15, 15)
    walked = list(pages(admin, "/subscriptions", 6))
    assert [len(page["items"]) for page in walked] == [6, 6, 3]
    assert [page["total"] for page in walked] == [15, 15, 15]
    assert [item for page in walked for item in page["items"]] == whole["items"]


@pytest.mark.parametrize("path", ["/profiles", "/profiles?db_id=17"])
def test_a_cursor_stays_good_while_profiles_are_added(admin: Admin, path: str) -> None:
    before = [item["id"] for page in pages(admin, path, 1) for item in page["items"]]
    seen: list[str] = []
    for number, page in enumerate(pages(admin, path, 1)):
        seen += [item["id"] for item in page["items"]]
        if number < 3:
            admin.send("POST", "/profiles", {"db_id": 17, "id": f"new-{number}"})
    assert seen == [*before, "new-0", "new-1", "new-2"]


def test_a_cursor_stays_good_when_its_own_profile_is_deleted(admin: Admin) -> None:
    every = ids(admin, "/profiles")
    first = admin.get("/profiles?limit=2")
    for gone in first["items"]:
        admin.send("DELETE", f"/profiles/{gone['db_id']}/{gone['id']}")
    assert ids(admin, f"/profiles?cursor={first['next']}") == every[2:]


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("limit=0", "limit: must be 1 to 1000"),
        ("limit=1001", "limit: must be 1 to 1000"),
        ("limit=x", "limit: must be an integer"),
        ("cursor=x", "cursor: must be what a list gave as next"),
        ("cursor=ÿ", "cursor: must be what a list gave as next"),
        ("provder=x", 'provder: unknown key, did you mean "provider"?'),
        ("db_id=main", "db_id: must be an integer"),
        ("status=active", 'status: must be "subscribed", "suspended" or "unsubscribed"'),
        (
            "field.CustomNumber=1",
            'field.CustomNumber: no database declares this field, did you mean "CustomNumber1"?',
        ),
        ("field.CustomNumber1=x", "field.CustomNumber1: must be an integer of 64 bits"),
        ("db_id=2&field.CustomNumber1=1", "field.CustomNumber1: database 2 does not declare this field"),
    ],
)
def test_bad_criteria_are_refused(admin: Admin, query: str, text: str) -> None:
    assert admin.refused("GET", f"/profiles?{query}") == text


# Criteria


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [17, 34, 2, 1, 60]),
        ("id=34", [34]),
        ("db_id=34", [34]),
        ("name=Club", [2]),
        ("resource_id=22", [34, 2]),
        ("field.card=string", [2, 1]),
        ("field.CustomNumber1=int&resource_id=31", [1]),
        ("id=99", []),
    ],
)
def test_databases_by_their_properties(admin: Admin, query: str, found: list[int]) -> None:
    assert ids(admin, f"/databases?{query}") == found
    assert admin.get(f"/databases?{query}")["total"] == len(found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("resource_id=22", [22]),
        ("token=two-databases", [22]),
        ("token=two", []),
        ("name=App", [5]),
        ("db_id=17", [5, 40]),
        ("provider=android-rustore", [40, 60]),
        ("provider=ios-apns", [5, 22, 31, 9, 60]),
    ],
)
def test_resources_by_their_properties(admin: Admin, query: str, found: list[int]) -> None:
    assert ids(admin, f"/resources?{query}") == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (f"id={IN_TWO}", [IN_TWO, IN_TWO]),
        (f"id={IN_TWO}&db_id=2", [IN_TWO]),
        ("field.CustomNumber1=777", [OLDER, YOUNGER]),
        ("field.CustomNumber1=777&field.nickname=younger", [YOUNGER]),
        ("field.CustomNumber1=777&db_id=34", []),
        ("field.vip=TRUE&db_id=17", [BORIS]),
        ("field.last_ip=192.0.2.7&field.score=4.50", [BORIS]),
        ("subscription_id=taken-token", [OLDER]),
        ("subscription_id=%25subscriptionid%25", [IN_TWO]),
        ("provider=android-firebase&subscription_id=came-back-token", [BORIS, OLDER]),
        ("provider=android-firebase&subscription_id=came-back-token&status=subscribed", [OLDER]),
        ("provider=ios-apns&subscription_id=came-back-token", []),
        ("status=unsubscribed", [BORIS, IVAN]),
        ("status=suspended", [IVAN, ANONYMOUS]),
        ("is_test=true", [MARIA]),
        ("is_test=false&db_id=60&status=subscribed", [IVAN, ANONYMOUS]),
        ("status=unsubscribed&subscription_id=active-token", []),
        ("resource_id=22", [IN_TWO, IN_TWO]),
        ("db_id=17&limit=1000", ["59db33d269d426509e9c4bf9", BORIS, OLDER, YOUNGER]),
    ],
)
def test_profiles_by_their_properties_and_those_of_one_subscription(
    admin: Admin, query: str, found: list[str]
) -> None:
    assert ids(admin, f"/profiles?{query}") == found
    assert admin.get(f"/profiles?{query}")["total"] == len(found)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("subscription_id=taken-token", ["taken-token"]),
        ("provider=android-firebase&subscription_id=both-databases-token", ["both-databases-token"] * 2),
        ("provider=android-firebase&subscription_id=both-databases-token&db_id=2", ["both-databases-token"]),
        (f"profile_id={OLDER}", ["taken-token", "came-back-token"]),
        ("field.nickname=older", ["taken-token", "came-back-token"]),
        ("field.nickname=older&status=unsubscribed", []),
        ("status=unsubscribed", ["inactive-token", "came-back-token", "ivan-old-phone"]),
        ("resource_id=22&db_id=34", ["%subscriptionid%", "both-databases-token"]),
        ("resource_id=77", []),
        ("is_test=true", ["shared-phone"]),
        ("field.points=120", ["ivan-phone"]),
        ("field._os=iOS&field._os_ver=17.5", ["ivan-tablet"]),
        ("field.level=gold&field.email=ivan@example.com", ["ivan-phone"]),
        ("field.level=gold&field.email=maria@example.com", []),
        ("field.points=121", []),
    ],
)
def test_subscriptions_by_their_properties(admin: Admin, query: str, found: list[str]) -> None:
    assert ids(admin, f"/subscriptions?{query}", "subscription_id") == found


def test_subscriptions_by_hash(admin: Admin) -> None:
    for item in admin.get("/subscriptions")["items"]:
        assert item in admin.get(f"/subscriptions?hash_id={item['hash_id']}")["items"]
        assert item["profile_id"] in ids(admin, f"/profiles?hash_id={item['hash_id']}")


def test_a_token_with_quotes_and_letters_beyond_ascii_is_found(admin: Admin) -> None:
    odd = 'a"b\\c é'
    profile = {
        "db_id": 17,
        "subscriptions": [{"resource_id": 5, "provider": "ios-apns", "subscription_id": odd}],
    }
    made = admin.send("POST", "/profiles", profile)
    found = admin.call("GET", "/profiles", query_string={"subscription_id": odd}).get_json()
    assert [one["id"] for one in found["items"]] == [made["id"]]


def test_lists_of_a_workspace_are_its_own(admin: Admin) -> None:
    admin.send("DELETE", f"/profiles/17/{BORIS}")
    other = Admin(admin.app)
    answer = other.app.client.get("/w/other/__admin/profiles?db_id=17")
    assert BORIS in [item["id"] for item in answer.get_json()["items"]]
    assert BORIS not in ids(admin, "/profiles?db_id=17")


# Large states


def test_many_profiles_are_walked_through_in_steps_and_by_pages(start_server: Callable[..., Server]) -> None:
    server = start_server("--durability", "none", "-q")
    snapshot = server.get("/__admin/snapshot").json
    snapshot["profiles"] += [
        {"id": f"p{number}", "db_id": 34, "fields": {"CustomNumber1": number, "email": f"{number % 7}"}}
        for number in range(6000)
    ]
    assert server.request("PUT", "/__admin/snapshot", json.dumps(snapshot).encode()).status == 200
    found = server.get("/__admin/profiles?db_id=34&field.email=3&limit=1000").json
    wanted = [f"p{number}" for number in range(3, 6000, 7)]
    assert [one["id"] for one in found["items"]] == wanted
    assert (found["total"], found["next"]) == (len(wanted), None)
    seen: list[str] = []
    cursor = ""
    while True:
        page = server.get(f"/__admin/profiles?resource_id=5&limit=1{cursor}").json
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        cursor = f"&cursor={page['next']}"
    assert seen == [BORIS, OLDER]
