"""A workspace as a whole: snapshot out and in, reset."""

from __future__ import annotations

import asyncio
import copy
import json
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import create_environ

from emulator.messages import Answer
from emulator.web.current import served_below
from emulator.web.wsgi_answer import call_application
from emulator.workspaces.clock import ClockSetting
from emulator.workspaces.document_pieces import snapshot_pieces
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, Server, subscription
from tests.web.admin.conftest import Admin

ANNA = "59db33d269d426509e9c4bf9"
BORIS = "5fb62e815ae47a4aa04dfadd"
OLDER = "637f1a284fda7c5c08be62f0"

Change = Callable[[Any], object]


def busy(admin: Admin) -> None:
    """Give the default workspace something of everything."""
    admin.send("PUT", "/clock", {"now": "2026-01-01T00:00:00Z"})
    admin.send("PATCH", "/settings", {"policies": {"duplicate_token": "move"}, "lints": {"L3": "off"}})
    admin.send("POST", "/faults", {"match": {"provider": "ios-apns"}, "then": {"status": 503}, "times": 2})
    elsewhere = {"provider": "ios-huawei", "field_value": 5}
    limit = {"match": elsewhere, "then": {"rate_limit": {"per_second": 0.5}}}
    slow = {"match": elsewhere, "delay_ms": {"uniform": [0, 1]}, "then": "slow_body", "probability": 0.5}
    admin.send("POST", "/faults", limit)
    admin.send("POST", "/faults", slow)
    admin.app.push("new-one")
    admin.app.push("new-one", id="somebody", matching="profile_id")
    admin.send("DELETE", f"/profiles/17/{ANNA}")


def test_a_snapshot_has_the_whole_workspace(admin: Admin) -> None:
    busy(admin)
    snapshot = admin.get("/snapshot")
    assert snapshot["format"] == 1
    assert snapshot["databases"] == admin.get("/databases")["items"]
    assert snapshot["resources"][0]["token"] == PAGE_TOKEN  # whole: else it could not be put back
    assert snapshot["profiles"] == admin.get("/profiles")["items"]
    assert snapshot["settings"] == admin.get("/settings")
    assert snapshot["clock"] == admin.get("/clock")
    assert snapshot["faults"] == admin.get("/faults")["items"]
    assert sum(len(one["subscriptions"]) for one in snapshot["profiles"]) == admin.app.counts[1]


def test_what_changes_while_a_snapshot_is_written_is_not_in_it() -> None:
    with InProcess() as app:
        found = app.emulator.workspaces.default
        found.set_clock(ClockSetting(frozen_ms=0))  # a snapshot tells the time
        app.push("before")
        whole = b"".join(snapshot_pieces(found))
        pieces = snapshot_pieces(found)
        begun = next(pieces)
        app.push("afterwards")
        app.post({"resource_token": PAGE_TOKEN, "subscriptions": [subscription("before", unsubscribe=True)]})
        assert begun + b"".join(pieces) == whole
        assert b"".join(snapshot_pieces(found)) != whole


def test_a_snapshot_put_back_is_the_same_workspace_again(admin: Admin) -> None:
    busy(admin)
    before = admin.call("GET", "/snapshot").data
    admin.send("POST", "/reset", {})
    assert admin.call("GET", "/snapshot").data != before
    size = admin.send("PUT", "/snapshot", json.loads(before))
    assert size == {"workspace": "default", "profiles": 11, "subscriptions": 17}
    assert admin.call("GET", "/snapshot").data == before


def test_a_snapshot_goes_into_another_workspace_in_any_order_and_form(admin: Admin) -> None:
    busy(admin)
    before = admin.get("/snapshot")
    text = json.dumps(before, sort_keys=True, indent=4).encode()
    assert admin.app.client.put("/w/other/__admin/snapshot", data=text).get_json()["workspace"] == "other"
    assert admin.app.client.get("/w/other/__admin/snapshot").get_json() == before
    admin.send("DELETE", f"/profiles/17/{BORIS}")
    assert admin.app.client.get("/w/other/__admin/snapshot").get_json() == before


