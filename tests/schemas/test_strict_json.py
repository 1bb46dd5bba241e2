"""Reading JSON that others wrote: what is wrong, and where."""

from __future__ import annotations

import pytest

from emulator.schemas.strict_json import MAX_DEPTH, JSONProblem, read_json


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", "is empty"),
        (b" \n\t", "is empty"),
        (b"{", "is not JSON: Expecting property name enclosed in double quotes at line 1 column 2"),
        (b'{"a": 1,\n "b" 2}', "is not JSON: Expecting ':' delimiter at line 2 column 6"),
        (b'"a\nb"', "is not JSON: Invalid control character at line 1 column 3"),
        (b'"a', "is not JSON: Unterminated string starting at line 1 column 1"),
        (b"[1] 2", "is not JSON: Extra data at line 1 column 5"),
        (b"NaN", "is not JSON: NaN is not a JSON number"),
        (b"[-Infinity]", "is not JSON: -Infinity is not a JSON number"),
        (b"\xef\xbb\xbf{}", "is not JSON: starts with a byte order mark"),
        (b'"\xff"', "is not UTF-8: byte 1"),
        (b'"\xed\xa0\x80"', "is not UTF-8: byte 1"),
        (rb'{"a": [0, "x\u0000"]}', "a[1]: must not contain NUL"),
        (rb'{"a": {"b": "\ud83d"}}', "a.b: must not contain a lone surrogate"),
        (rb'{"a": {"\u0000": 1}}', "a: a parameter name must not contain NUL"),
        (rb'{"\udc00": 1}', "a parameter name must not contain a lone surrogate"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "is nested deeper than 64 levels"),
        (b'{"a":' * 500_000, "is nested deeper than 64 levels"),
        (b"[" * 500_000, "is nested deeper than 64 levels"),
    ],
)
def test_problem(data: bytes, expected: str) -> None:
    with pytest.raises(JSONProblem) as caught:
        read_json(data)
    assert str(caught.value) == expected


def test_pairs_of_surrogates_are_characters() -> None:
    assert read_json(rb'"\ud83d\ude00"') == "😀"


def test_nesting_up_to_the_limit_is_read() -> None:
    data = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert repr(read_json(data)).encode() == data


@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_of_a_million_digits_is_a_huge_number(sign: str) -> None:
    value = read_json(f"{sign}{'9' * 1_000_000}".encode())
    assert abs(value) > 2**64
    assert (value < 0) is bool(sign)


def test_numbers_stay_what_they_are() -> None:
    assert repr(read_json(b"[1, 1.0, -0, 18446744073709551616]")) == "[1, 1.0, 0, 18446744073709551616]"
