"""Duplicate keys in any JSON document: each is found, with its path, and no other."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.schemas.strict_json import JSONProblem, duplicate_keys, has_duplicate_keys

#: Documents with objects as lists of members, in which a name may come more than once.
documents = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda values: ("array", values))
        | st.lists(st.tuples(st.sampled_from(["a", "b", 'c"']), inner), max_size=3).map(
            lambda members: ("object", members)
        )
    ),
    max_leaves=20,
)


def written(value: Any) -> str:
    if not isinstance(value, tuple):
        return json.dumps(value)
    kind, members = value
    if kind == "array":
        return f"[{', '.join(map(written, members))}]"
    return f"{{{', '.join(f'{json.dumps(name)}: {written(inner)}' for name, inner in members)}}}"


def expected(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    if not isinstance(value, tuple):
        return
    kind, members = value
    if kind == "array":
        for position, inner in enumerate(members):
            yield from expected(inner, f"{path}[{position}]")
        return
    names = [name for name, _ in members]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            yield (f"{path}.{name}" if path else name), name
    for name, inner in members:
        yield from expected(inner, f"{path}.{name}" if path else name)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(documents)
def test_every_duplicate_key_is_found_with_its_path(document: Any) -> None:
    wanted = list(expected(document))
    assert duplicate_keys(written(document), 1000) == (wanted, len(wanted))


def test_only_the_first_are_named_and_all_are_counted() -> None:
    text = json.dumps([1, "x"])[:-1] + ', {"a": 1, "a": 2}' * 50 + "]"
    found, count = duplicate_keys(text, 2)
    assert (found, count) == ([("[2].a", "a"), ("[3].a", "a")], 50)


@pytest.mark.parametrize("opening", ["[", '{"a":1,"a":'])
def test_a_document_nested_too_deeply_is_refused(opening: str) -> None:
    closing = "]" if opening == "[" else "}"
    with pytest.raises(JSONProblem, match="nested deeper"):
        duplicate_keys(opening * 100_000 + "1" + closing * 100_000, 5)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b'{"a":1,"b":{"a":2}}', False),
        (b'{"a":1,"b":{"c":1,"c":2}}', True),
        (b'{"a":1,"\\u0061":2}', True),
        (b'{"a\\"":1,"a":"\\\\","b":"\\\\\\""}', False),
        (b'{"a":"x",":a":1, ":a":2}', True),
        (b'[{"a":1},{"a":1},{"b":"a"}]', False),
    ],
)
@pytest.mark.parametrize("long", [False, True])
def test_a_duplicate_key_is_noticed_in_a_document_of_any_length(
    body: bytes, expected: bool, long: bool
) -> None:
    filling = b",".join(b'"%d"' % number for number in range(6000 if long else 1))
    assert has_duplicate_keys(b"[" + body + b"," + filling + b"]") is expected