def test_what_comes_after_is_as_it_would_have_been(admin: Admin) -> None:
    """Matching, hash ids, the oldest profile (M9), settings and faults go on."""
    busy(admin)
    snapshot = admin.get("/snapshot")
    first = admin.app.push(
        resource_token=PAGE_TOKEN, matching="custom", field_name="CustomNumber1", field_value=777
    )
    admin.send("PUT", "/snapshot", snapshot)
    assert first == admin.app.push(matching="custom", field_name="CustomNumber1", field_value=777)
    moved = admin.app.push("taken-token", id=BORIS)  # S4: the policy is "move"
    assert (moved["data"][0]["status"], moved["data"][0]["profile_id"]) == ("ok", BORIS)
    assert (
        admin.app.post(
            {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t", "ios-apns")]}
        ).status_code
        == 503
    )
    assert admin.get("/faults/f1")["times"] == 1


def test_ids_made_after_a_snapshot_are_new_and_the_same_in_every_run() -> None:
    def made() -> list[str]:
        with InProcess(seed=7) as app:
            admin = Admin(app)
            ids = [app.push(f"token-{number}")["data"][0]["profile_id"] for number in range(3)]
            for profile_id in ids:
                admin.send("DELETE", f"/profiles/17/{profile_id}")
            admin.send("PUT", "/snapshot", admin.get("/snapshot"))
            return [*ids, app.push("last")["data"][0]["profile_id"]]

    assert made() == made()
    assert len(set(made())) == 4


def test_the_form_of_the_fixtures_is_enough(admin: Admin) -> None:
    entry = {"resource_id": 1, "provider": "ios-apns", "subscription_id": "t"}
    document = {
        "profiles": [{"id": "p", "db_id": 1, "fields": {"n": "5"}, "subscriptions": [entry]}],
        "resources": [{"id": 1, "name": "R", "token": "token", "db_ids": [1]}],
        "databases": [{"id": 1, "name": "D", "fields": {"n": "int"}}],
        "format": 1,
    }
    admin.send("PUT", "/snapshot", document)
    (profile,) = admin.get("/profiles")["items"]
    assert profile["fields"] == {"n": 5}
    assert (profile["subscriptions"][0]["status"], len(profile["subscriptions"][0]["hash_id"])) == (
        "subscribed",
        8,
    )
    assert (
        admin.app.push("t", resource_token="token", subscriptions=[subscription("t", "ios-apns")])["error"]
        == 200
    )
    assert admin.get("/faults")["items"] == []


BAD: list[tuple[Change, str]] = [
    (lambda s: s.pop("format"), "format: is required"),
    (lambda s: s.update(format=2), "format: must be 1: this emulator knows no other"),
    (lambda s: s.pop("resources"), "resources: is required"),
    (lambda s: s.update(profile=[{}]), 'profile: unknown key, did you mean "profiles"?'),
    (lambda s: s.update(databases=5), "databases: must be an array"),
    (lambda s: s.update(profiles={}), "profiles: must be an array"),
    (lambda s: s["profiles"].append(5), "profiles[10]: must be an object"),
    (lambda s: s["databases"].append(s["databases"][0]), "databases[5].id: 17 is a duplicate"),
    (lambda s: s["databases"][0]["fields"].update(n="number"), "databases[0].fields.n: must be one of int, "),
    (lambda s: s["resources"][0].update(db_ids=[99]), "resources[0].db_ids[0]: there is no database 99"),
    (lambda s: s["resources"][1].update(token=PAGE_TOKEN), f"resources[1].token: '{PAGE_TOKEN}'"),
    (lambda s: s["profiles"][0].update(db_id=99), "profiles[0].db_id: there is no database 99"),
    (lambda s: s["profiles"][0].update(id=None), "profiles[0].id: must be a string"),
    (lambda s: s["profiles"][0].update(id=""), "profiles[0].id: must be 1 to 64 printable characters"),
    (
        lambda s: s["profiles"].append(s["profiles"][0]),
        f'profiles[10].id: "{ANNA}" is in database 17 already',
    ),
    (lambda s: s["profiles"][0]["fields"].update(vip=7), "profiles[0].fields.vip: must be true or false"),
    (lambda s: s["profiles"][0].update(created="now"), "profiles[0].created: must be a time from"),
    (lambda s: s["profiles"][0].update(size=7), "profiles[0].size: unknown key"),
    (
        lambda s: s["profiles"][1]["subscriptions"][0].update(resource_id=99),
        "profiles[1].subscriptions[0].resource_id: there is no resource 99",
    ),
    (
        lambda s: s["profiles"][1]["subscriptions"][0].update(resource_id=22),
        "profiles[1].subscriptions[0].resource_id: resource 22 does not have database 17",
    ),
    (
        lambda s: s["profiles"][1]["subscriptions"].append(s["profiles"][1]["subscriptions"][0]),
        "profiles[1].subscriptions[3]: is a duplicate on this profile",
    ),
    (
        lambda s: s["profiles"][1]["subscriptions"][0].update(hash_id="00000000"),
        "profiles[1].subscriptions[0].hash_id: must be 39d15847 (A5), or left out",
    ),
    (
        lambda s: s["profiles"][2]["subscriptions"][1].update(hash_id="d0b6c18d1"),
        "profiles[2].subscriptions[1].hash_id: is d0b6c18d on another profile",
    ),
    (
        lambda s: s["profiles"][1]["subscriptions"][1].update(hash_id="39d15847"),
        "profiles[1].subscriptions[1].hash_id: is another subscription's",
    ),
    (lambda s: s["settings"].update(strikt=True), 'settings.strikt: unknown key, did you mean "strict"?'),
    (lambda s: s["clock"].update(now="noon"), "clock.now: must be a time from 1970 to 9998"),
    (lambda s: s["clock"].update(offset_ms=10**18), "clock.offset_ms: leads out of the years 1970 to 9998"),
    (lambda s: s["faults"].append({"then": {"status": 503}}), "faults[0].id: is required"),
    (lambda s: s["faults"].extend([{"id": "f1"}, {"id": "f1"}]), 'faults[1].id: "f1" is a duplicate'),
    (lambda s: s.update(profiles_made=-1), "profiles_made: must be 0 to 281474976710656"),
]


@pytest.mark.parametrize(("change", "text"), BAD, ids=[text for _, text in BAD])
def test_a_snapshot_with_anything_wrong_changes_nothing(admin: Admin, change: Change, text: str) -> None:
    before = {**admin.get("/snapshot"), "clock": None}
    bad = copy.deepcopy(admin.get("/snapshot"))
    change(bad)
    assert admin.refused("PUT", "/snapshot", bad).startswith(text)
    assert admin.refused("PUT", "/snapshot", json.dumps(bad, sort_keys=True).encode()).startswith(text)
    assert {**admin.get("/snapshot"), "clock": None} == before


def test_all_problems_of_the_profiles_are_told_up_to_some(admin: Admin) -> None:
    bad = admin.get("/snapshot")
    bad["profiles"][0]["fields"]["vip"] = 7
    bad["profiles"][3]["db_id"] = 99
    assert admin.refused("PUT", "/snapshot", bad) == (
        "profiles[0].fields.vip: must be true or false; profiles[3].db_id: there is no database 99"
    )
    bad["profiles"] = [{"id": str(number), "db_id": 99} for number in range(100)]
    told = admin.refused("PUT", "/snapshot", bad).split("; ")
    assert told[:2] == [f"profiles[{number}].db_id: there is no database 99" for number in range(2)]
    assert (len(told), told[-2:]) == (22, ["… and perhaps more", "the rest was not looked at"])


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "body: is not JSON: premature EOF"),
        (b"[]", "body: must be a JSON object"),
        (b"\xef\xbb\xbf{}", "body: is not JSON: invalid char in json text"),
        (b"{", "body: is not JSON"),
        (b'{"format": 1', "body: is not JSON: premature EOF"),
        (b'{"format": 1,}', "body: is not JSON"),
        (b'{"format": 1, "format": 1}', "format: duplicate name"),
        (b'{"databases": [{"id": 1, "id": 2}]}', 'databases: duplicate key "id"'),
        (
            b'{"format": 1, "settings": {"lints": {"L3": "off", "L3": "warn"}}}',
            'settings: duplicate key "L3"',
        ),
        (b'{"format" 1}', "format: is not JSON: object key and value must be separated by a colon"),
        (b'{"format": 1} x', "body: is not JSON: trailing garbage"),
        (b'{"format": NaN}', "format: is not JSON: invalid char in json text"),
        (b'{"databases": [1, 2', "databases: is not JSON: premature EOF"),
        (b'{"databases": [1 2]}', "databases: is not JSON: after array element, I expect ',' or ']'"),
        (b'{"databases": [{"id": tru}]}', "databases: is not JSON: invalid string in json text"),
        (b'{"databases": ["\xff"]}', "body: is not UTF-8"),
        (b'{"databases": [{"name": "a\\u0000"}]}', "body: must not contain NUL"),
        (b'{"databases": [{"name": "\\ud800"}]}', "body: must not contain a lone surrogate"),
        (b'{"databases": ' + b"9" * 9000 + b"}", "body: must not contain a number of thousands of digits"),
        (b'{"databases": 1e9999999999999999999}', "databases: has a number whose exponent is too large"),
        (b'{"databases": ' + b"[" * 100_000, "body: is nested deeper than 64 levels"),
    ],
)
def test_what_is_no_json_object_is_refused_with_its_place(admin: Admin, body: bytes, text: str) -> None:
    assert admin.refused("PUT", "/snapshot", body).startswith(text)


