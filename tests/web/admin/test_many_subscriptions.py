"""What the admin API and the console read at once of a profile with many subscriptions, and of a token."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from emulator.rules import keys
from emulator.schemas import json_members
from emulator.store.set_check import SetCheck
from emulator.store.state import STEP, TableState
from emulator.workspaces.document import SnapshotSubscription
from tests.in_process import InProcess
from tests.many_records import FIREBASE, MANY, Calls, Decoded, Steps, app_with, entry

OWNER = "/__admin/profiles/17/owner"
#: The most records that are decoded before others may work.
AT_ONCE = 250


@pytest.fixture
def app() -> Iterator[InProcess]:
    with app_with(MANY) as made:
        yield made


CALLS: dict[str, tuple[Callable[[InProcess, str], Any], int]] = {
    "GET a profile": (lambda app, _: app.client.get(OWNER), 200),
    "PATCH a profile": (lambda app, _: app.client.patch(OWNER, json={"is_test": True}), 200),
    "profiles by id": (lambda app, _: app.client.get("/__admin/profiles?profile_id=owner"), 200),
    "profiles by status": (
        lambda app, _: app.client.get("/__admin/profiles?profile_id=owner&status=suspended"),
        200,
    ),
    "profiles by provider": (lambda app, _: app.client.get("/__admin/profiles?provider=ios-apns"), 200),
    "subscriptions of a profile": (
        lambda app, _: app.client.get("/__admin/subscriptions?profile_id=owner&limit=5"),
        200,
    ),
    "GET a subscription": (lambda app, on: app.client.get(on), 200),
    "GET a subscription of a profile": (lambda app, on: app.client.get(f"{on}?profile_id=p7"), 200),
    "PATCH a subscription": (
        lambda app, on: app.client.patch(f"{on}?profile_id=p7", json={"status": "suspended"}),
        200,
    ),
    "DELETE one of many": (lambda app, on: app.client.delete(on), 400),
    "DELETE a profile": (lambda app, _: app.client.delete(OWNER), 200),
    "DELETE a subscription": (lambda app, on: app.client.delete(f"{on}?profile_id=p7"), 200),
    "a snapshot": (lambda app, _: app.client.get("/__admin/snapshot"), 200),
    "the console's profile": (
        lambda app, _: app.client.get("/__console/base/profile?db_id=17&profile_id=owner&first=1950"),
        200,
    ),
    "the console's list": (lambda app, _: app.client.get("/__console/base?profile_id=owner"), 200),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_reads_some_records_at_once_however_many_there_are(
    app: InProcess, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on = next(app.store.holders(FIREBASE, "on"))
    call, status = CALLS[name]
    put = Calls(monkeypatch, TableState, "put")
    with Decoded(app) as decoded:
        steps = Steps(monkeypatch, decoded, put)
        answer = call(app, f"/__admin/subscriptions/{on.hash_id}")
        steps.asked()
    assert answer.status_code == status, answer.get_data(as_text=True)
    assert steps.longest <= AT_ONCE


def test_a_profile_is_shown_with_all_its_subscriptions_as_they_were_when_it_was_asked_for(
    app: InProcess,
) -> None:
    shown = app.client.get(OWNER).get_json()
    listed = app.client.get("/__admin/profiles?profile_id=owner").get_json()["items"]
    assert listed == [shown]
    assert [one["subscription_id"] for one in shown["subscriptions"]] == [f"own-{n}" for n in range(MANY)]
    profile = app.store.find_profile(17, "owner")
    owned = app.store.owned(profile)
    first = next(owned)
    assert app.client.delete(OWNER).get_json()["deleted"] == {"profiles": 1, "subscriptions": MANY}
    assert [first.subscription_id, *(one.subscription_id for one in owned)] == [
        f"own-{n}" for n in range(MANY)
    ]


def test_the_profile_of_a_request_is_offered_as_a_fixture_in_steps(
    app: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [{"provider": FIREBASE, "subscription_id": "own-7", "unsubscribe": True}]
    app.post({"resource_token": "app", "id": "owner", "subscriptions": entries})
    with Decoded(app) as decoded:
        steps = Steps(monkeypatch, decoded)
        page = app.client.get("/__console/requests/1").get_data(as_text=True)
        steps.asked()
        (fixture,) = app.client.get("/__console/requests/1/profiles.json").get_json()
        steps.asked()
    assert ("/requests/1/profiles.json" in page, "own-1999" in page) == (True, False)
    assert (fixture["id"], len(fixture["subscriptions"])) == ("owner", MANY)
    assert fixture["subscriptions"][7] == entry("own-7", "unsubscribed")
    assert steps.longest <= AT_ONCE


def test_the_console_reads_the_shown_subscriptions_alone(
    app: InProcess,
) -> None:
    with Decoded(app) as decoded:
        page = app.client.get(f"/__console/base/profile?db_id=17&profile_id=owner&first={MANY - 50}")
        row = app.client.get("/__console/base?profile_id=owner")
    text = page.get_data(as_text=True)
    assert [f"own-{number}" in text for number in (MANY - 51, MANY - 50, MANY - 1)] == [False, True, True]
    assert f"+{MANY - 2}" in row.get_data(as_text=True)
    assert decoded.count <= 60


def snapshot_of(*own: list[dict[str, Any]]) -> dict[str, Any]:
    """A snapshot with a profile for each of these lists of subscriptions."""
    return {
        "format": 1,
        "databases": [{"id": 17, "name": "Main"}],
        "resources": [{"id": 5, "name": "App", "token": "app", "db_ids": [17]}],
        "profiles": [
            {"id": f"p{at}", "db_id": 17, "is_test": at % 2 == 0, "subscriptions": some}
            for at, some in enumerate(own)
        ],
    }


def test_a_profile_of_a_snapshot_is_restored_in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = [
        Calls(monkeypatch, json_members, "_plain"),
        Calls(monkeypatch, SetCheck, "_subscription"),
        Calls(monkeypatch, SnapshotSubscription, "record"),
        Calls(monkeypatch, keys, "subscription_hash_id"),
        Calls(monkeypatch, TableState, "put"),
    ]
    document = json.dumps(snapshot_of([entry(f"t{number}") for number in range(MANY)]))
    with InProcess() as app:
        steps = Steps(monkeypatch, *counters)
        answer = app.client.put("/__admin/snapshot", data=document)
        steps.asked()
        assert answer.get_json()["subscriptions"] == MANY
    assert min(one.count for one in counters) >= MANY
    assert steps.longest <= AT_ONCE


def test_a_snapshot_has_every_subscription_wherever_a_step_ends() -> None:
    lengths = [0, 1, STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP + 7]
    own = [[entry(f"{at}-{number}") for number in range(length)] for at, length in enumerate(lengths)]
    with InProcess() as app, InProcess() as other:
        app.client.put("/__admin/snapshot", data=json.dumps(snapshot_of(*own)))
        written = app.client.get("/__admin/snapshot").get_data()
        assert other.client.put("/__admin/snapshot", data=written).status_code == 200
        profiles = json.loads(written)["profiles"]
        assert other.client.get("/__admin/snapshot").get_json()["profiles"] == profiles
    shown = [[one["subscription_id"] for one in profile["subscriptions"]] for profile in profiles]
    assert shown == [[one["subscription_id"] for one in some] for some in own]
    assert [profile.get("is_test", False) for profile in profiles] == [at % 2 == 0 for at in range(7)]


def test_what_is_wrong_with_a_snapshot_is_told_where_it_stands() -> None:
    own: list[dict[str, Any]] = [entry(f"t{number}") for number in range(3 * STEP)]
    with InProcess() as app:
        before = app.counts
        own[5]["status"] = own[2 * STEP + 3]["status"] = "gone"
        refused = app.client.put("/__admin/snapshot", data=json.dumps(snapshot_of(own)))
        text = refused.get_json()["error_text"]
        for at in (5, 2 * STEP + 3):
            assert f"profiles[0].subscriptions[{at}].status: " in text
            own[at]["status"] = "subscribed"
        own[2 * STEP + 3]["subscription_id"] = "t5"
        refused = app.client.put("/__admin/snapshot", data=json.dumps(snapshot_of(own)))
        said = f"profiles[0].subscriptions[{2 * STEP + 3}]: is a duplicate on this profile"
        assert refused.get_json()["error_text"] == said
        assert app.counts == before
