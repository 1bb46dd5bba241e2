"""Columns are named by header or number, and guessed from names and content."""

from __future__ import annotations

from pathlib import Path

import pytest

from emulator.importer.columns import Guess, column_index, describe_columns, guess
from emulator.importer.layout import Layout, read_layout
from emulator.importer.plan import Match, parse_match
from emulator.importer.problem import ImportRefused
from emulator.importer.sources import Source
from tests.fake.made_up import push_tokens
from tests.importer.tables import text_of

FIELDS = ["CustomNumber1", "email"]


def layout_of(folder: Path, rows: list[list[str]]) -> Layout:
    path = folder / "t.csv"
    path.write_text(text_of(rows), encoding="utf-8", newline="")
    return read_layout(Source(path))


def guessed(folder: Path, rows: list[list[str]], provider: str | None = None) -> Guess:
    return guess(describe_columns(layout_of(folder, rows), FIELDS, provider))


@pytest.mark.parametrize(
    "provider", ["android-firebase", "ios-apns", "android-huawei", "yandex-Appmetrica-google-aid"]
)
def test_a_column_of_tokens_is_a_token_and_one_of_24_hex_digits_an_id(tmp_path: Path, provider: str) -> None:
    tokens = push_tokens()
    rows = [[f"{n:024x}", "x", tokens.push_token(provider)] for n in range(9)]
    assert guessed(tmp_path, rows) == Guess("#3", "id:#1", None)
    assert guessed(tmp_path, [["who", "what", "which"], *rows]) == Guess("which", "id:who", None)


def test_a_column_of_digits_is_a_token_only_where_the_provider_has_such_tokens(tmp_path: Path) -> None:
    tokens = push_tokens()
    provider = "yandex-Appmetrica-device-id-ios"
    rows = [["CustomNumber1", "b"], *([str(n), tokens.push_token(provider)] for n in range(9))]
    assert guessed(tmp_path, rows) == Guess(None, None, None)
    assert guessed(tmp_path, rows, provider) == Guess("b", "field:CustomNumber1=CustomNumber1", None)


@pytest.mark.parametrize(
    "name", ["token", "Push Token", "push_token", "subscription_id", "device-token", "Токен"]
)
def test_a_header_names_the_tokens(tmp_path: Path, name: str) -> None:
    assert guessed(tmp_path, [[name, "b"], ["t1", "1"]]) == Guess(name, "push", None)


def test_a_declared_field_is_what_finds_the_profile(tmp_path: Path) -> None:
    rows = [["E-Mail", "token"], ["a@example.com", "t1"]]
    assert guessed(tmp_path, rows) == Guess("token", "field:email=E-Mail", None)


def test_nothing_is_guessed_where_nothing_speaks_for_it(tmp_path: Path) -> None:
    assert guessed(tmp_path, [["a", "b"], ["1", "2"]]) == Guess(None, None, None)


def test_a_column_is_found_by_header_or_number(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, [["who", " token ", "#1"], ["1", "2", "3"]])
    assert [column_index(layout, "match", named) for named in ("who", "token", "#2", "#1")] == [0, 1, 1, 2]


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ("tokn", 'there is no column "tokn", did you mean "token"?'),
        ("zzz", 'there is no column "zzz"; there are "who", "token", "who"'),
        ("who", '"who" names several columns: say which by number, #1, #3'),
        ("#4", "there is no column #4: the first row has 3"),
        ("#" + "9" * 5000, f"there is no column #{'9' * 5000}: the first row has 3"),
        ("#0", "there is no column #0: the first row has 3"),
    ],
)
def test_a_column_that_is_not_there_is_told_with_those_that_are(
    tmp_path: Path, named: str, said: str
) -> None:
    layout = layout_of(tmp_path, [["who", "token", "who"], ["1", "2", "3"]])
    with pytest.raises(ImportRefused) as missing:
        column_index(layout, "match", named)
    assert [str(one) for one in missing.value.problems] == [f"match: {said}"]


def test_without_a_header_columns_have_numbers_only(tmp_path: Path) -> None:
    layout = layout_of(tmp_path, [["1", "2"], ["3", "4"]])
    with pytest.raises(ImportRefused, match="name a column by its number, #1 to #2"):
        column_index(layout, "match", "token")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("push", Match("push")),
        ("id:profile", Match("id", "profile")),
        ("id:#1", Match("id", "#1")),
        ("field:CustomNumber1=Kunde: Nr=1", Match("field", "Kunde: Nr=1", "CustomNumber1")),
    ],
)
def test_matching_is_written_as_it_is_read(text: str, match: Match) -> None:
    assert parse_match(text) == match
    assert str(match) == text


@pytest.mark.parametrize(
    "text", ["", "id", "id:", "field:", "field:x", "field:=x", "field:x=", "email:x", "PUSH"]
)
def test_any_other_matching_is_refused(text: str) -> None:
    with pytest.raises(ImportRefused, match="match: must be id:COLUMN, field:NAME=COLUMN or push"):
        parse_match(text)
