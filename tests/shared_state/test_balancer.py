"""Behind HAProxy with the documented file any emulator answers: a person and a client see one server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Any, NamedTuple

import httpx
import pytest

from tests import balancers
from tests.faults.clients import by_httpx
from tests.postgres import Postgres
from tests.server import PAGE_TOKEN, PATIENCE_S, subscription
from tests.shared_state import Emulator, emulators
from tests.waiting import until
from tests.web.test_reverse_proxy import form_token

TOKEN = "the-admin-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CALL = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("balanced")]}


class Balanced(NamedTuple):
    """A balancer with its emulators, which watch their fixtures."""

    url: str
    emulators: list[Emulator]
    fixtures: Path


@pytest.fixture(scope="module")
def balanced(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """Three emulators behind HAProxy, on a fixture set of two files."""
    folder = tmp_path_factory.mktemp("balanced")
    fixtures = folder / "fixtures"
    fixtures.mkdir()
    (fixtures / "databases.json").write_text('[{"id": 17, "name": "Main", "fields": {}}]')
    _write_resource(fixtures, "One")
    given = ("--admin-token", TOKEN, "--trust-proxy", "--watch")
    with (
        emulators(folder, postgres.database(), 3, *given, fixtures=fixtures) as running,
        balancers.before("one-state.haproxy.cfg", [one.port for one in running], folder) as port,
    ):
        yield Balanced(f"http://127.0.0.1:{port}", running, fixtures)


def test_a_sign_in_holds_whoever_answers_and_so_does_the_sign_out(balanced: Balanced) -> None:
    page = f"{balanced.url}/__console/overview"
    with httpx.Client(timeout=PATIENCE_S, trust_env=False, headers={"Origin": balanced.url}) as person:
        asked = person.get(page, follow_redirects=True)
        fields = {"form_token": form_token(asked), "token": TOKEN, "then": "/__console/overview"}
        assert person.post(str(asked.url), data=fields).status_code == 303
        host = {"Host": httpx.URL(balanced.url).netloc.decode()}
        for emulator in balanced.emulators:
            cookie = {"Cookie": "; ".join(f"{one.name}={one.value}" for one in person.cookies.jar)}
            assert emulator.get("/__console/overview", **cookie, **host).status == 200
        signed_in = person.get(page)
        leaving = {"form_token": form_token(signed_in)}
        assert person.post(f"{balanced.url}/__console/sign-out", data=leaving).status_code == 303
        for emulator in balanced.emulators:
            assert emulator.get("/__console/overview", **cookie, **host).status == 302


def test_no_other_emulator_gets_what_a_fault_has_met(balanced: Balanced) -> None:
    admin = f"{balanced.url}/w/cut/__admin"
    for fault, kind in (
        ("connection_reset", "empty"),
        ("empty_response", "empty"),
        ("truncated_body", "cut"),
    ):
        body = {"then": fault, "times": 1}
        assert httpx.post(f"{admin}/faults", json=body, headers=BEARER, trust_env=False).status_code == 201
        assert by_httpx(f"{balanced.url}/w/cut/push_subscribe", CALL).kind == kind
        assert by_httpx(f"{balanced.url}/w/cut/push_subscribe", CALL).status == 200
    found = httpx.get(f"{admin}/requests", headers=BEARER, trust_env=False).json()
    assert found["total"] == 6


def test_a_client_meets_no_error_where_an_emulator_does_not_listen(balanced: Balanced) -> None:
    balanced.emulators[2].kill()
    seen = [by_httpx(f"{balanced.url}/w/refused/push_subscribe", CALL).status for _ in range(12)]
    assert seen == [200] * 12
    balanced.emulators[2].start()


def test_fixtures_that_change_are_in_force_on_every_emulator(balanced: Balanced) -> None:
    for emulator in balanced.emulators:
        assert _resource(emulator) == "One"
    _write_resource(balanced.fixtures, "Two")
    delays, began = [], monotonic()
    for emulator in balanced.emulators:
        until(lambda emulator=emulator: _resource(emulator) == "Two")
        delays.append(monotonic() - began)
    assert max(delays) - median(delays) < 5, delays


def test_a_platform_file_that_changes_is_in_force_on_every_emulator(balanced: Balanced) -> None:
    seen = {"host": "api.example.test", "date": "2026-01-01"}
    (balanced.fixtures / "platform.json").write_text(json.dumps(seen))
    for emulator in balanced.emulators:
        until(lambda emulator=emulator: _settings(emulator)["platform"] is not None)
        assert _settings(emulator)["platform"]["host"] == "api.example.test"


def _settings(emulator: Emulator) -> Any:
    return emulator.get("/__admin/settings", **BEARER).json


def _write_resource(fixtures: Path, name: str) -> None:
    text = f'[{{"id": 5, "name": "{name}", "token": "{PAGE_TOKEN}", "db_ids": [17]}}]'
    (fixtures / "resources.json").write_text(text)


def _resource(emulator: Emulator) -> object:
    return emulator.get("/__admin/resources", **BEARER).json["items"][0]["name"]