@pytest.mark.parametrize(
    ("written", "twice", "key"),
    [
        ('"db_id": 17', '"db_id": 17, "db_id": 17', "db_id"),
        ('"vip": true', '"vip": true, "vip": false', "vip"),
        ('"status": "subscribed"', '"status": "suspended", "status": "subscribed"', "status"),
    ],
)
def test_a_key_that_a_profile_of_a_snapshot_has_twice_changes_nothing(
    admin: Admin, written: str, twice: str, key: str
) -> None:
    before = {**admin.get("/snapshot"), "clock": None}
    document = json.dumps(admin.get("/snapshot"))
    head, _, profiles = document.partition('"profiles": [')
    assert written in profiles
    bad = f'{head}"profiles": [{profiles.replace(written, twice, 1)}'
    refused = admin.refused("PUT", "/snapshot", bad.encode())
    assert refused.startswith("profiles[")
    assert refused.endswith(f']: duplicate key "{key}"')
    assert {**admin.get("/snapshot"), "clock": None} == before


# Reset


def test_reset_goes_back_to_the_fixtures(admin: Admin) -> None:
    before = {**admin.get("/snapshot"), "clock": None}
    busy(admin)
    size = {"workspace": "default", "profiles": 10, "subscriptions": 15}
    assert admin.send("POST", "/reset") == size
    after = {**admin.get("/snapshot"), "clock": None}
    assert [one["id"] for one in after["profiles"]] == [one["id"] for one in before["profiles"]]
    for name in ("databases", "resources", "settings", "faults"):
        assert after[name] == before[name]
    assert admin.get("/clock")["frozen"] is False
    assert admin.get("/requests")["total"] == 0


