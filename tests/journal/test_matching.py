"""Which requests meet criteria, and how far the others are from it, field by field."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import orjson
import pytest
from msgspec.structs import asdict

from emulator.journal.entry import Entry
from emulator.journal.journal import RequestJournal
from emulator.journal.matching import RequestCriteria
from emulator.journal.query import KEYS
from emulator.journal.search import nearest_misses
from emulator.rules.model import Changes, Subscription
from push_emulator.journal_answers import Difference
from tests.journal.entries import TOKEN, entry, reading

CUSTOM = json.dumps(
    {
        "resource_token": TOKEN,
        "id": "59db33d269d426509e9c4bf9",
        "db_ids": [17, 34],
        "matching": "custom",
        "field_name": "CustomNumber1",
        "field_value": 100,
        "subscriptions": [{"provider": "ios-apns", "subscription_id": "t1", "unsubscribe": True}],
    }
)
ITEM = {
    "db_id": 17,
    "profile_id": "5fb6",
    "subscription_hash_id": "0a1b2c3d",
    "status": "ok",
    "description": "",
}


def custom() -> Entry:
    return entry(
        body=CUSTOM,
        answer=json.dumps({"data": [ITEM], "error": 0, "error_text": ""}),
        headers={"request-id": "r-1"},
        fault="f1",
        effect="slow_body",
    )


@pytest.mark.parametrize(
    ("key", "met", "missed"),
    [
        ("provider", "ios-apns", "android-firebase"),
        ("subscription_id", "t1", "t2"),
        ("unsubscribe", True, False),
        ("db_id", 17, 34),
        ("profile_id", "5fb6", "x"),
        ("subscription_hash_id", "0a1b2c3d", "x"),
        ("item_status", "ok", "error"),
        ("description", "", "Duplicate push subscription"),
        ("resource_token", TOKEN, "other"),
        ("id", "59db33d269d426509e9c4bf9", "other"),
        ("matching", "custom", "profile_id"),
        ("field_name", "CustomNumber1", "email"),
        ("field_value", 100, "100"),
        ("db_ids", [17, 34], [17]),
        ("method", "POST", "GET"),
        ("path", "/push_subscribe", "/"),
        ("status", 200, 503),
        ("error", 0, 200),
        ("error_text", "Successful operation", "x"),
        ("resource_id", 5, 22),
        ("resource", "App", "x"),
        ("request_id", "r-1", "r-2"),
        ("rule", "S1", "S2"),
        ("lint", "L3", "L1"),
        ("fault", "f1", None),
        ("effect", "slow", "reset"),
        ("effect", "slow_body", "delay"),
        ("outcome", "fault", "refused"),
        ("outcome", "added", "changed"),
        ("since", "2026-01-31T12:00:00.000Z", "2026-01-31T12:00:00.001Z"),
        ("q", "CUSTOMNUMBER1 ios-apns", "ios-apns nothing"),
        ("field.CustomNumber1", 100, 101),
        ("field.email", None, 100),
    ],
)
def test_criterion_is_met_by_what_it_names_and_by_nothing_else(key: str, met: Any, missed: Any) -> None:
    assert RequestCriteria({key: met}).differences(reading(custom())) == []
    assert [one.key for one in RequestCriteria({key: missed}).differences(reading(custom()))] == [key]


def test_every_criterion_is_tested_above() -> None:
    parameters = test_criterion_is_met_by_what_it_names_and_by_nothing_else.pytestmark[0].args[1]  # type: ignore[attr-defined]
    assert {key for key, _, _ in parameters} >= set(KEYS)


def test_values_compare_as_json_does() -> None:
    found = entry(body='{"id": 1, "matching": true}')
    assert RequestCriteria({"id": 1}).differences(reading(found)) == []
    assert RequestCriteria({"id": True}).differences(reading(found))
    assert RequestCriteria({"matching": 1}).differences(reading(found))


def test_loose_values_compare_as_text() -> None:
    criteria = {"status": "200", "unsubscribe": "true", "field.CustomNumber1": "100"}
    assert RequestCriteria(criteria, loose=True).differences(reading(custom())) == []


def test_one_subscription_must_meet_all_criteria_on_subscriptions() -> None:
    two = entry(
        body=json.dumps(
            {
                "subscriptions": [
                    {"provider": "ios-apns", "subscription_id": "a"},
                    {"provider": "android-firebase", "subscription_id": "b"},
                ]
            }
        )
    )
    assert RequestCriteria({"provider": "ios-apns", "subscription_id": "a"}).differences(reading(two)) == []
    assert RequestCriteria({"provider": "ios-apns", "subscription_id": "b"}).differences(reading(two)) == [
        Difference("subscription_id", "b", "a")
    ]


def test_item_criteria_are_those_of_the_wanted_subscriptions_item() -> None:
    items = [{"subscription_id": "a", "status": "error"}, {"subscription_id": "b", "status": "ok"}]
    found = entry("a", "b", answer=json.dumps({"data": items, "error": 200, "error_text": ""}))
    assert RequestCriteria({"subscription_id": "b", "item_status": "ok"}).differences(reading(found)) == []
    assert RequestCriteria({"subscription_id": "b", "item_status": "error"}).differences(reading(found)) == [
        Difference("item_status", "error", "ok")
    ]


def test_what_is_no_object_among_the_subscriptions_names_nothing() -> None:
    sent = entry(body='{"subscriptions": ["x", {"provider": "p"}, null]}').sent_tokens()
    assert sent == [("", ""), ("p", ""), ("", "")]


PROFILE = {"id": "p1", "subscription": {"provider": "ios-apns", "subscription_id": "a1", "hash_id": "h1"}}
CHANGED = Changes([], [Subscription("h1", 17, "p1", 5, "ios-apns", "a1", "suspended", "", "")])
UPDATED = {"old_provider": "ios-apns", "old_token": "a0", "new_provider": "ios-apns", "new_token": "a1"}


@pytest.mark.parametrize(
    ("values", "criteria", "difference"),
    [
        (
            {"body": json.dumps({"subscription": PROFILE["subscription"] | {"status": "unsubscribed"}})},
            {"subscription_id": "a1", "unsubscribe": True, "profile_id": "p1", "db_id": 17},
            Difference("profile_id", "p2", "p1"),
        ),
        ({"body": json.dumps(UPDATED)}, {"subscription_id": "a0"}, Difference("subscription_id", "a2", "a0")),
        ({"body": json.dumps(UPDATED)}, {"subscription_id": "a1", "provider": "ios-apns"}, None),
        (
            {"body": "", "method": "GET", "query": "provider=ios-apns&subscription_id=a%3A1+2"},
            {"subscription_id": "a:1+2", "provider": "ios-apns"},
            Difference("subscription_id", "a", "a:1+2"),
        ),
        (  # sync=false: the answer has no profile, the changes have
            {"body": "{}", "changes": CHANGED, "answer": '{"error":0,"error_text":"","profile":null}'},
            {"profile_id": "p1", "subscription_hash_id": "h1", "db_id": 17},
            Difference("subscription_hash_id", "h2", "h1"),
        ),
        (
            {"body": "{}", "answer": '{"error":0,"error_text":"","profile":null}'},
            {"profile_id": None},
            Difference("profile_id", "p1", None),
        ),
    ],
)
def test_a_mobile_sdks_call_is_found_by_what_it_names_and_answers(
    values: dict[str, Any], criteria: dict[str, Any], difference: Difference | None
) -> None:
    answer = json.dumps({"error": 0, "error_text": "", "profile": PROFILE}, separators=(",", ":"))
    came = entry(**({"answer": answer} | values))
    assert RequestCriteria(criteria).differences(reading(came)) == []
    assert RequestCriteria(criteria).meets(reading(came))
    if difference is not None:
        wrong = RequestCriteria({difference.key: difference.expected})
        assert (wrong.differences(reading(came)), wrong.meets(reading(came))) == ([difference], False)


def test_unsubscribe_false_is_met_by_its_absence() -> None:
    assert RequestCriteria({"unsubscribe": False}).differences(reading(entry("t"))) == []


def test_null_is_met_where_there_is_no_such_value() -> None:
    refused = entry(body="{}", answer="", resource=None)
    assert (
        RequestCriteria({"profile_id": None, "subscription_id": None, "resource": None}).differences(
            reading(refused)
        )
        == []
    )
    assert RequestCriteria({"subscription_id": None}).differences(reading(entry("t"))) == [
        Difference("subscription_id", None, "t")
    ]


def test_difference_has_what_came_instead_and_null_where_nothing_came() -> None:
    found = RequestCriteria({"subscription_id": "t2", "id": "x", "status": 404}).differences(
        reading(entry("t1"))
    )
    assert found == [
        Difference("subscription_id", "t2", "t1"),
        Difference("id", "x", None),
        Difference("status", 404, 200),
    ]


def test_nearest_misses_have_the_fewest_differences_the_newest_first() -> None:
    journal = RequestJournal()
    journal.record(entry("far", status=500))
    journal.record(entry("near-1"))
    journal.record(entry("near-2"))
    journal.record(entry("wanted", status=500))
    match = RequestCriteria({"subscription_id": "wanted", "status": 200})
    misses = asyncio.run(nearest_misses(journal, match))
    assert [(one.entry.id, len(one.differences)) for one in misses] == [(4, 1), (3, 1), (2, 1)]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not json",
        "[]",
        "[" * 100_000,
        '{"a":' * 100_000,
        '{"resource_token": 1' + "0" * 30 + "}",
        '{"resource_token": 1' + "0" * 5000 + "}",
        '{"resource_token": "\\ud800"}',
        '{"resource_token": ' + "[" * 500 + "]" * 500 + "}",
        '{"subscriptions": 5, "field_name": [], "field_value": {}}',
        '{"subscriptions": [1, null, {"subscription_id": [1]}]}',
        '{"resource_token": 1e999}',
    ],
)
def test_differences_can_be_written_whatever_came(body: str) -> None:
    criteria = {"resource_token": TOKEN, "subscription_id": "t", "field.x": 1, "q": "zzz", "db_id": 1}
    differences = RequestCriteria(criteria).differences(reading(entry(body=body)))
    assert {one.key for one in differences} == set(criteria)
    orjson.dumps([asdict(one) for one in differences])
