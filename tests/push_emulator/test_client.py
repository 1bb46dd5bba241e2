"""The Python client: the endpoint and every admin call, against a real server."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
import pytest

from push_emulator import (
    EmulatorClient,
    EmulatorError,
    LocalServer,
    PushEmulator,
    StartError,
    VerificationFailed,
    subscription,
)
from push_emulator.pytest_plugin import workspace_name
from tests.server import PAGE_TOKEN, Server

ANNA = "59db33d269d426509e9c4bf9"
#: Each would change the server, or keep it from starting.
FOR_ANOTHER_SERVER = {
    "EMULATOR_ADMIN_TOKEN": "t0ken",
    "EMULATOR_FIXTURES": "/nowhere",
    "EMULATOR_POLICY": "colour=red",
    "EMULATOR_STRICT": "1",
    "EMULATOR_TLS_CERT": "/nowhere",
}


@pytest.fixture(scope="module")
def local() -> Iterator[LocalServer]:
    with LocalServer() as server:
        yield server


@pytest.fixture
def client(local: LocalServer, request: pytest.FixtureRequest) -> Iterator[EmulatorClient]:
    name = workspace_name(request.node.nodeid, shared=False)
    with EmulatorClient(local.url, name) as client:
        client.workspaces.make(name)
        yield client
        client.workspaces.delete(name)


def test_the_address_of_a_workspace_leads_to_others_too(local: LocalServer) -> None:
    with EmulatorClient(f"{local.url}/w/here/") as client:
        assert client.url == f"{local.url}/w/here"
        other = client.in_workspace("there")
        assert other.url == f"{local.url}/w/there"
        assert other.push(PAGE_TOKEN, [subscription("t1")]).ok


# The endpoint


def test_push_answers_with_items(client: EmulatorClient) -> None:
    answer = client.push(PAGE_TOKEN, [subscription("t1")], id=ANNA, db_ids=[17], request_id="r-1")
    assert (answer.ok, answer.status, answer.error, answer.error_text) == (
        True,
        200,
        0,
        "Successful operation",
    )
    (item,) = answer.data
    assert (item.profile_id, item.subscription_id, item.unsubscribe, item.db_id) == (ANNA, "t1", False, 17)
    again = client.push(PAGE_TOKEN, [subscription("t1")])
    assert (again.ok, again.error, again.data[0].subscription_id) == (False, 200, None)
    assert client.requests.get(1).request_id == "r-1"


def test_push_returns_errors_as_answers(client: EmulatorClient) -> None:
    answer = client.push("nobody", [subscription("t1")])
    assert (answer.ok, answer.status, answer.error, answer.error_text) == (
        False,
        404,
        404,
        "Resource not found",
    )


def test_push_sends_all_parameters_and_unknown_ones(client: EmulatorClient) -> None:
    entry = subscription("t1", "ios-apns", unsubscribe=True)
    client.push(
        PAGE_TOKEN, [entry], matching="custom", field_name="CustomNumber1", field_value=100, colour="blue"
    )
    sent = client.requests.get(1).document
    assert sent == {
        "resource_token": "3LXP…7f14",
        "subscriptions": [{"provider": "ios-apns", "subscription_id": "t1", "unsubscribe": True}],
        "matching": "custom",
        "field_name": "CustomNumber1",
        "field_value": 100,
        "colour": "blue",
    }


def test_push_raises_what_a_client_sees_of_broken_connections_and_bodies(client: EmulatorClient) -> None:
    client.faults.arm("connection_reset", times=1)
    client.faults.arm("malformed_json", times=1)
    with pytest.raises(httpx.ReadError):
        client.push(PAGE_TOKEN, [subscription("t1")])
    with pytest.raises(EmulatorError, match="not the documented envelope") as raised:
        client.push(PAGE_TOKEN, [subscription("t1")])
    assert raised.value.status == 200


# Errors


def test_refused_call_raises_status_error_and_text(client: EmulatorClient) -> None:
    with pytest.raises(EmulatorError) as raised:
        client.faults.arm(status=200)
    error = raised.value
    assert (error.status, error.error) == (400, 400)
    assert error.error_text == "then.status: must be 400 to 599"
    assert str(error) == "400: then.status: must be 400 to 599"


def test_server_that_is_not_there_raises_with_status_0() -> None:
    with EmulatorClient("http://127.0.0.1:9") as client, pytest.raises(EmulatorError) as raised:
        client.health()
    assert raised.value.status == 0
    assert str(raised.value).startswith("GET http://127.0.0.1:9/__admin/health: ")


def test_admin_token_is_sent(start_server: Callable[..., Server]) -> None:
    server = start_server("--admin-token", "secret")
    with EmulatorClient(server.url) as stranger, pytest.raises(EmulatorError) as raised:
        stranger.rules()
    assert raised.value.status == 401
    with EmulatorClient(server.url, admin_token="secret") as client:
        assert client.rules()
        assert client.in_workspace("other").rules()


# Workspaces


def test_workspace_is_part_of_the_address(local: LocalServer) -> None:
    with EmulatorClient(local.url + "/", "one") as one, one.in_workspace("two") as two:
        assert one.url == f"{local.url}/w/one"
        one.push(PAGE_TOKEN, [subscription("t1")])
        assert (one.health().workspace, two.health().workspace) == ("one", "two")
        assert (one.requests.find().total, two.requests.find().total) == (1, 0)
        two.workspaces.make("three")
        listed = {state.name: state for state in two.workspaces.all()}
        assert {"default", "one", "three"} <= set(listed)
        assert "two" not in listed  # nobody has changed anything there
        assert (listed["one"].requests, listed["three"].open) == (1, True)
        one.workspaces.make("four")
        one.workspaces.delete("three")
        assert one.workspaces.delete_all(["four", "three", "one"]) == ["four", "one"]
        assert {"one", "four"}.isdisjoint(state.name for state in one.workspaces.all())
        with pytest.raises(EmulatorError, match="workspace three not found"):
            one.workspaces.delete("three")


def test_health_reset_rules_and_metrics(client: EmulatorClient) -> None:
    fresh = client.health()
    client.push(PAGE_TOKEN, [subscription("t1")])
    assert client.health().subscriptions == fresh.subscriptions + 1
    assert {rule.id: rule.decided for rule in client.rules()}["S1"] == 1
    assert (
        f'emulator_requests_total{{outcome="added",workspace="{client.workspace}"}} 1.0' in client.metrics()
    )
    client.reset(keep=["requests"])
    assert (client.health().subscriptions, client.requests.find().total) == (fresh.subscriptions, 1)
    client.reset()
    assert client.requests.find().total == 0
    with pytest.raises(EmulatorError, match="keep"):
        client.reset(keep=["nothing"])


def test_snapshot_out_and_into_another_workspace(client: EmulatorClient) -> None:
    client.push(PAGE_TOKEN, [subscription("t1")])
    with client.in_workspace(f"{client.workspace}2") as other:
        other.restore(client.snapshot())
        assert other.subscriptions.find(subscription_id="t1").total == 1
        with pytest.raises(EmulatorError):
            other.restore({"format": "none"})
        other.workspaces.delete(str(other.workspace))


# Journal


def test_journal_finds_counts_verifies_and_forgets(client: EmulatorClient) -> None:
    for token in ("t1", "t2", "t1"):
        client.push(PAGE_TOKEN, [subscription(token)])
    page = client.requests.find(limit=2)
    assert (page.total, [one.id for one in page.items]) == (3, [3, 2])
    assert [one.id for one in client.requests.find(cursor=page.next).items] == [1]
    assert [one.id for one in client.requests.all(subscription_id="t1")] == [3, 1]
    assert [one.id for one in client.requests.all({"outcome": "unchanged"}, status=200)] == [3]
    assert client.requests.count({"subscription_id": "t1"}) == 2
    assert client.requests.count({"subscription_id": "t3"}, at_least=1, within=0.05) == 0
    assert client.requests.verify({"subscription_id": "t1"}, exactly=2) == 2
    (group,) = client.requests.attempts()
    assert (group.by, group.count, group.outcomes) == ("body", 2, ["added", "unchanged"])
    assert client.requests.clear() == 3
    assert list(client.requests.all()) == []


def test_value_that_no_request_can_have_raises_with_the_nearest_one(client: EmulatorClient) -> None:
    nearest = 'outcome: "refusd" can never match, did you mean "refused"\\?'
    with pytest.raises(EmulatorError, match=f"400: match.{nearest}"):
        client.requests.verify({"outcome": "refusd"}, exactly=0)
    with pytest.raises(EmulatorError, match=f"400: match.{nearest}"):
        client.requests.count({"outcome": "refusd"})
    with pytest.raises(EmulatorError, match=f"400: {nearest}"):
        client.requests.find(outcome="refusd")
    with pytest.raises(EmulatorError, match=f"400: {nearest}"):
        list(client.requests.all(outcome="refusd"))
    with pytest.raises(EmulatorError, match=f"400: match.{nearest}"):
        PushEmulator(client).verify(outcome="refusd").never()


def test_list_refuses_a_criterion_of_none_and_count_knows_it(client: EmulatorClient) -> None:
    client.push("nobody", [subscription("t1")])
    assert client.requests.count({"resource": None}) == 1
    for ask in (client.requests.find, client.requests.all):
        with pytest.raises(ValueError, match="resource: None cannot be asked of a list"):
            list(ask(resource=None))  # type: ignore[call-overload]


def test_recorded_request_is_told_in_one_line(client: EmulatorClient) -> None:
    client.faults.arm(status=503, times=1)
    client.push(PAGE_TOKEN, [subscription("t1", unsubscribe=True)])
    (recorded,) = client.requests.find().items
    assert str(recorded) == (
        f"1: POST /w/{client.workspace}/push_subscribe -> 503, error 503, fault by fault f1: "
        "android-firebase t1 unsubscribe"
    )


def test_failed_verification_is_an_assertion_error_with_the_misses(client: EmulatorClient) -> None:
    client.push(PAGE_TOKEN, [subscription("t1")])
    with pytest.raises(AssertionError) as raised:
        client.requests.verify({"subscription_id": "t2"})
    failure = raised.value
    assert isinstance(failure, VerificationFailed)
    assert (failure.status, failure.document["count"]) == (422, 0)
    assert failure.document["nearest"][0]["differences"][0]["actual"] == "t1"


# Faults


@pytest.mark.parametrize(
    ("options", "shown"),
    [
        ({"then": "slow_body"}, {"then": "slow_body", "apply": "after"}),
        ({"then": "empty_response", "after": True}, {"then": "empty_response", "apply": "after"}),
        ({"then": "truncated_body", "after": False}, {"then": "truncated_body", "apply": "before"}),
        ({"status": 503, "times": 2}, {"times": 2}),
        (
            {"status": 503, "error": 7, "error_text": "x"},
            {"then": {"status": 503, "error": 7, "error_text": "x"}},
        ),
        ({"item_error": "duplicate"}, {"then": {"item_error": "duplicate"}}),
        ({"rate_limit": 2}, {"then": {"rate_limit": {"per_second": 2.0}}}),
        ({"delay_ms": 5, "probability": 0.5}, {"delay_ms": 5, "probability": 0.5, "then": None}),
        ({"delay_ms": (1, 2)}, {"delay_ms": {"uniform": [1, 2]}}),
        (
            {"status": 500, "provider": "ios-apns", "subscription_id": "t", "field_value": 0},
            {"match": {"provider": "ios-apns", "subscription_id": "t", "field_value": 0}},
        ),
    ],
)
def test_fault_is_armed_as_said(
    client: EmulatorClient, options: dict[str, Any], shown: dict[str, Any]
) -> None:
    armed = client.faults.arm(**options)
    assert {name: getattr(armed, name) for name in shown} == shown
    assert client.faults.get(armed.id) == armed
    assert client.faults.all() == [armed]
    client.faults.disarm(armed.id)
    assert client.faults.clear() == 0


def test_fault_that_would_do_two_things_is_a_mistake_in_the_test(client: EmulatorClient) -> None:
    with pytest.raises(ValueError, match=r"a fault does one thing, not 'slow_body' and \{'status': 503\}"):
        client.faults.arm("slow_body", status=503)


# Clock and settings


def test_clock_freezes_advances_and_runs(client: EmulatorClient) -> None:
    assert client.clock.freeze("2026-01-01T00:00Z").now == "2026-01-01T00:00:00.000Z"
    moment = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
    assert client.clock.freeze(moment).now == "2026-01-01T12:00:00.000Z"
    assert client.clock.advance("1h").now == "2026-01-01T13:00:00.000Z"
    assert client.clock.advance(timedelta(days=-1, milliseconds=5)).now == "2025-12-31T13:00:00.005Z"
    assert client.clock.get().frozen
    assert not client.clock.run().frozen


def test_settings_are_changed_in_part(client: EmulatorClient) -> None:
    changed = client.settings.change(policies={"duplicate_token": "move"}, lints={"L3": "off"})
    assert (changed.policies["duplicate_token"], changed.lints["L3"], changed.strict) == (
        "move",
        "off",
        False,
    )
    assert client.settings.change(strict=True).strict
    texts = {"B4": {"status": 200, "error_text": "No such resource"}}
    platform = {"host": "api.example.com", "date": "2026-11-27"}
    policies = {"error_data": "absent"}
    changed = client.settings.change(answers=texts, policies=policies, platform=platform)
    assert (changed.answers["B4"].error_text, changed.platform and changed.platform.host) == (
        "No such resource",
        "api.example.com",
    )
    refused = client.push("nobody", [subscription("t")])
    assert (refused.status, refused.error, refused.data) == (200, 404, [])
    assert client.settings.change(answers={"B4": None}, platform=None).platform is None
    assert client.settings.get().policies["duplicate_token"] == "move"


# Records


def test_databases_and_resources(client: EmulatorClient) -> None:
    assert {one.id for one in client.databases.all()} == {17, 34, 2, 1, 60}
    made = client.databases.create(99, "New", {"tier": {"type": "enum", "options": ["a", "b"]}})
    assert client.databases.get(99) == made
    assert client.databases.change(99, name="Newer").name == "Newer"
    resource = client.resources.create(98, "App", "a-token-of-its-own", [99], ["ios-apns"])
    assert (resource.db_ids, resource.providers) == ([99], ["ios-apns"])
    assert client.resources.find(db_id=99).items == [resource]
    assert client.resources.change(98, providers=["ios-apns", "android-firebase"]).providers is not None
    client.resources.delete(98)
    client.databases.delete(99, cascade=True)
    with pytest.raises(EmulatorError) as raised:
        client.databases.get(99)
    assert raised.value.status == 404


def test_profiles_and_subscriptions(client: EmulatorClient) -> None:
    token = {"resource_id": 5, "provider": "android-firebase", "subscription_id": "t1"}
    made = client.profiles.create(
        17, fields={"CustomNumber1": 5, "email": "e@example.com"}, subscriptions=[token]
    )
    assert (made.fields["CustomNumber1"], made.subscriptions[0].active) == (5, True)
    assert client.profiles.get(17, made.id) == made
    assert client.profiles.find(db_id=17, fields={"CustomNumber1": 5}).items == [made]
    assert client.profiles.change(17, made.id, {"CustomNumber1": 6, "email": None}).fields == {
        "CustomNumber1": 6
    }
    hash_id = made.subscriptions[0].hash_id
    assert client.subscriptions.change(hash_id, "unsubscribed").status == "unsubscribed"
    assert client.subscriptions.get(hash_id).profile_id == made.id
    client.subscriptions.delete(hash_id)
    added = client.subscriptions.create(17, made.id, 5, "android-firebase", "t2", "unsubscribed")
    assert [one.hash_id for one in client.subscriptions.all(profile_id=made.id)] == [added.hash_id]
    client.profiles.delete(17, made.id)
    assert client.subscriptions.find(profile_id=made.id).total == 0


@pytest.mark.parametrize("profile_id", ["a/b", "a b?c#d", "50%", "имя"])
def test_profile_ids_of_any_printable_form(client: EmulatorClient, profile_id: str) -> None:
    made = client.profiles.create(17, id=profile_id)
    assert client.profiles.get(17, profile_id) == made
    client.profiles.delete(17, profile_id)


def test_lists_longer_than_a_page_come_whole(client: EmulatorClient) -> None:
    for number in range(7):
        client.profiles.create(2, id=f"p{number}")
    assert len(list(client.profiles.all(db_id=2, limit=3))) == client.profiles.find(db_id=2).total


# Imports and the contract


def test_file_of_tokens_is_imported_and_reported(client: EmulatorClient, tmp_path: Path) -> None:
    file = tmp_path / "tokens.csv"
    file.write_text(f"who,token\n{ANNA},t1\n,t2\n")
    plan: dict[str, Any] = {"provider": "android-firebase", "match": "id:who", "token_column": "token"}
    tried = client.imports.wait(client.imports.start(file.read_bytes(), resource=5, dry_run=True, **plan).id)
    assert (tried.dry_run, client.subscriptions.find(subscription_id="t1").total) == (True, 0)
    done = client.imports.wait(client.imports.start(file, resource=PAGE_TOKEN, **plan).id)
    assert (done.state, done.file, done.counts["added"], done.counts["refused"]) == (
        "finished",
        file.name,
        1,
        1,
    )
    assert client.subscriptions.find(subscription_id="t1").items[0].profile_id == ANNA
    for name, delimiter in (("comma", ","), ("semicolon", ";"), ("tab", "\t")):
        assert delimiter.join(("refused", "", "3", "", "")) in client.imports.report(done.id, name)
    assert {one.id for one in client.imports.all()} == {tried.id, done.id}
    with pytest.raises(EmulatorError, match="finished already"):
        client.imports.cancel(done.id)
    with pytest.raises(EmulatorError, match=r"plan\.resource"):
        client.imports.start(file, resource=99, **plan)


def test_contract_is_served(client: EmulatorClient) -> None:
    assert "/push_subscribe" in client.openapi()["paths"]


# The local server


def test_local_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "databases.json").write_text("[]")
    with pytest.raises(StartError, match=r"resources\.json"):
        LocalServer(tmp_path).start()


def test_local_server_takes_nothing_from_variables_of_another_server(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in FOR_ANOTHER_SERVER.items():
        monkeypatch.setenv(name, text)
    with LocalServer() as server, EmulatorClient(server.url) as client:
        assert not client.settings.get().strict
        assert client.push(PAGE_TOKEN, [subscription("t1")]).ok


def test_local_server_is_gone_after_its_block_and_leaves_nothing() -> None:
    with LocalServer() as server:
        url, folder = server.url, server.folder
        assert httpx.get(f"{url}/__admin/health").status_code == 200
        assert folder.is_dir()
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{url}/__admin/health")
    assert not folder.exists()
    server.stop()  # once more is no harm


def test_everything_public_is_told_what_it_is() -> None:
    for cls in (EmulatorClient, PushEmulator, LocalServer):
        for name, member in inspect.getmembers(cls):
            if not name.startswith("_"):
                assert inspect.getdoc(member), f"{cls.__name__}.{name}"