@pytest.mark.parametrize("kept", ["settings", "clock", "faults", "requests"])
def test_reset_keeps_what_it_is_told_to(admin: Admin, kept: str) -> None:
    def parts() -> dict[str, Any]:
        return {
            "settings": admin.get("/settings"),
            "clock": admin.get("/clock")["frozen"],
            "faults": admin.get("/faults")["items"],
            "requests": admin.get("/requests")["total"],
        }

    busy(admin)
    before = parts()
    admin.send("POST", "/reset", {"keep": [kept]})
    after = parts()
    assert [name for name in before if after[name] == before[name]] == [kept]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"keep": ["clocks"]}, "keep[0]: must be one of settings, clock, faults, requests, events"),
        ({"keep": "clock"}, "keep: must be an array"),
        ({"kep": []}, 'kep: unknown key, did you mean "keep"?'),
    ],
)
def test_a_bad_reset_is_refused(admin: Admin, document: Any, text: str) -> None:
    assert admin.refused("POST", "/reset", document) == text


def test_a_snapshot_that_was_read_waits_for_another_change_of_the_workspace() -> None:
    with InProcess() as app:
        store, body = app.store, app.client.get("/__admin/snapshot").data
        environ = create_environ("/__admin/snapshot", method="PUT", data=body)
        application = served_below(partial(Flask.wsgi_app, app.app))

        async def put() -> Answer:
            asked = call_application(application, environ)
            assert asked.delivery is not None
            assert asked.delivery.first is not None
            turn = await asked.delivery.first()
            async with store.alone():
                waiting = asyncio.ensure_future(turn().settled())
                await asyncio.wait([waiting], timeout=0)
                assert not waiting.done()
            return await waiting

        answer = asyncio.run(put())
    assert (answer.status, json.loads(answer.body)["profiles"]) == (200, 10)


