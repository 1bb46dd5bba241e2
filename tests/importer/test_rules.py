"""Each row goes through the rules exactly as a request would; a bad one is refused and stops nobody."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from emulator.importer.report import Description
from emulator.rules.decide import decide
from emulator.rules.errors import Refused
from emulator.rules.model import (
    Changes,
    Database,
    FieldType,
    Policies,
    Profile,
    PushRequest,
    Resource,
    SubscriptionRequest,
)
from emulator.store.configuring import add_database, add_resource
from emulator.workspaces.clock import ClockSetting
from emulator.workspaces.workspace import Workspace
from tests.importer.tables import PROVIDER, everything, holder_of, imported, in_memory, plan, text_of
from tests.server import PAGE_TOKEN

ANNA, BORIS = "59db33d269d426509e9c4bf9", "5fb62e815ae47a4aa04dfadd"


def run(
    workspace: Workspace, folder: Path, rows: list[list[str]], match: str = "push", **more: object
) -> Description:
    path = folder / "t.csv"
    path.write_text(text_of(rows), encoding="utf-8", newline="")
    return imported(workspace, path, plan(match, "#2", **more))  # type: ignore[arg-type]


def refusals(report: Description) -> list[tuple[int, int | None, str]]:
    return [(one.line, one.db_id, str(one.reason)) for one in report.refusals]


def test_S1_new_tokens_are_added_to_found_profiles(workspace: Workspace, tmp_path: Path) -> None:
    rows = [["number", "token"], ["100", "new:1"], ["200", "new:2"]]
    report = run(workspace, tmp_path, rows, "field:CustomNumber1=number")
    assert report.counts == Counter(rows=2, profiles_found=2, added=2)
    assert (holder_of(workspace, "new:1"), holder_of(workspace, "new:2")) == (ANNA, BORIS)


def test_S2_an_inactive_token_comes_back(workspace: Workspace, tmp_path: Path) -> None:
    report = run(workspace, tmp_path, [["id", "token"], [BORIS, "inactive-token"]], "id:id")
    assert report.counts == Counter(rows=1, profiles_found=1, changed=1)


def test_S3_what_is_there_is_unchanged(workspace: Workspace, tmp_path: Path) -> None:
    before = everything(workspace)
    report = run(workspace, tmp_path, [["id", "token"], [BORIS, "active-token"]], "id:id")
    assert report.counts == Counter(rows=1, profiles_found=1, unchanged=1)
    assert everything(workspace) == before


def test_S4_a_token_of_another_profile_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    rows = [["id", "token"], [BORIS, "taken-token"], [ANNA, "new:1"], [BORIS, "new:1"]]
    report = run(workspace, tmp_path, rows, "id:id")
    assert refusals(report) == [
        (2, 17, "Duplicate push subscription"),
        (4, 17, "Duplicate push subscription"),
    ]
    assert report.counts["added"] == 1


def test_S4_or_moved_where_the_workspace_says_so(workspace: Workspace, tmp_path: Path) -> None:
    workspace.settings = replace(workspace.settings, policies=Policies(duplicate_token="move"))
    report = run(workspace, tmp_path, [["id", "token"], [BORIS, "taken-token"]], "id:id")
    assert (report.counts["added"], report.refusals) == (1, [])
    assert holder_of(workspace, "taken-token") == BORIS


def test_a_token_twice_in_a_file_is_unchanged_the_second_time(workspace: Workspace, tmp_path: Path) -> None:
    report = run(workspace, tmp_path, [["x", "token"], ["", "new:1"], ["", "new:1"]])
    assert report.counts == Counter(rows=2, profiles_created=1, profiles_found=1, added=1, unchanged=1)


def test_M6_M8_an_unknown_id_makes_a_profile_with_it(workspace: Workspace, tmp_path: Path) -> None:
    report = run(workspace, tmp_path, [["id", "token"], ["customer-1", "new:1"]], "id:id")
    assert report.counts == Counter(rows=1, profiles_created=1, added=1)
    assert holder_of(workspace, "new:1") == "customer-1"


def test_M4_each_database_answers_for_itself(workspace: Workspace, tmp_path: Path) -> None:
    rows = [["number", "token"], ["12345", "new:1"]]
    report = run(workspace, tmp_path, rows, "field:CustomNumber1=number", resource=22)
    assert refusals(report) == [(2, 2, "matching error: unknown field")]
    assert report.counts == Counter(rows=1, profiles_found=1, added=1, refused=1)
    assert holder_of(workspace, "new:1", 34, 22) == "6156ed18eb7fec10a206e916"


@pytest.mark.parametrize(
    ("match", "row", "db_id", "reason"),
    [
        ("push", ["x", ""], None, "the token is empty"),
        ("push", ["a"], None, "has 1 cell, not 2"),
        ("push", ["a", "b", "c"], None, "has 3 cells, not 2"),
        ("push", ["", "a\0b"], None, "must not contain NUL"),
        (
            "push",
            ["", "a\ufffdb"],
            None,
            "has U+FFFD, which stands for a character that another program could not read",
        ),
        ("id:#1", ["", "t:1"], None, 'id: is required with matching "profile_id"'),
        ("id:#1", ["x" * 65, "t:1"], None, "id: must be at most 64 printable characters"),
        ("id:#1", ["a\tb", "t:1"], None, "id: must be at most 64 printable characters"),
        ("id:#1", ["a\0b", "t:1"], None, "must not contain NUL"),
        ("field:CustomNumber1=#1", ["", "t:1"], None, 'field_value: is required with matching "custom"'),
        ("field:CustomNumber1=#1", ["12x", "t:1"], 17, "matching error: invalid field value"),
        ("field:CustomNumber1=#1", ["=cmd|' /C calc'!A0", "t:1"], 17, "matching error: invalid field value"),
        ("field:birthday=#1", ["31.02.1990", "t:1"], 17, "matching error: invalid field value"),
    ],
)
def test_a_bad_row_is_refused_with_its_line_and_reason(
    workspace: Workspace, tmp_path: Path, match: str, row: list[str], db_id: int | None, reason: str
) -> None:
    value = {"id:#1": ANNA, "field:CustomNumber1=#1": "100", "field:birthday=#1": "1990-02-28"}.get(match, "")
    rows = [["value", "token"], [value, "first:1"], row, [value, "last:2"]]
    report = run(workspace, tmp_path, rows, match)
    assert refusals(report) == [(3, db_id, reason)]
    assert report.state == "finished"
    assert report.counts["added"] == 2
    assert holder_of(workspace, "last:2")


def test_blank_lines_are_no_rows(workspace: Workspace, tmp_path: Path) -> None:
    assert run(workspace, tmp_path, [["x", "token"], [], ["", "new:1"], []]).counts["rows"] == 1


def test_a_repeated_import_changes_nothing(workspace: Workspace, tmp_path: Path) -> None:
    rows = [["id", "token"], *([f"{n % 50:024x}", f"new:{n % 90}"] for n in range(200))]
    first = run(workspace, tmp_path, rows, "id:id")
    state = everything(workspace)
    second = run(workspace, tmp_path, rows, "id:id")
    assert everything(workspace) == state
    assert (second.counts["added"], second.counts["changed"], second.counts["profiles_created"]) == (0, 0, 0)
    assert refusals(second) == refusals(first)
    assert second.counts["unchanged"] + second.counts["refused"] == 200


def test_the_rules_that_decided_are_counted(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path, [["x", "token"], ["", "new:1"], ["", "new:1"]])
    assert workspace.metrics.rules == {"M1": 2, "M6": 1, "S1": 1, "M11": 1, "S3": 1}


def test_a_fresh_request_finds_an_imported_token_unchanged(workspace: Workspace, tmp_path: Path) -> None:
    run(workspace, tmp_path, [["number", "token"], ["100", "new:1"]], "field:CustomNumber1=number")
    request = PushRequest(PAGE_TOKEN, [SubscriptionRequest(PROVIDER, "new:1")])
    outcome = decide(request, workspace.store, workspace.settings.policies, workspace.clock, workspace.ids)
    assert outcome.items == [
        {"db_id": 17, "description": "", "profile_id": ANNA, "resource_id": 5, "status": "ok"}
    ]


#: The first id that a workspace of the property makes; a profile of database 90 has it already.
MADE = "6955b900912265b1f5204f95"
#: Two that read a value differently.
DATABASES = [
    Database(90, "Numbers", {"CustomNumber1": FieldType("int")}),
    Database(91, "Texts", {"CustomNumber1": FieldType("string")}),
]
FIELD = "field:CustomNumber1=#1"
VALUES = {
    "push": st.just("x"),
    "id:#1": st.sampled_from([ANNA, BORIS, MADE, "0" * 24, "other", "", "x" * 65]),
    FIELD: st.sampled_from(["100", "+100", "777", "+777", "5", "", "x"]),
}
TOKENS = st.sampled_from(
    ["active-token", "inactive-token", "came-back-token", "taken-token", "a:1", "b:2", "c:3"]
)


@given(
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda match: st.tuples(
            st.just(match), st.lists(st.tuples(VALUES[match], TOKENS), min_size=1, max_size=20)
        )
    ),
    st.sampled_from([5, 22, 90]),
    st.sampled_from([Policies(), Policies(duplicate_token="move"), Policies(unknown_id="new")]),
    st.sampled_from([1, 7, 20]),
)
@example((FIELD, [("777", "a:1"), ("+777", "b:2")]), 90, Policies(), 20)
@example(("push", [("x", "a:1"), ("x", "b:2")]), 90, Policies(), 20)
@example(("id:#1", [("other", "a:1"), (MADE, "b:2")]), 5, Policies(unknown_id="new"), 20)
@settings(max_examples=30, deadline=None)
def test_rows_do_what_the_same_requests_do(
    case: tuple[str, list[tuple[str, str]]], resource_id: int, policies: Policies, at_a_time: int
) -> None:
    match, rows = case
    by_import, by_request = in_memory(), in_memory()
    for one in (by_import, by_request):
        one.set_clock(ClockSetting(1_767_225_600_000))
        one.reset(keep=["clock"])
        one.settings = replace(one.settings, policies=policies)
        for database in DATABASES:
            add_database(one.store, database)
        add_resource(one.store, Resource(90, "App", "both", [90, 91]))
        one.store.apply(Changes([Profile(MADE, 90)]))
    assert by_import.ids.profile_id() == MADE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_text(text_of([["value", "token"], *map(list, rows)]), encoding="utf-8", newline="")
        imported(by_import, path, plan(match, "#2", resource=resource_id), at_a_time)
    for value, token in rows:
        _ask(by_request, match, resource_id, value, token)
    assert everything(by_import) == everything(by_request)


def _ask(workspace: Workspace, match: str, resource_id: int, value: str, token: str) -> None:
    resource_token = next(one.token for one in workspace.store.resources() if one.id == resource_id)
    request = PushRequest(resource_token, [SubscriptionRequest(PROVIDER, token)])
    if match.startswith("id"):
        request.matching, request.id = "profile_id", value or None
    elif match.startswith("field"):
        request.matching, request.field_name, request.field_value = "custom", "CustomNumber1", value or None
    try:
        outcome = decide(
            request, workspace.store, workspace.settings.policies, workspace.clock, workspace.ids
        )
    except Refused:
        return
    if outcome.changes:
        workspace.store.apply(outcome.changes)


def test_long_cells_of_a_refused_row_are_cut(workspace: Workspace, tmp_path: Path) -> None:
    [refused] = run(workspace, tmp_path, [["id", "token"], ["x" * 100_000, "t" * 400]], "id:id").refusals
    assert (len(refused.value), refused.value[270:280]) == (297, "xxxxxx…xxx")
    assert refused.token == "t" * 276 + "…" + "t" * 20
