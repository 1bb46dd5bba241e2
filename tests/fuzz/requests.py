"""Requests that are right, and what structure-aware damage makes of them."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import Any

from hypothesis import strategies as st

from emulator.rules.providers import DOCUMENTED
from tests.server import PAGE_TOKEN

#: Resources, tokens, profiles and fields of the default fixtures, so that requests go deep.
RESOURCES = (PAGE_TOKEN, "two-databases", "choose-database", "no-databases", "firebase-only")
TOKENS = ("taken-token", "a", "b", "c", "emu!duplicate", "emu!503", "emu!after!#1", "emu!nothing")
PROFILES = ("59db33d269d426509e9c4bf9", "5fb62e815ae47a4aa04dfadd", "my-own-id", "x" * 64)
FIELDS = ("CustomNumber1", "email", "tier", "birthday", "last_visit", "last_ip", "score", "vip", "none")
VALUES = (100, 200, 12345, "100", "gold", 4.5, True, "1990-01-31", "127.0.0.1", "")

#: Values where mistakes live: the edges of numbers, text that is not what it seems, deep and empty things.
EDGES: list[Any] = [
    *(None, True, False, 0, -1, 1.5, -0.0, 1e308, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**400),
    *("", " ", "\0", "\ud800", "\u202e", "é", "𝔘", "0", "null", "x" * 65, "x" * 5000, "../etc", "=1+1"),
    *([], {}, [[]], [None], {"": None}, {"a": {"b": {}}}, {"provider": []}),
]
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(EDGES).map(deepcopy),  # they are damaged in place
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
ENTRIES = st.fixed_dictionaries(
    {
        "provider": st.sampled_from([*DOCUMENTED, "android-rustore", "carrier-pigeon"]),
        "subscription_id": st.sampled_from(TOKENS) | st.text(min_size=1, max_size=20),
    },
    optional={"unsubscribe": st.booleans() | st.none()},
)
RIGHT_REQUESTS = st.fixed_dictionaries(
    {
        "resource_token": st.sampled_from(RESOURCES),
        "subscriptions": st.lists(ENTRIES, min_size=1, max_size=5),
    },
    optional={
        "id": st.sampled_from([*PROFILES, "", None]),
        "db_ids": st.none() | st.lists(st.sampled_from([1, 2, 17, 34, 99]), max_size=4),
        "matching": st.sampled_from(["custom", "profile_id", "", None]),
        "field_name": st.sampled_from([*FIELDS, None]),
        "field_value": st.sampled_from(VALUES) | st.none(),
    },
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        found += _places(inner, (*path, key))
    return found


def _damaged(draw: Any, document: Any) -> Any:
    """The document with one thing in it replaced, removed, renamed, doubled or added."""
    places = _places(document)[1:]
    if not places:
        return draw(JSON_VALUES)
    *way, last = draw(st.sampled_from(places))
    parent = document
    for key in way:
        parent = parent[key]
    kind = draw(st.sampled_from(["replace", "remove", "rename", "double", "add"]))
    if kind == "replace":
        parent[last] = draw(JSON_VALUES)
    elif kind == "remove":
        del parent[last]
    elif kind == "double" and isinstance(parent, list):
        parent += [parent[last]] * draw(st.sampled_from([1, 2, 100]))
    elif isinstance(parent, dict):
        value = parent.pop(last) if kind == "rename" else draw(JSON_VALUES)
        parent[draw(st.text(max_size=10) | st.sampled_from(["ID", "subscription", "db_id"]))] = value
    return document


@st.composite
def damaged_requests(draw: Any) -> Any:
    """A right request after one to three pieces of damage."""
    document = json.loads(json.dumps(draw(RIGHT_REQUESTS)))
    for _ in range(draw(st.integers(1, 3))):
        document = _damaged(draw, document)
    return document


#: Pieces that mean something to readers of JSON, of CSV or of text.
SPECIAL = [
    *(b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\xff\xfe", b"\\ud800", b"\\u0000", b"\\", b'"'),
    *(b"{", b"}", b"[", b"]", b",", b":", b"1e999", b"-", b"NaN", b"Infinity", b"9" * 5000, b"[" * 2000),
    *(
        b"\n",
        b"\r",
        b"\r\n",
        b"\t",
        b";",
        b"'",
        b'""',
        b"\x1f\x8b\x08",
        b"PK\x03\x04",
        b"\x85",
        b"\xe2\x80\xa8",
    ),
]


@st.composite
def damaged_bytes(draw: Any, originals: st.SearchStrategy[bytes]) -> bytes:
    """Bytes that were right once, cut, doubled, overwritten and mixed with :data:`SPECIAL`."""
    content = bytearray(draw(originals))
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(content)))
        end = min(len(content), at + draw(st.integers(0, 16)))
        kind = draw(st.sampled_from(["insert", "remove", "overwrite", "double", "cut"]))
        if kind == "insert":
            content[at:at] = draw(st.sampled_from(SPECIAL) | st.binary(max_size=8))
        elif kind == "remove":
            del content[at:end]
        elif kind == "overwrite":
            content[at:end] = draw(st.sampled_from(SPECIAL) | st.binary(max_size=8))
        elif kind == "double":
            content[at:at] = content[at:end] * draw(st.sampled_from([1, 3, 50]))
        else:
            del content[at:]
    return bytes(content)