# Over TCP


def test_a_large_snapshot_goes_out_and_in_over_tcp(start_server: Callable[..., Server]) -> None:
    server = start_server("-q")
    snapshot = server.get("/__admin/snapshot").json
    snapshot["profiles"] += [
        {
            "id": f"p{number}",
            "db_id": 17,
            "subscriptions": [
                {"resource_id": 5, "provider": "ios-apns", "subscription_id": f"{number:01000}"}
            ],
        }
        for number in range(2_000)
    ]
    body = json.dumps(snapshot).encode()
    assert len(body) > 2 << 20
    size = {"workspace": "default", "profiles": 2_010, "subscriptions": 2_015}
    assert server.request("PUT", "/__admin/snapshot", body).json == size
    out = server.get("/__admin/snapshot").body
    assert server.request("PUT", "/w/other/__admin/snapshot", out).json == {**size, "workspace": "other"}
    server.stop()
    server.start()
    again = server.get("/w/other/__admin/snapshot").json
    assert {**again, "clock": None} == {**json.loads(out), "clock": None}


def test_a_body_of_more_than_1_MiB_is_413_elsewhere(fresh: Server) -> None:
    body = b'{"keep": ["%s"]}' % (b"x" * (1 << 20))
    for path in ("/__admin/reset", "/w/other/__admin/profiles"):
        answer = fresh.request("POST", path, body)
        assert (answer.status, answer.json["error_text"]) == (413, "body: must be at most 1048576 bytes")


def test_a_snapshot_that_breaks_off_changes_nothing(fresh: Server) -> None:
    before = fresh.get("/__admin/snapshot").json["profiles"]
    with socket.create_connection(("127.0.0.1", fresh.port), timeout=10) as connection:
        head = b"PUT /__admin/snapshot HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000000\r\n\r\n"
        connection.sendall(head + b'{"format": 1, "databases": [], "resources": []}')
    assert fresh.get("/__admin/snapshot").json["profiles"] == before


def test_reset_survives_kill_9(server: Server) -> None:
    server.push(subscriptions=[subscription("new-one")])
    server.post("/__admin/reset", {})
    server.kill()
    server.start()
    assert server.get("/__admin/health").json["profiles"] == 10
    assert server.get("/__admin/subscriptions?subscription_id=new-one").json["total"] == 0
