"""``/__admin/faults``: arming, listing, disarming, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from emulator.faults.model import SPOILS
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN, Server, subscription
from tests.web.admin.conftest import NOT_OBJECTS, Admin


def test_armed_fault_is_shown_in_the_form_in_which_it_is_armed(admin: Admin) -> None:
    fault = {
        "match": {
            "provider": "ios-apns",
            "subscription_id": "t",
            "resource_token": PAGE_TOKEN,
            "field_value": 7,
        },
        "times": 3,
        "probability": 0.5,
        "delay_ms": {"uniform": [10, 20]},
        "then": {"status": 503, "error": 7, "error_text": "out of order"},
        "apply": "after",
    }
    answer = admin.call("POST", "/faults", fault)
    assert answer.status_code == 201
    assert answer.get_json() == {"id": "f1", "fired": 0, **fault}
    assert admin.get("/faults/f1") == answer.get_json()
    assert admin.get("/faults") == {"items": [answer.get_json()], "next": None, "total": 1}


@pytest.mark.parametrize(
    ("then", "apply"),
    [
        *(
            (spoil, "before" if spoil in ("connection_reset", "empty_response") else "after")
            for spoil in SPOILS
        ),
        ({"rate_limit": {"per_second": 0.5}}, "before"),
        ({"item_error": "duplicate"}, "before"),
    ],
)
def test_every_effect_can_be_armed_with_what_it_usually_changes(admin: Admin, then: Any, apply: str) -> None:
    shown = admin.send("POST", "/faults", {"then": then})
    assert (shown["then"], shown["apply"], shown["times"], shown["probability"]) == (then, apply, None, 1)


def test_error_answer_without_words_gets_them(admin: Admin) -> None:
    shown = admin.send("POST", "/faults", {"then": {"status": 503}})
    assert shown["then"] == {"status": 503, "error": 503, "error_text": "Fault: Service Unavailable"}


def test_faults_fire_are_counted_and_disarmed(app: InProcess, admin: Admin) -> None:
    for code in (502, 503, 504):
        admin.send("POST", "/faults", {"then": {"status": code}, "times": 1})
    assert [app.push("t")["error"] for _ in range(2)] == [502, 503]
    assert [(one["fired"], one["times"]) for one in admin.get("/faults")["items"]] == [(1, 0), (1, 0), (0, 1)]
    assert admin.send("DELETE", "/faults/f3") == {"disarmed": 1}
    assert app.push("t")["error"] == 0
    assert admin.refused("DELETE", "/faults/f3", code=404) == "fault f3 not found"
    assert admin.refused("GET", "/faults/f3", code=404) == "fault f3 not found"
    assert admin.send("DELETE", "/faults") == {"disarmed": 2}
    assert admin.get("/faults")["items"] == []


@pytest.mark.parametrize("word", ["duplicate", "provider", "unknown_field", "invalid_value"])
def test_item_error_changes_nothing_and_answers_as_the_rules_do(
    app: InProcess, admin: Admin, word: str
) -> None:
    before = app.counts
    admin.send("POST", "/faults", {"then": {"item_error": word}})
    answer = app.push("t")
    assert (answer["error"], {item["status"] for item in answer["data"]}) == (200, {"error"})
    assert app.counts == before


@pytest.mark.parametrize("effect", ["connection_reset", "empty_response", "truncated_body", "slow_body"])
def test_effect_on_the_wire_says_that_it_needs_the_emulators_own_server(
    app: InProcess, admin: Admin, effect: str
) -> None:
    """Under any other WSGI server, as here."""
    admin.send("POST", "/faults", {"then": effect})
    answer = app.push("t")
    assert answer["error"] == 500
    assert "needs the emulator's own server" in answer["error_text"]


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({}, "then: give it, or delay_ms, or both: this fault would do nothing"),
        ({"times": 1}, "then: give it, or delay_ms, or both: this fault would do nothing"),
        ({"then": None, "delay_ms": 0}, "then: give it, or delay_ms, or both: this fault would do nothing"),
        ({"then": "conection_reset"}, 'then: must be {"status": …}'),
        ({"then": 503}, 'then: must be {"status": …}'),
        ({"then": {}}, "then.status: is required"),
        ({"then": {"status": 399}}, "then.status: must be 400 to 599"),
        ({"then": {"status": "503"}}, "then.status: must be an integer"),
        ({"then": {"status": 503, "error": 10**30}}, "then.error: must be an integer of 64 bits"),
        ({"then": {"status": 503, "eror": 5}}, 'then.eror: unknown key, did you mean "error"?'),
        ({"then": {"rate_limit": 5}}, "then.rate_limit: must be an object"),
        ({"then": {"rate_limit": {"per_second": 0}}}, "then.rate_limit.per_second: must be more than 0"),
        ({"then": {"rate_limit": {"per_second": "5"}}}, "then.rate_limit.per_second: must be a number"),
        ({"then": {"rate_limit": {}}}, "then.rate_limit.per_second: is required"),
        (
            {"then": {"rate_limit": {"per_second": 1, "per_secnd": 1}}},
            'then.rate_limit.per_secnd: unknown key, did you mean "per_second"?',
        ),
        ({"then": {"item_error": "duplicated"}}, "then.item_error: must be one of duplicate, provider"),
        ({"then": {"item_error": "duplicate"}, "apply": "after"}, "apply: an item_error changes nothing"),
        ({"delay_ms": None}, 'delay_ms: must be milliseconds or {"uniform": [from, to]}'),
        ({"delay_ms": -1}, "delay_ms: must be 0 to 600000"),
        ({"delay_ms": 600001}, "delay_ms: must be 0 to 600000"),
        ({"delay_ms": 1.5}, 'delay_ms: must be milliseconds or {"uniform": [from, to]}'),
        ({"delay_ms": True}, 'delay_ms: must be milliseconds or {"uniform": [from, to]}'),
        ({"delay_ms": {"uniform": [2, 1]}}, "delay_ms: must be [from, to] with from ≤ to"),
        ({"delay_ms": {"uniform": [1]}}, "delay_ms.uniform: must be [from, to]"),
        ({"delay_ms": {"uniform": 5}}, "delay_ms.uniform: must be [from, to]"),
        (
            {"delay_ms": {"unifrm": [1, 2]}},
            "delay_ms.uniform: is required; delay_ms.unifrm: unknown key, did",
        ),
        ({"delay_ms": 1, "times": 0}, "times: must be 1 to 9223372036854775807, or null"),
        ({"delay_ms": 1, "times": True}, "times: must be an integer"),
        ({"delay_ms": 1, "probability": 0}, "probability: must be more than 0, at most 1"),
        ({"delay_ms": 1, "probability": 1.1}, "probability: must be more than 0, at most 1"),
        ({"delay_ms": 1, "probability": "0.5"}, "probability: must be a number from 0 to 1"),
        ({"delay_ms": 1, "apply": "later"}, 'apply: must be "before" or "after"'),
        ({"delay_ms": 1, "match": None}, "match: must be an object"),
        ({"delay_ms": 1, "match": {"providr": "x"}}, 'match.providr: unknown key, did you mean "provider"?'),
        ({"delay_ms": 1, "match": {"provider": 5}}, "match.provider: must be a string"),
        (
            {"delay_ms": 1, "match": {"field_value": {}}},
            "match.field_value: must be a string, a number, true",
        ),
        (
            {"delay_ms": 1, "match": {"field_value": None}},
            "match.field_value: must be a string, a number, true",
        ),
        (
            {"delay_ms": 1, "match": {"field_value": 10**30}},
            "match.field_value: must be an integer of 64 bits",
        ),
        ({"delay_ms": 1, "tims": 1}, 'tims: unknown key, did you mean "times"?'),
        *NOT_OBJECTS,
    ],
)
def test_bad_fault_is_refused(admin: Admin, document: Any, text: str) -> None:
    assert admin.refused("POST", "/faults", document).startswith(text)
    assert admin.get("/faults")["items"] == []


@pytest.mark.parametrize(
    ("match", "text"),
    [
        (
            {"resource_token": "nobody"},
            "match.resource_token: no resource has this token, so it can never match",
        ),
        ({"provider": "pigeon"}, 'match.provider: nobody knows "pigeon", so it can never match'),
        ({"subscription_id": ""}, "match.subscription_id: is never empty, so it can never match"),
        (
            {"event": "purchase", "call": "subscribe"},
            "match.event: only mobile_event has one, so it can never match",
        ),
        (
            {"field_value": 5, "call": "status"},
            "match.field_value: only push_subscribe has one, so it can never match",
        ),
        (
            {"field_value": 5, "event": "purchase"},
            "match.field_value: only push_subscribe has one, so it can never match",
        ),
    ],
)
def test_fault_that_could_never_match_is_refused(admin: Admin, match: dict[str, Any], text: str) -> None:
    assert admin.refused("POST", "/faults", {"delay_ms": 1, "match": match}) == text


def test_fault_for_a_provider_that_only_a_resource_lists_can_match(admin: Admin) -> None:
    admin.send("POST", "/faults", {"delay_ms": 1, "match": {"provider": "android-rustore"}})


def test_faults_survive_a_restart_with_their_ids_and_what_is_left_of_them(
    start_server: Callable[..., Server],
) -> None:
    first = start_server()
    first.post("/__admin/faults", {"then": {"status": 503, "error_text": "out of order"}, "times": 3})
    first.push(subscriptions=[subscription("t")])
    assert first.stop() == 0
    second = start_server()
    (kept,) = second.get("/__admin/faults").json["items"]
    assert (kept["id"], kept["times"], kept["fired"]) == ("f1", 2, 1)
    assert second.post("/__admin/faults", {"delay_ms": 1}).json["id"] == "f2"
    assert second.push(subscriptions=[subscription("t")])["error_text"] == "out of order"


def test_journal_has_the_faults_own_words_and_no_answer_where_none_was_sent(
    start_server: Callable[..., Server],
) -> None:
    server = start_server()
    server.push(subscriptions=[subscription("emu!after!503")])
    with pytest.raises(OSError, match="reset"):
        server.push(subscriptions=[subscription("emu!after!reset")])
    lost, error = server.get("/__admin/requests").json["items"]
    assert (error["error_text"], error["answer"]["error"]) == ("Fault: Service Unavailable", 503)
    assert (lost["error_text"], lost["answer"]) == ("Fault: connection_reset", "")
    assert lost["changes"] is not None


def test_answer_that_is_lost_after_the_change_waits_for_the_disk_too(
    start_server: Callable[..., Server],
) -> None:
    server = start_server("--durability", "fsync")
    assert server.push(subscriptions=[subscription("emu!after!503")])["error"] == 503
    assert server.get("/__admin/requests?subscription_id=emu!after!503").json["total"] == 1
    assert server.stop() == 0
    assert "never awaited" not in server.log()
