"""Events as the SDKs report them, over TCP: stored, listed, counted and verified."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from push_emulator import EmulatorClient, PushEmulator, VerificationFailed
from tests.mobile import FIXTURES, ROLE
from tests.server import Reply, Server

BOUNDARY = "Boundary-5A1C"
PLAIN = {"tz": "-180", "t": "1782900070", "aci": "", "wn": "purchase"}


@pytest.fixture(scope="module")
def events_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("events"), fixtures=FIXTURES).start()
    yield server
    server.kill()


@pytest.fixture
def server(events_server: Server) -> Iterator[Server]:
    yield events_server
    events_server.clear()


@pytest.fixture
def client(server: Server) -> Iterator[EmulatorClient]:
    with EmulatorClient(server.url) as made:
        yield made


def multipart(parts: dict[str, str | bytes]) -> bytes:
    """The parts as iOS writes them."""
    pieces = []
    for name, value in parts.items():
        data = value if isinstance(value, bytes) else value.encode()
        kind = "application/json" if name in ("wd", "mi", "ma", "sn", "pf") else "text/plain"
        head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n'
        pieces.append(f"{head}Content-Type: {kind}; charset=utf-8\r\n\r\n".encode() + data + b"\r\n")
    return b"".join(pieces) + f"--{BOUNDARY}--\r\n".encode()


def send(
    server: Server,
    parts: dict[str, str | bytes] | bytes,
    kind: str = f"multipart/form-data; boundary={BOUNDARY}",
    authorization: str = ROLE,
    **headers: str,
) -> Reply:
    """A mobile event; bytes are sent as they are."""
    body = parts if isinstance(parts, bytes) else multipart(PLAIN | parts)
    headers |= {"Authorization": authorization, "Content-Type": kind}
    return server.request("POST", "/event/post?i=pixel-7&tr=px&t=open&v=2", body, headers)


def push_event(server: Server, kind: str, body: dict[str, Any]) -> Reply:
    return server.post(f"/event/push/{kind}?matching_mode=push_sub", body, Authorization=ROLE)


def profile(server: Server, email: str) -> str:
    """The id of a new profile with this address."""
    body = {"db_id": 1, "fields": {"email": email}}
    found: str = server.post("/__admin/profiles", body).json["id"]
    return found


@pytest.mark.parametrize("kind", ["delivery", "open"])
def test_E1_a_push_event_is_stored_with_its_message_and_time(
    server: Server, client: EmulatorClient, kind: str
) -> None:
    answer = push_event(server, kind, {"time": 1782900060, "smid": "no-such-message"})
    assert (answer.status, answer.json) == (200, {"error": 0, "error_text": "", "profile": None})
    (event,) = client.events.all()
    assert (event.kind, event.smid, event.time_ms) == (kind, "no-such-message", 1782900060000)


def test_E1_the_word_that_old_ios_appends_is_taken_off(server: Server, client: EmulatorClient) -> None:
    push_event(server, "open", {"time": 1782900060000, "smid": "8f14open"})
    push_event(server, "delivery", {"time": 1782900060000, "smid": "8f14open"})
    assert [one.smid for one in client.events.all()] == ["8f14open", "8f14"]
    assert {one.time_ms for one in client.events.all()} == {1782900060000}  # K4


def test_E2_the_parts_of_a_mobile_event_are_stored(server: Server, client: EmulatorClient) -> None:
    parts: dict[str, str | bytes] = {
        "wn": "покупка",
        "aci": "aci-9",
        "cn": "autumn",
        "cs": "ads",
        "wd": '{"sum": 12.5, "items": [{"sku": "A"}], "huge": 123456789012345678901234567890}',
        "mi": '"m-1"',
        "sn": '{"channel": "sms", "customFields": {"a": 1}}',
    }
    assert send(server, parts).status == 200
    (event,) = client.events.find(name="покупка").items
    assert (event.smid, event.tz, event.pixel, event.altcraft_client_id) == ("m-1", -180, "pixel-7", "aci-9")
    assert event.utm == {"campaign": "autumn", "source": "ads"}
    assert event.payload == {"sum": 12.5, "items": [{"sku": "A"}], "huge": "123456789012345678901234567890"}
    assert event.subscription == {"channel": "sms", "customFields": {"a": 1}}


def test_E2_a_message_may_be_bare_text(server: Server, client: EmulatorClient) -> None:
    send(server, {"mi": "m-2"})
    assert client.events.find().items[0].smid == "m-2"


def test_L8_a_key_that_is_twice_in_a_part_is_told_and_the_last_one_counts(
    server: Server, client: EmulatorClient
) -> None:
    parts: dict[str, str | bytes] = {"wd": '{"sum": 1, "items": [{"sku": "A", "sku": "B"}], "sum": 2}'}
    assert send(server, {**parts, "sn": '{"channel": "sms", "channel": "push"}'}).status == 200
    (event,) = client.events.find().items
    assert event.payload == {"sum": 2, "items": [{"sku": "B"}]}
    (entry,) = server.get("/__admin/requests?limit=1").json["items"]
    lints = [(one["rule"], one["path"]) for one in entry["lints"]]
    assert sorted(lints) == [("L8", "sn.channel"), ("L8", "wd.items[0].sku"), ("L8", "wd.sum")]


def test_Q5_strict_mode_refuses_a_duplicate_key_in_a_part(server: Server, client: EmulatorClient) -> None:
    server.request("PATCH", "/__admin/settings", b'{"strict": true}')
    answer = send(server, {"wd": '{"sum": 1, "sum": 2}'})
    server.request("PATCH", "/__admin/settings", b'{"strict": false}')
    assert (answer.status, answer.json["error_text"]) == (400, 'wd.sum: duplicate key "sum"')
    assert client.events.find().total == 0


def test_E3_the_part_ma_names_the_profile_and_pf_writes_its_fields(
    server: Server, client: EmulatorClient
) -> None:
    made = profile(server, "anna@example.com")
    matched = {"mm": "email", "ma": '{"email": "anna@example.com"}'}
    assert send(server, {**matched, "pf": '{"_fname": "Анна"}'}).status == 200
    assert client.events.find(profile_id=made).total == 1
    assert server.get(f"/__admin/profiles/1/{made}").json["fields"]["_fname"] == "Анна"


def test_E3_an_unknown_field_of_pf_is_refused_and_nothing_is_stored(
    server: Server, client: EmulatorClient
) -> None:
    profile(server, "boris@example.com")
    for matched in ({}, {"mm": "email", "ma": '{"email": "boris@example.com"}'}):
        answer = send(server, {**matched, "pf": '{"_fname": "B", "shoe": "41"}'})
        expected = 'Platform profile processing error: with field "shoe": Incorrect field'
        assert (answer.status, answer.json["error_text"]) == (400, expected)
    assert client.events.find().total == 0
    assert server.get("/__admin/profiles?field._fname=B").json["total"] == 0


def test_E3_an_event_that_names_no_profile_is_stored_and_makes_none(
    server: Server, client: EmulatorClient
) -> None:
    before = client.health().profiles
    assert send(server, {"mm": "email", "ma": '{"email": "nobody@example.com"}'}).status == 200
    assert send(server, {"ma": '{"email": "nobody@example.com"}', "mm": "of another kind"}).status == 200
    assert [one.profile_id for one in client.events.all()] == [None, None]
    assert client.health().profiles == before


@pytest.mark.parametrize(("events", "kinds"), [(1, ["delivery"]), (2, ["open"]), (3, ["open", "delivery"])])
def test_E4_post_events_stores_what_happened(
    server: Server, client: EmulatorClient, events: int, kinds: list[str]
) -> None:
    body = {"token": "any", "uid": "e|17|4|ios-apns", "events": events}
    answer = server.post("/api/v1.1/pushes/post_events", body)
    assert (answer.status, answer.json) == (200, {"error": 0, "error_text": "Successful operation"})
    assert [(one.kind, one.provider) for one in client.events.all()] == [(kind, "ios-apns") for kind in kinds]


def test_E4_a_uid_of_another_form_comes_with_the_subscription(server: Server, client: EmulatorClient) -> None:
    named = {"launch_id": 9, "provider": "android-huawei", "subscription_id": "t"}
    server.post("/api/v1.1/pushes/post_events", {"token": "any", "uid": "u1", "events": 2, **named})
    (event,) = client.events.find(launch_id="9", provider="android-huawei", subscription_id="t").items
    assert event.smid == "u1"


def test_E5_events_are_filtered_counted_and_deleted(server: Server, client: EmulatorClient) -> None:
    for at in range(3):
        send(server, {"wn": f"event-{at}", "wd": json.dumps({"step": {"number": at}})})
    push_event(server, "open", {"time": 1, "smid": "m"})
    assert client.events.count({"kind": "mobile_event"}) == 3
    assert client.events.count({"payload.step.number": 2}) == 1
    assert [one.name for one in client.events.all({"payload.step.number": "1"})] == ["event-1"]
    page = client.events.find(kind="mobile_event", limit=2)
    assert ([one.name for one in page.items], page.total) == (["event-2", "event-1"], 3)
    rest = client.events.find(kind="mobile_event", limit=2, cursor=page.next)
    assert [one.name for one in rest.items] == ["event-0"]
    assert client.events.clear() == 4
    assert client.events.find().total == 0


def test_E5_a_reset_deletes_the_events_unless_they_are_kept(server: Server, client: EmulatorClient) -> None:
    send(server, {})
    client.reset(keep=["events"])
    assert client.events.find().total == 1
    client.reset()
    assert client.events.find().total == 0


def test_E5_a_snapshot_has_the_events_and_brings_them_back(server: Server, client: EmulatorClient) -> None:
    send(server, {"wd": '{"sum": 5}'})
    push_event(server, "open", {"time": 1782900060, "smid": "m"})
    before = client.events.find().items
    snapshot = client.snapshot()
    client.reset()
    client.restore(snapshot)
    assert [(one.name, one.smid, one.payload) for one in client.events.find().items] == [
        (one.name, one.smid, one.payload) for one in before
    ]
    event = snapshot["events"][0]
    timeless = [event | {"time": time} for time in ("", "2026-02-03T04:05:00")]
    for wrong, where in (({"id": 1}, "events[0]"), *((one, "events[0].time: must be") for one in timeless)):
        answer = server.request(
            "PUT", "/__admin/snapshot", json.dumps(snapshot | {"events": [wrong]}).encode()
        )
        assert (answer.status, where in answer.json["error_text"]) == (400, True)
    client.restore({name: value for name, value in snapshot.items() if name != "events"})  # an older one
    assert client.events.find().total == 0


def test_verify_shows_what_is_different_in_the_payload(server: Server, client: EmulatorClient) -> None:
    emulator = PushEmulator(client)
    send(server, {"wd": '{"sum": "1490.5", "order": {"id": "A"}, "items": [{"sku": "A"}, 5]}'})
    emulator.events("purchase").once()
    emulator.events("purchase", payload={"items": [{"sku": "A"}, 5]}).once()
    assert server.get("/__admin/events?payload.items.0.sku=A&payload.items.1=5").json["total"] == 1
    for nowhere in ("items.2", "items.-1", "items.sku", "items.0.sku.0", f"items.{'9' * 5000}", "sum.0"):
        assert client.events.count({f"payload.{nowhere}": None}) == 1
    with pytest.raises(AssertionError, match=r'payload\.items\.0\.sku: expected "B", was "A"'):
        emulator.events("purchase", payload={"items": [{"sku": "B"}]}).once()
    emulator.events("purchase", payload={"order": {"id": "A"}}).at_least(1)
    emulator.events("login").never()
    with pytest.raises(AssertionError) as failure:
        emulator.events("purchase", payload={"sum": 1490.5}).once()
    assert 'payload.sum: expected 1490.5, was "1490.5"' in str(failure.value)
    assert "expected exactly 1 event with" in str(failure.value)
    with pytest.raises(VerificationFailed):
        client.events.verify({"smid": "another"})


def test_a_kind_or_a_criterion_that_no_event_has_is_refused(server: Server) -> None:
    answer = server.post("/__admin/events/count", {"match": {"kind": "opened"}})
    assert (answer.status, "match.kind" in answer.json["error_text"]) == (400, True)
    answer = server.get("/__admin/events?smidd=1")
    assert answer.json["error_text"] == 'smidd: unknown parameter, did you mean "smid"?'
    part = ', name one of its parts: "payload.NAME"'
    answer = server.post("/__admin/events/verify", {"match": {"payload": {"sum": 1490}}})
    assert answer.json["error_text"] == f"match.payload: unknown key{part}"
    assert server.get("/__admin/events?payload=1").json["error_text"] == f"payload: unknown parameter{part}"


def test_a_repeated_event_is_stored_once(server: Server, client: EmulatorClient) -> None:
    for _ in range(2):
        assert send(server, {}, **{"Request-ID": "again-1"}).status == 200
    assert client.events.find().total == 1


MANY = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="p"\r\n\r\n\r\n'.encode() * 10_000
WRONG: dict[str, tuple[dict[str, str | bytes] | bytes, str, int, str]] = {
    "no boundary": ({}, "multipart/form-data", 400, "Content-Type"),
    "JSON": (b"{}", "application/json", 400, "Content-Type"),
    "empty": (b"", f"multipart/form-data; boundary={BOUNDARY}", 400, "body"),
    "cut off": (multipart(PLAIN)[:-20], f"multipart/form-data; boundary={BOUNDARY}", 400, "body"),
    "another boundary": ({}, "multipart/form-data; boundary=other", 400, "body"),
    "10,000 parts": (MANY, "", 400, "at most 100 parts"),
    "a part of 2 MiB": ({"wd": "x" * (2 << 20)}, "", 413, "at most 1048576 bytes"),
    "windows-1251": ({"wn": "покупка".encode("cp1251")}, "", 400, "wn: must be UTF-8"),
    "NUL in the name": ({"wn": "a\0b"}, "", 400, "wn: must not contain NUL"),
    "NUL in the message's id": ({"mi": "a\0b"}, "", 400, "mi: must not contain NUL"),
    "no name": ({"wn": ""}, "", 400, "wn: must not be empty"),
    "no parts": (multipart({"tz": "0"}), "", 400, "t: is required"),
    "time as words": ({"t": "yesterday"}, "", 400, "t: must be a number"),
    "time beyond the year 9999": ({"t": "999999999999"}, "", 400, "t: must be"),
    "a part without a name": (multipart(PLAIN).replace(b'; name="wn"', b""), "", 400, "must have a name"),
    "time not finite": ({"t": "nan"}, "", 400, "t: must be"),
    "time of another age": ({"t": "-1"}, "", 400, "t: must be"),
    "offset of days": ({"tz": "9000"}, "", 400, "tz: must be"),
    "offset without end": ({"tz": "inf"}, "", 400, "tz: must be"),
    "payload is no JSON": ({"wd": "{sum: 1}"}, "", 400, "wd"),
    "payload is a list": ({"wd": "[1]"}, "", 400, "wd: must be a JSON object"),
    "payload too deep": ({"wd": '{"a":' * 5000 + "1" + "}" * 5000}, "", 400, "wd"),
}


@pytest.mark.parametrize("case", WRONG)
def test_R6_a_wrong_mobile_event_is_refused_with_its_place(
    server: Server, client: EmulatorClient, case: str
) -> None:
    parts, kind, status, words = WRONG[case]
    answer = send(server, parts, kind or f"multipart/form-data; boundary={BOUNDARY}")
    assert (answer.status, answer.json["error"]) == (status, status)
    assert words in answer.json["error_text"]
    assert client.events.find().total == 0


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("/event/push/open", {"time": 1}, "smid: is required"),
        ("/event/push/open", {"time": 1, "smid": ""}, "smid: must not be empty"),
        ("/event/push/delivery", {"time": "now", "smid": "m"}, "time: must be a number"),
        ("/event/push/delivery", {"time": 1e300, "smid": "m"}, "time: must be seconds"),
        ("/api/v1.1/pushes/post_events", {"token": "t", "uid": "u", "events": 4}, "events: must be 1"),
        ("/api/v1.1/pushes/post_events", {"uid": "u", "events": 1}, "token: is required"),
        *(
            (
                "/api/v1.1/pushes/post_events",
                {"token": "t", "uid": uid, "events": 1, "launch_id": 1, "provider": "ios-apns"},
                "subscription_id: is required where uid",
            )
            for uid in ("u", "e|1|ios-apns", "e|1|2|")
        ),
    ],
)
def test_R6_a_wrong_push_event_is_refused_with_its_place(
    server: Server, client: EmulatorClient, path: str, body: dict[str, Any], words: str
) -> None:
    answer = server.post(path, body, Authorization=ROLE)
    assert (answer.status, answer.json["error"]) == (400, 400)
    assert words in answer.json["error_text"]
    assert client.events.find().total == 0
