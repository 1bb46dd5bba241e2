"""The checks before an import starts: the resource, the provider, the columns, a look at the tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from emulator.importer.checking import Checked, check_plan
from emulator.importer.problem import ImportRefused
from emulator.importer.sources import Source
from emulator.workspaces.workspace import Workspace
from tests.fake.made_up import push_tokens
from tests.importer.tables import plan, started, text_of


def checked(workspace: Workspace, folder: Path, rows: list[list[str]], **its_plan: Any) -> Checked:
    path = folder / "t.csv"
    path.write_text(text_of(rows), encoding="utf-8", newline="")
    return check_plan(plan(**its_plan), Source(path), workspace.store)


def remarks(workspace: Workspace, folder: Path, rows: list[list[str]], **its_plan: Any) -> list[str]:
    path = folder / "t.csv"
    path.write_text(text_of(rows), encoding="utf-8", newline="")
    return list(map(str, started(workspace, path, plan(**its_plan)).description.lints))


def problems(workspace: Workspace, folder: Path, **its_plan: Any) -> list[str]:
    with pytest.raises(ImportRefused) as refused:
        checked(workspace, folder, [["profile", "token"], ["1", "t1"]], **its_plan)
    return [str(problem) for problem in refused.value.problems]


@pytest.mark.parametrize("resource", [5, "5", "3LXP2FRcRxJ-7b14db88ec937f14"])
def test_the_resource_is_named_by_token_or_id(
    workspace: Workspace, tmp_path: Path, resource: str | int
) -> None:
    assert checked(workspace, tmp_path, [["token"], ["t1"]], resource=resource).resource.id == 5


@pytest.mark.parametrize("resource", ["x", "", "9" * 5000])
def test_B4_an_unknown_resource_is_refused(workspace: Workspace, tmp_path: Path, resource: str) -> None:
    assert problems(workspace, tmp_path, resource=resource)[0].startswith(
        "resource: there is no resource with this token or id; there are 5 (App), 22"
    )


def test_B3_a_resource_without_databases_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    assert problems(workspace, tmp_path, resource=9) == ["resource: 9 (No databases yet) has no databases"]


def test_S6_a_provider_nobody_knows_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    assert problems(workspace, tmp_path, provider="android") == ['provider: unknown provider "android"']


def test_S6_a_provider_that_the_resource_does_not_accept_is_refused(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert problems(workspace, tmp_path, resource=40, provider="ios-apns") == [
        "provider: ios-apns is not configured for the resource 40; "
        "it accepts android-firebase, ios-firebase, android-rustore"
    ]


def test_a_column_that_is_not_there_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    assert problems(workspace, tmp_path, token_column="tokn", match="id:profil") == [
        'token_column: there is no column "tokn", did you mean "token"?',
        'match: there is no column "profil", did you mean "profile"?',
    ]


def test_one_column_cannot_be_both(workspace: Workspace, tmp_path: Path) -> None:
    assert problems(workspace, tmp_path, match="id:token") == ["match: is the same column as the tokens"]


def test_M4_a_field_that_no_database_declares_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    text = problems(workspace, tmp_path, resource=22, match="field:nickname=profile")[0]
    assert text == ('match: no database declares the field "nickname"; there are CustomNumber1, email, card')


def test_M4_a_field_that_some_databases_declare_is_remarked_on(workspace: Workspace, tmp_path: Path) -> None:
    rows = [["number", "token"], ["1", "t1"]]
    lints = checked(workspace, tmp_path, rows, resource=22, match="field:CustomNumber1=number").lints
    assert str(lints[0]) == 'database 2 does not declare "CustomNumber1": every row is refused there (M4)'


def test_all_problems_are_told_at_once(workspace: Workspace, tmp_path: Path) -> None:
    said = problems(workspace, tmp_path, resource="x", token_column="y", match="id:z", encoding="klingon")
    assert [text.partition(":")[0] for text in said] == ["resource", "encoding"]
    said = problems(workspace, tmp_path, resource="x", token_column="y", match="id:z")
    assert [text.partition(":")[0] for text in said] == ["resource", "token_column", "match"]


def test_L3_tokens_that_do_not_look_like_the_providers_are_counted(
    workspace: Workspace, tmp_path: Path
) -> None:
    made = push_tokens()
    tokens = [made.push_token("ios-apns" if n < 88 else "android-firebase") for n in range(900)]
    rows = [["token"], *([token] for token in tokens)]
    assert remarks(workspace, tmp_path, rows, provider="ios-apns") == [
        "812 of 900 tokens do not look like ios-apns: "
        "they should be an even number of hex digits, 64 or more (L3)"
    ]


def test_rows_spaces_and_double_headers_are_remarked_on(workspace: Workspace, tmp_path: Path) -> None:
    rows = [["token", "a", "a"], [" t1", "", ""], ["t2", ""], ["t3", "", ""]]
    assert remarks(workspace, tmp_path, rows, provider="android-huawei") == [
        'several columns are named "a"',
        "1 of 2 tokens begin or end with a space, which is kept",
        "1 of 3 rows do not have 3 cells or cannot be read; the first is in line 3",
    ]


def test_a_good_plan_has_nothing_to_remark(workspace: Workspace, tmp_path: Path) -> None:
    tokens = push_tokens()
    rows = [["token"], *([tokens.push_token("android-firebase")] for _ in range(20))]
    assert remarks(workspace, tmp_path, rows) == []
