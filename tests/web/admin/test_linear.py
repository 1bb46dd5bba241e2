"""Every body of an admin call is judged in time that is linear in its size, and error texts are bounded."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from math import inf
from time import process_time
from typing import Any

import pytest

from emulator.rules.model import MAX_ERROR_TEXT, Database, Resource
from emulator.store.set_check import SetCheck
from tests.in_process import InProcess

FEW, MANY = 1_000, 8_000
#: What eight times as many may cost: 64 times as much would be quadratic.
MOST = 24
RESOURCE = {"id": 77, "name": "x", "token": "t"}
SUBSCRIPTION = {"resource_id": 5, "provider": "android-firebase"}


@pytest.fixture(scope="module")
def app() -> Iterator[InProcess]:
    with InProcess() as made:
        yield made


def snapshot(app: InProcess, **members: Any) -> dict[str, Any]:
    return {**app.client.get("/__admin/snapshot").get_json(), **members}


#: Method, path, and the body with so many of something.
BODIES: dict[str, tuple[str, str, Callable[[InProcess, int], Any]]] = {
    "equal db_ids": ("POST", "resources", lambda app, n: {**RESOURCE, "db_ids": [17] * n}),
    "foreign db_ids": ("POST", "resources", lambda app, n: {**RESOURCE, "db_ids": list(range(100, n + 100))}),
    "texts for db_ids": ("POST", "resources", lambda app, n: {**RESOURCE, "db_ids": [""] * n}),
    "empty providers": (
        "POST",
        "resources",
        lambda app, n: {**RESOURCE, "db_ids": [], "providers": [""] * n},
    ),
    "unknown keys": ("POST", "resources", lambda app, n: {f"k{i}": 1 for i in range(n)}),
    "wrong fields": (
        "POST",
        "databases",
        lambda app, n: {"id": 78, "name": "x", "fields": {f"k{i}": 1 for i in range(n)}},
    ),
    "undeclared fields": (
        "POST",
        "profiles",
        lambda app, n: {"db_id": 17, "fields": {f"k{i}": 1 for i in range(n)}},
    ),
    "removed fields": ("PATCH", "databases/17", lambda app, n: {"fields": {f"k{i}": None for i in range(n)}}),
    "equal subscriptions": (
        "POST",
        "profiles",
        lambda app, n: {"db_id": 17, "subscriptions": [{**SUBSCRIPTION, "subscription_id": "x"}] * (n // 4)},
    ),
    "unknown criteria": (
        "POST",
        "requests/verify",
        lambda app, n: {"match": {f"k{i}": 1 for i in range(n)}},
    ),
    "unknown parts of a fault": ("POST", "faults", lambda app, n: {"then": {f"k{i}": 1 for i in range(n)}}),
    "parts to keep": ("POST", "reset", lambda app, n: {"keep": ["x"] * n}),
    "equal databases": (
        "PUT",
        "snapshot",
        lambda app, n: snapshot(app, databases=[{"id": 1, "name": "x"}] * n),
    ),
    "databases and resources": (
        "PUT",
        "snapshot",
        lambda app, n: snapshot(
            app,
            databases=[{"id": i, "name": "x"} for i in range(n)],
            resources=[{"id": i, "name": "x", "token": str(i), "db_ids": [0]} for i in range(n)],
            profiles=[{"id": "a", "db_id": -1}],
        ),
    ),
    "faults": (
        "PUT",
        "snapshot",
        lambda app, n: snapshot(
            app,
            faults=[{"id": str(i), "then": "connection_reset"} for i in range(n)],
            profiles=[{"id": "a", "db_id": -1}],
        ),
    ),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_with_eight_times_as_many_is_refused_in_about_eight_times_the_time(
    app: InProcess, name: str
) -> None:
    method, path, made = BODIES[name]
    took = {}
    for number in (FEW, MANY):
        body = json.dumps(made(app, number))
        took[number] = min(_refused_s(app, method, path, body) for _ in range(2))
    assert took[MANY] <= MOST * took[FEW] + 0.1


def _refused_s(app: InProcess, method: str, path: str, body: str) -> float:
    since = process_time()
    answer = app.client.open(f"/__admin/{path}", method=method, data=body)
    took = process_time() - since
    assert answer.status_code == 400
    assert len(answer.get_json()["error_text"].encode()) <= MAX_ERROR_TEXT
    return took


def test_fixtures_of_many_databases_and_resources_are_checked_in_linear_time() -> None:
    took = {}
    for number in (FEW, MANY):
        ids = list(range(number))
        databases = [Database(one, "x") for one in ids]
        resources = [Resource(one, "x", str(one), [one]) for one in ids]
        check = SetCheck(databases, [*resources, Resource(-1, "x", "all", ids)])
        since = process_time()
        assert [*check.databases(), *check.resources()] == []
        took[number] = process_time() - since
    assert took[MANY] <= MOST * took[FEW] + 0.1


def test_a_database_that_many_resources_name_is_deleted_in_linear_time(app: InProcess) -> None:
    took = dict.fromkeys((FEW // 4, MANY // 4), inf)
    for number in [*took] * 2:  # the better of two: a collection of garbage may fall into one
        resources = [{"id": i, "name": "x", "token": str(i), "db_ids": [1]} for i in range(number)]
        document = snapshot(app, databases=[{"id": 1, "name": "x"}], resources=resources, profiles=[])
        assert app.client.put("/__admin/snapshot", json=document).status_code == 200
        since = process_time()
        assert app.client.delete("/__admin/databases/1?cascade=true").status_code == 200
        took[number] = min(took[number], process_time() - since)
    app.client.post("/__admin/reset")
    assert took[MANY // 4] <= MOST * took[FEW // 4] + 0.1
