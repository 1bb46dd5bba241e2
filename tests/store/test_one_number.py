"""Two databases whose keys have one number: what is found in one of them is of that one alone."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.loop.pacing import at_once
from emulator.rules.model import Database, FieldType, PushKey, Resource
from emulator.store.fixture_set import FixtureSet, ProfileEntry, SubscriptionEntry
from emulator.store.invariants import breaches
from emulator.store.records import RecordCriteria, list_profiles, list_subscriptions
from emulator.store.tables import field_key, phone_key, profile_key, push_key
from emulator.store.tinydb_store import TinyDBStore, made_from
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN

NOW = "2026-01-31T12:00:00Z"
BOTH = (-1, -2)  # Python gives these two one number
FIREBASE = "android-firebase"


def key(db_id: int, token: str) -> PushKey:
    return PushKey(db_id, 5, FIREBASE, token)


@pytest.fixture
def store() -> Iterator[TinyDBStore]:
    assert profile_key(-1, "ada") == profile_key(-2, "ada")
    assert push_key(key(-1, "Tok")) == push_key(key(-2, "tok"))
    assert field_key(-1, "n", 7) == field_key(-2, "n", 7)
    assert field_key(-1, "n", -1) != field_key(-1, "n", -2)
    assert phone_key(-1, "+71") == phone_key(-2, "+71")
    entries = [
        ProfileEntry(db_id, "ada", {"n": 7, "phones": "+71, +72"}, [SubscriptionEntry(5, FIREBASE, "Tok")])
        for db_id in BOTH
    ]
    declared = {"n": FieldType("int"), "phones": FieldType("string")}
    databases = [Database(db_id, f"database {db_id}", declared) for db_id in BOTH]
    made = at_once(
        made_from(FixtureSet(databases, [Resource(5, "App", "secret", list(BOTH))], entries), NOW, str)
    )
    yield made
    made.close()


@pytest.mark.parametrize(
    "wanted",
    [
        {"profile_id": "ada"},
        {"subscription_id": "Tok"},
        {"subscription_id": "Tok", "provider": FIREBASE},
        {"profile_id": "ada", "status": "subscribed"},
        {"fields": {"phones": "+71, +72"}},
    ],
    ids=lambda wanted: "+".join(wanted),
)
def test_lists_name_each_record_once(store: TinyDBStore, wanted: dict[str, Any]) -> None:
    for find in (list_profiles, list_subscriptions):
        page = asyncio.run(find(store, RecordCriteria(**wanted), 10))
        assert [one.db_id for one in page.records] == list(BOTH)
        assert page.total == 2
        for db_id in BOTH:
            page = asyncio.run(find(store, RecordCriteria(db_id=db_id, **wanted), 10))
            assert [one.db_id for one in page.records] == [db_id]
            assert page.total == 1


def test_a_token_in_another_case_is_one_of_the_same_database(store: TinyDBStore) -> None:
    for db_id in BOTH:
        found = store.find_by_push(key(db_id, "tok")).other_case
        assert found is not None
        assert found.db_id == db_id
        assert store.find_by_push(key(db_id, "Tok")).other_case is None


def test_a_value_of_a_field_is_one_of_the_same_database(store: TinyDBStore) -> None:
    for db_id in BOTH:
        for newest in (False, True):
            (found,) = store.find_by_field(db_id, "n", 7, newest)
            assert found.db_id == db_id
        assert [one.db_id for one in store.find_by_phone(db_id, "+71")] == [db_id]
        assert store.find_by_phone(db_id, "+71, +72") == []


def test_the_holders_of_a_token_are_those_of_the_named_databases(store: TinyDBStore) -> None:
    for db_id in BOTH:
        assert [one.db_id for one in store.holders(FIREBASE, "Tok", [db_id])] == [db_id]
        profile = store.find_profile(db_id, "ada")
        assert profile is not None
        newest = store.find_newest(profile)
        assert newest is not None
        assert [one.db_id for one in (*store.find_held(profile, FIREBASE, "Tok"), newest)] == [db_id] * 2
    assert [one.db_id for one in store.holders(FIREBASE, "Tok")] == list(BOTH)


def test_deleting_a_profile_leaves_the_other_and_its_subscriptions(store: TinyDBStore) -> None:
    gone, kept = (store.find_profile(db_id, "ada") for db_id in BOTH)
    assert gone is not None
    assert kept is not None
    assert store.delete_profile(gone) == 1
    assert store.find_profile(-1, "ada") is None
    assert [(profile.db_id, [one.db_id for one in own]) for profile, own in store.whole()] == [(-2, [-2])]
    assert store.find_by_push(key(-1, "Tok")).hash_id is None


def test_the_check_misses_a_profile_though_the_other_is_there(store: TinyDBStore) -> None:
    assert list(breaches(store.storage.state)) == []
    store.profiles.remove(doc_ids=[1])
    (said,) = breaches(store.storage.state)
    assert "its profile ada is missing" in said


@pytest.mark.parametrize("status", ["subscribed", "unsubscribed"])
def test_a_push_is_of_one_profile_though_the_other_database_has_the_token(
    tmp_path: Path, status: str
) -> None:
    own = {"resource_id": 5, "provider": FIREBASE, "subscription_id": "Tok"}
    profiles = [
        {"db_id": -2, "id": "ada", "subscriptions": [own | {"status": status}]},
        {"db_id": -1, "id": "ada", "subscriptions": [own | {"status": "unsubscribed"}]},
        {"db_id": -1, "id": "bob", "subscriptions": [own | {"status": status}]},
    ]
    databases = [{"id": db_id, "name": f"database {db_id}"} for db_id in BOTH]
    resources = [{"id": 5, "name": "App", "token": PAGE_TOKEN, "db_ids": list(BOTH)}]
    for name, records in (("databases", databases), ("resources", resources), ("profiles", profiles)):
        (tmp_path / f"{name}.json").write_text(json.dumps(records))
    with InProcess(fixtures=tmp_path, policies={"several_profiles": "error"}) as emulator:
        emulator.push("Tok")
        (entry,) = emulator.client.get("/__admin/requests").json["items"]
    several = {one["db_id"] for one in entry["decided"] if one["rule"] == "M9"}
    assert several == {-1}, entry
