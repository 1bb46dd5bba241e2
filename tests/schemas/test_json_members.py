"""Reading a large JSON object an entry at a time."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emulator.schemas.json_members import read_entries, read_members
from emulator.schemas.strict_json import JSONProblem

# NUL and lone surrogates are refused, wherever they stand.
TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 63) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
NAMES = st.text('abé"\\', max_size=3)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=12,
)


class InSmallBlocks(io.BytesIO):
    """A file that gives so many bytes at a time."""

    def __init__(self, data: bytes, block: int) -> None:
        super().__init__(data)
        self.block = block

    def read(self, size: int | None = -1) -> bytes:
        return super().read(min(self.block, self.block if size is None or size < 0 else size))


def whole(data: bytes, block: int = 1 << 16) -> dict[str, Any]:
    """The document as both readers give it; the large array is named "large"."""
    document = {}
    for name, value in read_members(InSmallBlocks(data, block), ("large",)):
        document[name] = value
    if "large" in document:
        document["large"] = list(read_entries(InSmallBlocks(data, block), "large"))
    return document


@settings(deadline=None, max_examples=60)
@given(
    document=st.dictionaries(st.text("nmé ", max_size=3), VALUES, max_size=4),
    large=st.lists(VALUES, max_size=5) | st.none(),
    block=st.sampled_from([1, 2, 3, 50, 1 << 18]),
    ascii_only=st.booleans(),
)
def test_both_readers_together_give_the_document(
    document: dict[str, Any], large: list[Any] | None, block: int, ascii_only: bool
) -> None:
    if large is not None:
        document["large"] = large
    assert whole(json.dumps(document, ensure_ascii=ascii_only).encode(), block) == document


@pytest.mark.parametrize("block", [1, 2, 7, 1 << 18])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b'{"a": tru', "a: is not JSON: "),
        (b'{"large": [1,]}', "large: is not JSON: unallowed token"),
        (b'{"a": "\x01"}', "a: is not JSON: invalid character inside string"),
        (b'{"a": {"b": "\\u0000"}}', "must not contain NUL"),
        (b'{"a": "\\ud83d"}', "must not contain a lone surrogate"),
        (b'{"a": "\\ud83d\\\\ude00"}', "must not contain a lone surrogate"),
        (b'{"large": [{"a": "\\ude00"}]}', "must not contain a lone surrogate"),
        (b'{"large": [0, {"a": ["\\u0000"]}]}', "must not contain NUL"),
        (b'{"large": {}}', "large: must be an array"),
        (b'{"a": 1, "a": 2}', "a: duplicate name"),
        (b'{"a": {"b": 1, "b": 2}}', 'a: duplicate key "b"'),
        (b'{"large": [0, {"a": {"b": 1, "b": 2}}]}', 'large[1]: duplicate key "b"'),
        (b'{"large": ' + b"[" * 100, "is nested deeper than 64 levels"),
        (b'{"a": 1}{', "is not JSON: trailing garbage"),
        (b'{"a": 1e9999999999999999999}', "a: has a number whose exponent is too large"),
        (b"[]", "must be a JSON object"),
    ],
)
def test_what_is_wrong_is_told_wherever_a_block_ends(block: int, text: bytes, told: str) -> None:
    with pytest.raises(JSONProblem) as raised:
        whole(text, block)
    assert told in str(raised.value)


def test_a_pair_of_surrogates_behind_backslashes_is_read_as_written() -> None:
    text = rb'{"a": "\\ud83d \ud83d\ude00"}'
    assert whole(text, 3) == json.loads(text)


@pytest.mark.parametrize("before", [0, 60_000, 63_000, 64_000, 65_530])
@pytest.mark.parametrize("digits", [4301, 200_000])
def test_a_number_of_thousands_of_digits_is_refused_wherever_a_block_ends(before: int, digits: int) -> None:
    text = '{"a": "' + '\\"' * (before // 2) + '", "large": [{"b": -' + "9" * digits + "}]}"
    with pytest.raises(JSONProblem, match="must not contain a number of thousands of digits"):
        whole(text.encode())


@pytest.mark.parametrize("before", ["", "x" * 65_529, "x" * 65_528 + '\\"', "\\" * 40_000])
def test_a_text_may_have_thousands_of_digits(before: str) -> None:
    document = {"a": before + "9" * 150_000, "b": ["8" * 9000, 7]}
    assert whole(json.dumps(document).encode()) == document
