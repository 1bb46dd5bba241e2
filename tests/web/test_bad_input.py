"""Bad input over HTTP (A3, A4): the documented envelope says what was wrong and where; nothing changes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.raw_http import padded, send_chunked
from tests.server import Server, subscription
from tests.web.conftest import ANNA, BAD, GOOD, GOOD_BODY, assert_error

MIB = 1 << 20


def with_value(path: list[str | int], value: str) -> bytes:
    """The good body with the JSON text ``value`` at ``path``."""
    document: Any = json.loads(GOOD_BODY)
    target = document
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = "<here>"
    return json.dumps(document).replace('"<here>"', value).encode()


# Not JSON, not an object


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"", "body: is empty"),
        (b" \r\n ", "body: is empty"),
        (b"hello", "body: is not JSON: Expecting value at line 1 column 1"),
        (b"id=1&resource_token=x", "body: is not JSON: Expecting value at line 1 column 1"),
        (b"<xml/>", "body: is not JSON: Expecting value at line 1 column 1"),
        (GOOD_BODY[:-1], f"body: is not JSON: Expecting ',' delimiter at line 1 column {len(GOOD_BODY)}"),
        (GOOD_BODY + b"}", f"body: is not JSON: Extra data at line 1 column {len(GOOD_BODY) + 1}"),
        (b"\xef\xbb\xbf" + GOOD_BODY, "body: is not JSON: starts with a byte order mark"),
        (b"\x1f\x8b\x08", "body: is not UTF-8: byte 1"),
        (GOOD_BODY.decode().encode("utf-16"), "body: is UTF-16 or UTF-32, must be UTF-8"),
        (GOOD_BODY.decode().encode("utf-16-le"), "body: is UTF-16 or UTF-32, must be UTF-8"),
        (b"[]", "body: must be a JSON object"),
        (b"null", "body: must be a JSON object"),
        (b"1", "body: must be a JSON object"),
        (b'"text"', "body: must be a JSON object"),
        (b"[" + GOOD_BODY + b"]", "body: must be a JSON object"),
        (b"{}", "resource_token: is required; subscriptions: is required"),
    ],
)
def test_A3_body_that_is_no_JSON_object(untouched: Server, body: bytes, text: str) -> None:
    assert_error(untouched.request("POST", "/push_subscribe", body), 400, text)


# Wrong types at any depth

TEXT, NUMBER, TRUE, NULL, LIST, OBJECT = '"x"', "1", "true", "null", "[]", "{}"
WRONG: list[tuple[list[str | int], str, list[str]]] = [
    (["resource_token"], "must be a string", [NUMBER, TRUE, NULL, LIST, OBJECT]),
    (["id"], "must be a string", [NUMBER, TRUE, LIST, OBJECT]),
    (["matching"], "must be a string", [NUMBER, TRUE, LIST, OBJECT]),
    (["field_name"], "must be a string", [NUMBER, TRUE, LIST, OBJECT]),
    (["field_value"], "must be a string, a number, true or false", [LIST, OBJECT, "[1]"]),
    (["db_ids"], "must be an array of integers", [NUMBER, TEXT, TRUE, OBJECT]),
    (["subscriptions"], "must be an array of objects", [NUMBER, TEXT, TRUE, NULL, OBJECT]),
    (["subscriptions", 0], "must be an object", [NUMBER, TEXT, TRUE, NULL, LIST]),
    (["subscriptions", 0, "provider"], "must be a string", [NUMBER, TRUE, NULL, LIST, OBJECT]),
    (["subscriptions", 0, "subscription_id"], "must be a string", [NUMBER, TRUE, NULL, LIST, OBJECT]),
    (["subscriptions", 0, "unsubscribe"], "must be true or false", [NUMBER, "0", TEXT, LIST, OBJECT]),
]


@pytest.mark.parametrize(
    ("path", "expected", "value"), [(path, text, one) for path, text, values in WRONG for one in values]
)
def test_A3_wrong_type(untouched: Server, path: list[str | int], expected: str, value: str) -> None:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    reply = untouched.request("POST", "/push_subscribe", with_value(path, value))
    assert_error(reply, 400, f"{place}: {expected}")


@pytest.mark.parametrize("value", ["1.0", "1e3", "true", '"1"', "null", "[1]", "{}"])
def test_A3_db_ids_are_integers(untouched: Server, value: str) -> None:
    body = json.dumps(GOOD)[:-1] + f', "db_ids": [17, {value}]}}'
    assert_error(
        untouched.request("POST", "/push_subscribe", body.encode()), 400, "db_ids[1]: must be an integer"
    )


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (["resource_token"], "resource_token: must not be empty"),
        (["subscriptions", 0, "provider"], "subscriptions[0].provider: must not be empty"),
        (["subscriptions", 0, "subscription_id"], "subscriptions[0].subscription_id: must not be empty"),
    ],
)
def test_A3_required_text_is_not_empty(untouched: Server, path: list[str | int], text: str) -> None:
    assert_error(untouched.request("POST", "/push_subscribe", with_value(path, '""')), 400, text)


@pytest.mark.parametrize("missing", ["provider", "subscription_id"])
def test_A3_second_entry_without_a_parameter(untouched: Server, missing: str) -> None:
    entry = {name: value for name, value in subscription(BAD).items() if name != missing}
    reply = untouched.post("/push_subscribe", {**GOOD, "subscriptions": [subscription(BAD), entry]})
    assert_error(reply, 400, f"subscriptions[1].{missing}: is required")


def test_A3_several_problems_are_named_and_the_rest_counted(untouched: Server) -> None:
    reply = untouched.post("/push_subscribe", {"resource_token": 1, "id": 2, "subscriptions": [3] * 10})
    assert_error(reply, 400)
    said = reply.json["error_text"].split("; ")
    assert (said[0], said[-1]) == ("resource_token: must be a string", "and 7 more")


# Numbers, nesting, text


@pytest.mark.parametrize("constant", ["NaN", "Infinity", "-Infinity"])
def test_A3_no_number(untouched: Server, constant: str) -> None:
    reply = untouched.request("POST", "/push_subscribe", with_value(["field_value"], constant))
    assert_error(reply, 400, f"body: is not JSON: {constant} is not a JSON number")


@pytest.mark.parametrize(
    "huge", ["9223372036854775808", "-9223372036854775809", "1" + "0" * 400, "-" + "9" * 500_000]
)
def test_A3_huge_integers(untouched: Server, huge: str) -> None:
    reply = untouched.request("POST", "/push_subscribe", with_value(["field_value"], huge))
    assert_error(reply, 400, "field_value: must be an integer of 64 bits")
    reply = untouched.request("POST", "/push_subscribe", with_value(["db_ids"], f"[{huge}]"))
    assert_error(reply, 400, "db_ids[0]: must be an integer of 64 bits")


def test_A3_number_beyond_all_numbers(untouched: Server) -> None:
    reply = untouched.request("POST", "/push_subscribe", with_value(["field_value"], "1e999"))
    assert_error(reply, 400, "field_value: must be a finite number")


@pytest.mark.parametrize("depth", [65, 1_000])
@pytest.mark.parametrize(
    "path", [["field_value"], ["subscriptions"], ["subscriptions", 0, "provider"], ["nobody"]]
)
def test_A3_deep_nesting(untouched: Server, path: list[str | int], depth: int) -> None:
    reply = untouched.request("POST", "/push_subscribe", with_value(path, "[" * depth + "]" * depth))
    assert_error(reply, 400, "body: is nested deeper than 64 levels")


@pytest.mark.parametrize("path", [["field_value"], ["subscriptions"], ["nobody"]])
def test_A3_deepest_nesting(untouched: Server, path: list[str | int]) -> None:
    reply = untouched.request("POST", "/push_subscribe", with_value(path, "[" * 200_000 + "]" * 200_000))
    assert_error(reply, 400)


def test_A3_nesting_without_an_end(untouched: Server) -> None:
    reply = untouched.request("POST", "/push_subscribe", b'{"a":' * 200_000)
    assert_error(reply, 400, "body: is nested deeper than 64 levels")


TEXTS: list[list[str | int]] = [
    ["resource_token"],
    ["id"],
    ["matching"],
    ["field_name"],
    ["field_value"],
    ["subscriptions", 0, "provider"],
    ["subscriptions", 0, "subscription_id"],
    ["nobody"],
]


@pytest.mark.parametrize("path", TEXTS)
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (r'"bad\u0000"', "must not contain NUL"),
        (r'"\ud800"', "must not contain a lone surrogate"),
        (r'"bad\udfff\ud800"', "must not contain a lone surrogate"),
    ],
)
def test_A3_NUL_and_lone_surrogates(
    untouched: Server, path: list[str | int], text: str, expected: str
) -> None:
    place = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).lstrip(".")
    assert_error(
        untouched.request("POST", "/push_subscribe", with_value(path, text)), 400, f"{place}: {expected}"
    )


# Sizes


@pytest.mark.parametrize("size", [MIB + 1, 3 * MIB])
def test_A3_body_of_more_than_1_MiB(untouched: Server, size: int) -> None:
    reply = untouched.request("POST", "/push_subscribe", padded(GOOD, size))
    assert_error(reply, 413, "body: must be at most 1048576 bytes")


@pytest.mark.parametrize("size", [MIB + 1, 3 * MIB])
def test_A3_chunked_body_of_more_than_1_MiB(untouched: Server, size: int) -> None:
    body = padded(GOOD, size)
    pieces = [body[start : start + 100_000] for start in range(0, size, 100_000)]
    assert_error(send_chunked(untouched, pieces), 413, "body: must be at most 1048576 bytes")


def test_exactly_1_MiB_is_accepted(fresh: Server) -> None:
    first, second = (
        padded({**GOOD, "id": ANNA, "subscriptions": [subscription(token)]}, MIB) for token in "ab"
    )
    assert fresh.request("POST", "/push_subscribe", first).json["error"] == 0
    assert send_chunked(fresh, [second[:700_000], second[700_000:]]).json["error"] == 0
    long = {**GOOD, "subscriptions": [subscription("x" * (MIB - 200))]}
    assert fresh.post("/push_subscribe", long).json["error"] == 0


def test_A3_101_subscriptions(untouched: Server) -> None:
    reply = untouched.post(
        "/push_subscribe", {**GOOD, "subscriptions": [subscription(f"{BAD}-{n}") for n in range(101)]}
    )
    assert_error(reply, 400, "subscriptions: must have 1 to 100 entries")


def test_100_subscriptions_are_accepted(fresh: Server) -> None:
    many = [subscription(f"token-{n}") for n in range(100)]
    answer = fresh.push(subscriptions=many)
    assert (answer["error"], len(answer["data"])) == (0, 100)


def test_A3_no_subscriptions(untouched: Server) -> None:
    reply = untouched.post("/push_subscribe", {**GOOD, "subscriptions": []})
    assert_error(reply, 400, "subscriptions: must have 1 to 100 entries")


# What looks odd and is right


@pytest.mark.parametrize("token", ["токен-😀", "a b\n", "'\"\\<>&", "\u200b", "x" * 10_000])
def test_any_text_is_a_token(fresh: Server, token: str) -> None:
    answer = fresh.push(id=ANNA, subscriptions=[subscription(token)])
    assert (answer["error"], answer["data"][0]["subscription_id"]) == (0, token)
    assert fresh.push(subscriptions=[subscription(token)])["data"][0]["profile_id"] == ANNA


@pytest.mark.parametrize(
    ("method", "path", "body", "where"),
    [
        ("POST", "/__admin/faults", b'{"then": {"status": 503, "status": 500}}', "then.status"),
        ("PATCH", "/__admin/settings", b'{"strict": true, "strict": false}', "strict"),
        (
            "POST",
            "/__admin/databases",
            b'{"id": 7, "fields": {"a": "ip", "a": "ip"}}',
            "fields.a",
        ),
        ("POST", "/__admin/requests/count", b'{"match": {"any": [{"q": 1, "q": 2}]}}', "match.any[0].q"),
    ],
)
def test_admin_body_with_a_key_twice_is_refused(
    untouched: Server, method: str, path: str, body: bytes, where: str
) -> None:
    reply = untouched.request(method, path, body, {"Content-Type": "application/json"})
    assert_error(reply, 400, f"{where}: duplicate key")
