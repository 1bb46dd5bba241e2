"""What the admin API and the console read at once of a profile with many subscriptions, and of a token."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from emulator.loop.pacing import Pacing
from emulator.rules.errors import NotFound
from emulator.rules.model import Changes, Subscription
from emulator.store import editing
from tests.in_process import InProcess
from tests.many_records import FIREBASE, MANY, Steps, app_with

OWNER = "/__admin/profiles/17/owner"
#: The most records that are decoded before others may work.
AT_ONCE = 200


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
    "DELETE a subscription": (lambda app, on: app.client.delete(f"{on}?profile_id=p7"), 200),
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
    with Steps(app, monkeypatch) as steps:
        answer = call(app, f"/__admin/subscriptions/{on.hash_id}")
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
    app.store.delete_profile(profile)
    assert [first.subscription_id, *(one.subscription_id for one in owned)] == [
        f"own-{n}" for n in range(MANY)
    ]


def test_the_console_reads_the_shown_subscriptions_alone(
    app: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Steps(app, monkeypatch) as steps:
        page = app.client.get("/__console/base/profile?db_id=17&profile_id=owner&first=1950")
        row = app.client.get("/__console/base?profile_id=owner")
    text = page.get_data(as_text=True)
    assert [f"own-{number}" in text for number in (1949, 1950, 1999)] == [False, True, True]
    assert f"+{MANY - 2}" in row.get_data(as_text=True)
    assert steps.decoded.count <= 60


@pytest.mark.parametrize("then", ["changed", "deleted"])
def test_a_change_finds_what_requests_made_of_the_record_meanwhile(
    app: InProcess, then: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Pacing, "long", property(lambda _: True))
    on = next(app.store.holders(FIREBASE, "on"))

    async def scene() -> Subscription:
        finding = asyncio.create_task(
            editing.find_subscription(app.store, on.hash_id, on.profile_id, one_only=True)
        )
        await asyncio.sleep(0)
        if then == "changed":
            app.store.apply(Changes([], [replace(on, status="unsubscribed")]))
        else:
            app.store.delete_subscription(on)
        assert not finding.done()
        return (await finding)[0]

    if then == "changed":
        assert asyncio.run(scene()).status == "unsubscribed"
    else:
        with pytest.raises(NotFound):
            asyncio.run(scene())
