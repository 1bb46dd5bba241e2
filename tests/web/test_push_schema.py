"""The two readers of a body agree: what the quick one accepts, the schema reads as the same request."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emulator.endpoint.schema import judge_by_schema, judge_quickly, parse_push_request
from emulator.rules.errors import Invalid, Refused
from emulator.rules.lints import REQUEST_PARAMETERS
from emulator.rules.model import Lint, PushRequest
from emulator.schemas.strict_json import JSONProblem

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
filled = text.filter(bool)
int64 = st.integers(-(2**63), 2**63 - 1)
entries = st.fixed_dictionaries(
    {"provider": filled, "subscription_id": filled},
    optional={"unsubscribe": st.sampled_from([True, False, None])},
)
requests = st.fixed_dictionaries(
    {"resource_token": filled, "subscriptions": st.lists(entries, min_size=1, max_size=4)},
    optional={
        "id": text | st.none(),
        "db_ids": st.lists(int64, max_size=3) | st.none(),
        "matching": text | st.none(),
        "field_name": text | st.none(),
        "field_value": text
        | int64
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.booleans()
        | st.none(),
    },
)
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**63) - 1, 2**64, 10**30, 10**400, 0, -1])
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["", "\0", "\ud800", "a\0", "\udfff\ud800", "custom"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
ENTRY_PARAMETERS = ("provider", "subscription_id", "unsubscribe")


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A good request with some of its values replaced, taken out or added, or with its text bent."""
    document: dict[str, Any] = draw(requests)
    for _ in range(draw(st.integers(1, 2))):
        inside = draw(st.booleans()) and isinstance(document.get("subscriptions"), list)
        entry = draw(st.sampled_from(document["subscriptions"] or [{}])) if inside else document
        target = entry if isinstance(entry, dict) else document
        known = ENTRY_PARAMETERS if target is entry and inside else REQUEST_PARAMETERS
        name = draw(st.sampled_from(known) | st.text(max_size=3))
        if draw(st.booleans()):
            target[name] = draw(anything)
        else:
            target.pop(name, None)
    body = json.dumps(document, ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    if draw(st.integers(0, 3)) == 0:
        place = draw(st.integers(0, len(body)))
        return body[:place] + draw(st.binary(max_size=2)) + body[place + draw(st.integers(0, 2)) :]
    return body


def read_quickly(body: bytes) -> PushRequest | None:
    """What msgspec makes of it, without the schema; ``None`` if it refuses."""
    try:
        return msgspec.json.decode(body, type=PushRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def read_by_schema(body: bytes) -> PushRequest | Refused:
    """What marshmallow makes of it, without the quick reader."""
    return judged(judge_by_schema, body)


def judged(judge: Callable[[bytes], tuple[PushRequest, list[Lint]]], body: bytes) -> PushRequest | Refused:
    """What one reader makes of it."""
    try:
        return judge(body)[0]
    except Refused as error:
        return error
    except JSONProblem as problem:
        return Invalid(f"{problem.path or 'body'}: {problem.text}", "A3")


def same(one: object, other: object) -> bool:
    # repr tells 1, 1.0 and true apart, and 0.0 from -0.0.
    return repr(one) == repr(other)


@settings(max_examples=60, deadline=None, derandomize=True)
@given(requests)
def test_good_requests_are_read_alike(document: dict[str, Any]) -> None:
    body = json.dumps(document, ensure_ascii=False).encode()
    by_schema = read_by_schema(body)
    if "\\u0000" in body.decode():
        assert isinstance(by_schema, Refused)
        return
    assert isinstance(by_schema, PushRequest)
    assert same(read_quickly(body), by_schema)
    assert same(parse_push_request(body)[0], by_schema)


@settings(max_examples=200, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_damaged_requests_are_judged_alike(body: bytes) -> None:
    by_schema = read_by_schema(body)
    if isinstance(by_schema, Refused):
        assert isinstance(by_schema, Invalid)
        with pytest.raises(Refused) as refused:
            parse_push_request(body)
        assert (type(refused.value), refused.value.text) == (Invalid, by_schema.text)
    else:
        assert same(parse_push_request(body)[0], by_schema)
        quickly = read_quickly(body)
        assert quickly is None or same(quickly, by_schema)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode()))
def test_whatever_comes_is_read_or_refused_with_400(body: bytes) -> None:
    error = read_by_schema(body)
    if isinstance(error, Refused):
        assert (type(error), bool(error.text)) == (Invalid, True)
        with pytest.raises(Refused):
            parse_push_request(body)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(damaged())
def test_long_bodies_are_judged_as_short_ones_are(body: bytes) -> None:
    by_schema = read_by_schema(body)
    quickly = judged(judge_quickly, body)
    complaints = read_by_schema_all(body)
    assert isinstance(quickly, Refused) == isinstance(by_schema, Refused)
    if isinstance(quickly, Refused) and complaints is not None:
        assert quickly.text in complaints


def read_by_schema_all(body: bytes) -> list[str] | None:
    """Everything that the schema says; ``None`` where the body is no JSON."""
    try:
        judge_by_schema(body, complaints=1000)
    except Refused as error:
        return error.text.split("; ")
    except JSONProblem:
        return None
    return []
