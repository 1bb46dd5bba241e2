"""What an SDK's call reads where a profile has many subscriptions, or many profiles have a token."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from emulator.endpoint.exchange import Exchange
from emulator.messages import Incoming
from emulator.store import indexes, state_on_disk
from emulator.store.lookup import TableLookup
from emulator.store.state import TableState
from tests.in_process import InProcess
from tests.many_records import FEW, FIREBASE, MANY, ROLE, Calls, Decoded, Steps, app_with, entry
from tests.mobile import bearer
from tests.mobile.conftest import Phone

OWNER = bearer({"db_id": 17, "matching": "profile_id", "profile_id": "owner"})


def status(authorization: str, **query: str) -> Callable[[Phone], Any]:
    return lambda phone: phone.status(authorization, **query)


def subscribe(authorization: str, token: str, **more: Any) -> Callable[[Phone], Any]:
    return lambda phone: phone.subscribe(token, authorization, **more)


def push(profile_id: str | None, token: str, **more: Any) -> Callable[[Phone], Any]:
    parameters = {} if profile_id is None else {"id": profile_id}
    body = {
        "resource_token": "app",
        "subscriptions": [{"provider": FIREBASE, "subscription_id": token, **more}],
        **parameters,
    }
    return lambda phone: phone.app.post(body).get_json()


CALLS: dict[str, Callable[[Phone], Any]] = {
    "K40 the last": status(OWNER),
    "K40 the last of a provider": status(OWNER, provider=FIREBASE),
    "K40 the last of a provider that the profile has none of": status(OWNER, provider="ios-apns"),
    "K40 exactly one": status(OWNER, provider=FIREBASE, subscription_id="own-7"),
    "K40 that of an owner": status(ROLE, provider=FIREBASE, subscription_id="off"),
    "K10 of an owner": subscribe(ROLE, "on"),
    "K10 of a profile": subscribe(OWNER, "on"),
    "K11 of a token that all others have left": subscribe(OWNER, "off", replace=True),
    "K30 of a token that nobody has subscribed": lambda phone: phone.unsuspend("away", ROLE),
    "K30 of a profile": lambda phone: phone.unsuspend("off", OWNER),
    "a push that changes nothing": push("p7", "off", unsubscribe=True),
    "a push that is refused": push("owner", "on"),
    "a push that adds": push("owner", "away", unsubscribe=False),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_reads_a_few_records_however_many_there_are(name: str) -> None:
    counts = {}
    for count in (FEW, MANY):
        with app_with(count) as app, Decoded(app) as decoded:
            CALLS[name](Phone(app))
        counts[count] = decoded.count
    assert counts[FEW] == counts[MANY] <= 20


def test_K20_the_same_pair_reads_a_few_records() -> None:
    with app_with(MANY) as app, Decoded(app) as decoded:
        path = "/subscription/push/update/?sync=true"
        body = {"old_token": "on", "old_provider": FIREBASE, "new_token": "on", "new_provider": FIREBASE}
        _, answer = Phone(app).call(path, body, ROLE)
    assert answer["profile"]["id"] == "p0"
    assert decoded.count <= 20


CHANGING: dict[str, Callable[[Phone], Any]] = {
    "K11": subscribe(OWNER, "on", replace=True),
    "K30": lambda phone: phone.unsuspend("on", ROLE),
    "K20": lambda phone: phone.call(
        "/subscription/push/update/?sync=true",
        {"old_token": "off", "old_provider": FIREBASE, "new_token": "new", "new_provider": FIREBASE},
        ROLE,
    ),
    "S4 with the policy move": push("owner", "on"),
}


@pytest.mark.parametrize("name", CHANGING)
def test_a_call_that_changes_all_holders_reads_each_a_few_times(name: str) -> None:
    with app_with(MANY) as app:
        app.client.patch("/__admin/settings", json={"policies": {"duplicate_token": "move"}})
        with Decoded(app) as decoded:
            CHANGING[name](Phone(app))
        changed = app.client.get("/__admin/requests?limit=1").get_json()["items"][0]
    assert changed["status"] == 200
    assert MANY <= decoded.count <= 8 * MANY


LONG = {
    **CHANGING,
    "M9": push(None, "off"),
    "K11 that is refused afterwards": subscribe(OWNER, "on", replace=True, fields={"unknown": 1}),
}


@pytest.mark.parametrize("name", LONG)
def test_a_call_that_concerns_many_holders_works_on_some_at_once(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with app_with(MANY) as app:
        app.client.patch("/__admin/settings", json={"policies": {"duplicate_token": "move"}})
        put = Calls(monkeypatch, TableState, "put")
        with Decoded(app) as decoded:
            steps = Steps(monkeypatch, decoded, put)
            LONG[name](Phone(app))
            steps.asked()
        assert decoded.count >= MANY
    assert steps.longest <= 250


def put_databases(app: InProcess, ids: list[int], profiles: list[dict[str, Any]]) -> None:
    """Put these databases with their profiles in place of all, and a resource of all of them."""
    document = {
        "format": 1,
        "databases": [{"id": one, "name": f"{one}"} for one in ids],
        "resources": [{"id": 5, "name": "App", "token": "app", "db_ids": ids}],
        "profiles": profiles,
    }
    assert app.client.put("/__admin/snapshot", json=document).status_code == 200


def test_a_push_reads_some_records_at_once_in_all_its_databases_together(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = [1, 2, 3, 4]
    left = [entry("off", "unsubscribed")]
    profiles = [
        {"db_id": one, "id": f"p{number}", "subscriptions": left} for one in ids for number in range(150)
    ]
    with InProcess() as app:
        put_databases(app, ids, profiles)
        with Decoded(app) as decoded:
            steps = Steps(monkeypatch, decoded)
            answer = push(None, "off")(Phone(app))
            steps.asked()
    assert [one["profile_id"] for one in answer["data"]] == ["p0"] * 4
    assert decoded.count >= 600
    assert steps.longest <= 250


@pytest.mark.parametrize(("databases", "longest"), [(5, range(500, 550)), (6, range(250)), (20, range(250))])
def test_a_push_of_many_entries_works_on_some_databases_at_once(
    monkeypatch: pytest.MonkeyPatch, databases: int, longest: range
) -> None:
    ids = list(range(1, databases + 1))
    entries = [{"provider": FIREBASE, "subscription_id": f"t{number}"} for number in range(100)]
    with InProcess() as app:
        put_databases(app, ids, [])
        looked = Calls(monkeypatch, TableLookup, "find_by_push")
        steps = Steps(monkeypatch, looked, Calls(monkeypatch, TableState, "put"))
        for items in (100, 1):  # they are added, then they are there
            answer = app.post({"resource_token": "app", "subscriptions": entries}).get_json()
            assert len(answer["data"]) == items * databases
            steps.asked()
    assert looked.count >= 200 * databases
    assert steps.longest in longest


def told(name: str, fault: dict[str, Any] | None) -> str:
    """The answer to a call, what the journal and the metrics say of it, and the state after it; no times."""
    with app_with(MANY) as app:
        app.client.patch(
            "/__admin/settings",
            json={"policies": {"duplicate_token": "move", "several_profiles": "newest"}},
        )
        if fault is not None:
            assert app.client.post("/__admin/faults", json=fault).status_code == 201
        answer = LONG[name](Phone(app))
        paths = ("requests", "rules", "faults", "snapshot")
        told = [answer, *(app.client.get(f"/__admin/{path}").get_json() for path in paths)]
    return re.sub(r'"(now|time|at_ms|duration_ms|created|updated)": [^,}]+', "", json.dumps(told))


FAULTS: list[dict[str, Any] | None] = [
    None,
    {"match": {}, "times": 1, "delay_ms": 1},
]


@pytest.mark.parametrize("fault", FAULTS, ids=["", "with a fault"])
@pytest.mark.parametrize("name", LONG)
def test_a_call_that_concerns_many_holders_is_answered_and_recorded_as_any_other(
    name: str, fault: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = told(name, fault)
    monkeypatch.setattr(state_on_disk, "MOST_AT_ONCE", 10 * MANY)
    assert beside == told(name, fault)


FIRED = {"match": {}, "times": 1, "then": {"status": 503}, "apply": "after"}


def test_a_fault_that_acts_once_acts_on_one_of_the_long_calls_that_come_together() -> None:
    body = {"resource_token": "app", "subscriptions": [{"provider": FIREBASE, "subscription_id": "off"}]}
    incoming = Incoming("POST", "/push_subscribe", "", {}, json.dumps(body).encode(), "")

    async def both(exchange: Exchange) -> list[int]:
        begun = [exchange.handle(incoming), exchange.handle(incoming)]
        return [one.status for one in await asyncio.gather(*(one.settled() for one in begun))]

    with app_with(300) as app:
        assert app.client.post("/__admin/faults", json=FIRED).status_code == 201
        assert sorted(asyncio.run(both(app.emulator.exchange))) == [200, 503]
        (fault,) = app.client.get("/__admin/faults").get_json()["items"]
    assert (fault["times"], fault["fired"]) == (0, 1)


@pytest.fixture
def sorts(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many ids were sorted, each time."""
    lengths: list[int] = []

    def counted(ids: Any) -> list[Any]:
        lengths.append(len(ids))
        return sorted(ids)

    monkeypatch.setattr(indexes, "sorted", counted, raising=False)
    return lengths


def test_many_old_records_that_join_newer_ones_are_sorted_once(sorts: list[int]) -> None:
    newest = {"db_id": 17, "id": "newest", "subscriptions": [entry("on", "suspended")]}
    with app_with(MANY, newest) as app:
        phone = Phone(app)
        sorts.clear()
        phone.unsuspend("on", OWNER)  # all that were subscribed are suspended
        found = map(app.store.subscriptions.record, app.store.holder_ids(FIREBASE, "on", [17]))
        suspended = [one.profile_id for one in found if one.status == "suspended"]
    assert suspended == [*(f"p{number}" for number in range(MANY)), "newest"]
    assert sum(length > MANY / 10 for length in sorts) == 1
