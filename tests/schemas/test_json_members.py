"""A large JSON object read piece by piece is what it is when read at once."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.schemas import json_members
from emulator.schemas.json_members import Piece, read_members
from emulator.schemas.strict_json import JSONProblem

# NUL and lone surrogates are refused, wherever they stand.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
NAMES = st.text('abé"\\', max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


def together(pieces: list[Piece]) -> dict[str, Any]:
    """The object that the pieces make."""
    document: dict[str, Any] = {}
    for name, position, value in pieces:
        if position is None:
            document[name] = value
        else:
            entries = document.setdefault(name, [])
            assert position in (len(entries), -1)
            if position >= 0:
                entries.append(value)
    return document


@pytest.fixture(params=[1, 2, 7, 1 << 18])
def block(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How much is read at a time: wherever a block ends, nothing changes."""
    monkeypatch.setattr(json_members, "_BLOCK", request.param)
    return int(request.param)


@settings(deadline=None, max_examples=150)
@given(
    document=st.dictionaries(st.text("nmé ", max_size=3), VALUES, max_size=4),
    block=st.sampled_from([1, 2, 3, 50, 1 << 18]),
    spaced=st.booleans(),
    ascii_only=st.booleans(),
)
def test_pieces_make_the_whole(document: dict[str, Any], block: int, spaced: bool, ascii_only: bool) -> None:
    text = json.dumps(document, indent=1 if spaced else None, ensure_ascii=ascii_only)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_members, "_BLOCK", block)
        assert together(list(read_members(io.BytesIO(text.encode())))) == document


def test_memory_holds_one_entry_at_a_time(block: int) -> None:
    text = b'{"a": [%s], "b": 12345678901234567890}' % b",".join(b'{"n": %d}' % n for n in range(500))
    pieces = read_members(io.BytesIO(text))
    assert next(pieces) == Piece("a", 0, {"n": 0})
    assert list(pieces)[-2:] == [Piece("a", 499, {"n": 499}), Piece("b", None, 12345678901234567890)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"a": [1, {"b": "x]}', "a[1]: is not JSON: Unterminated string starting"),
        (b'{"a": tru', "a: is not JSON: Expecting value"),
        (b'{"a": 1', 'a: is not JSON: "," or "}" is missing after it'),
        (b'{"a": [1,]}', "a[1]: is not JSON: Expecting value"),
        (b'{"a": "\\u00zz"}', "a: is not JSON: Invalid \\uXXXX escape"),
        (b'{"a": "\x01"}', "a: is not JSON: Invalid control character"),
        (b'{"a": "\xc3"}', "is not UTF-8"),
        (b'{"a": {"b": "\\u0000"}}', "a.b: must not contain NUL"),
        (b'{"a": "\\ud83d"}', "a: must not contain a lone surrogate"),
        (b'{"a": 1}{', "is not JSON: something follows its end"),
        (b"{a: 1}", "is not JSON: a name in double quotes is missing"),
    ],
)
def test_what_is_wrong_is_told_with_its_place_wherever_a_block_ends(
    block: int, text: bytes, told: str
) -> None:
    with pytest.raises(JSONProblem) as raised:
        list(read_members(io.BytesIO(text)))
    assert str(raised.value).startswith(told)


def test_an_entry_beyond_all_measure_is_refused_before_it_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_members, "MAX_PIECE", 1000)
    monkeypatch.setattr(json_members, "_BLOCK", 100)
    with pytest.raises(JSONProblem, match=r"a\[0\]: must have at most 1000 characters"):
        list(read_members(io.BytesIO(b'{"a": ["' + b"x" * 100_000)))
