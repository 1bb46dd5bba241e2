"""The column with the status of each row's subscription."""

from __future__ import annotations

import io
import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask import Flask
from msgspec.structs import replace

from emulator.cli.import_ import command
from emulator.importer.columns import describe_columns, guess
from emulator.importer.layout import read_layout
from emulator.importer.problem import ImportRefused
from emulator.importer.sources import Source
from emulator.rules.model import PushKey
from emulator.workspaces.workspace import Workspace
from tests.importer.tables import PROVIDER, everything, holder_of, imported, plan, started, text_of

ANNA, BORIS = "59db33d269d426509e9c4bf9", "5fb62e815ae47a4aa04dfadd"


def table(folder: Path, *rows: tuple[str, ...], header: tuple[str, ...] = ("id", "token", "status")) -> Path:
    path = folder / "t.csv"
    path.write_text(text_of([header, *rows]), encoding="utf-8", newline="")
    return path


def status_of(workspace: Workspace, token: str, profile_id: str) -> str | None:
    own = workspace.store.find_own(PushKey(17, 5, PROVIDER, token), profile_id)
    return None if own is None else own.status


@pytest.mark.parametrize("column", ["status", "#3"])
def test_each_row_gets_its_status_whatever_its_case_and_blank_subscribes(
    workspace: Workspace, tmp_path: Path, column: str
) -> None:
    words = ("SUSPENDED", " suspended ", "Subscribed", "", "  ", "unSubscribed")
    path = table(tmp_path, *((ANNA, f"new:{number}", word) for number, word in enumerate(words)))
    report = imported(workspace, path, plan("id:id", status_column=column))
    assert report.counts == Counter(
        rows=6, profiles_found=6, added=5, unchanged=1, subscribed=3, suspended=2, unsubscribed=1
    )
    found = [status_of(workspace, f"new:{number}", ANNA) for number in range(6)]
    assert found == ["suspended"] * 2 + ["subscribed"] * 3 + [None]  # S3: nothing to unsubscribe


def test_a_row_changes_the_status_of_what_is_there(workspace: Workspace, tmp_path: Path) -> None:
    words = ("suspended", "suspended", "", "unsubscribed", "suspended", "subscribed")
    effects = ("changed", "unchanged", "changed", "changed", "changed", "changed")
    for word, effect in zip(words, effects, strict=True):
        report = imported(
            workspace, table(tmp_path, (BORIS, "active-token", word)), plan("id:id", status_column="status")
        )
        assert report.counts[effect] == 1, word
        assert status_of(workspace, "active-token", BORIS) == (word or "subscribed")


def test_a_suspended_row_takes_no_token_from_another_profile(workspace: Workspace, tmp_path: Path) -> None:
    holder = holder_of(workspace, "taken-token")
    assert holder not in (None, BORIS)
    path = table(tmp_path, (BORIS, "taken-token", ""), (BORIS, "taken-token", "suspended"))
    report = imported(workspace, path, plan("id:id", status_column="status"))
    assert [(one.line, str(one.reason)) for one in report.refusals] == [(2, "Duplicate push subscription")]
    assert status_of(workspace, "taken-token", BORIS) == "suspended"
    assert holder_of(workspace, "taken-token") == holder


def test_an_imported_suspension_moves_no_token(workspace: Workspace, tmp_path: Path) -> None:
    policies = replace(workspace.settings.policies, duplicate_token="move")
    workspace.settings = replace(workspace.settings, policies=policies)
    holder = holder_of(workspace, "taken-token")
    path = table(tmp_path, (BORIS, "taken-token", "suspended"))
    imported(workspace, path, plan("id:id", status_column="status"))
    assert holder_of(workspace, "taken-token") == holder


@pytest.mark.parametrize("word", ["active", "1", "suspend", "NULL", "подписан", "subscribed,", "-"])
def test_any_other_word_is_refused_with_its_line_and_what_would_be_right(
    workspace: Workspace, tmp_path: Path, word: str
) -> None:
    before = everything(workspace)
    its_plan = plan("id:id", status_column="status")
    path = table(tmp_path, (ANNA, "new:1", word))
    refused = imported(workspace, path, its_plan).refusals
    text = f'"{word}" is no status: it must be subscribed, suspended, unsubscribed or empty'
    assert [(one.line, one.db_id, str(one.reason)) for one in refused] == [(2, None, text)]
    assert everything(workspace) == before


def test_the_statuses_are_counted_before_anything_is_written(workspace: Workspace, tmp_path: Path) -> None:
    words = ["suspended"] * 3 + ["", "SUBSCRIBED"] + ["unsubscribed"] + ["gone", "away"]
    path = table(tmp_path, *((ANNA, f"new:{number}", word) for number, word in enumerate(words)))
    before = everything(workspace)
    importing = started(workspace, path, plan("id:id", status_column="status"))
    notes = list(map(str, importing.description.lints))
    importing.close()
    assert "statuses of the rows: 2 subscribed, 3 suspended, 1 unsubscribed" in notes
    odd = (
        '2 of 8 rows have no known status, such as "gone" in line 8: '
        "write subscribed, suspended, unsubscribed or leave it empty"
    )
    assert odd in notes
    assert everything(workspace) == before


@pytest.mark.parametrize("column", ["token", "id", "#1"])
def test_the_statuses_have_a_column_of_their_own(workspace: Workspace, tmp_path: Path, column: str) -> None:
    path = table(tmp_path, (ANNA, "new:1", ""))
    with pytest.raises(ImportRefused, match="status_column: is the column of the tokens"):
        started(workspace, path, plan("id:id", status_column=column))
    with pytest.raises(ImportRefused, match=r'status_column: .* did you mean "status"'):
        started(workspace, path, plan("id:id", status_column="statu"))


@pytest.mark.parametrize(
    ("name", "words", "proposed"),
    [
        ("status", ("suspended", ""), "status"),
        ("status", ("Subscribed", "UNSUBSCRIBED"), "status"),
        ("status", ("suspended", "gold"), None),
        ("status", ("", ""), None),
        ("state", ("suspended", "suspended"), None),
        ("Status", ("suspended", "suspended"), None),
    ],
)
def test_a_column_is_proposed_if_it_is_called_status_and_its_values_fit(
    tmp_path: Path, name: str, words: tuple[str, ...], proposed: str | None
) -> None:
    rows = [(ANNA, "a" * 40 + str(number), word) for number, word in enumerate(words)]
    path = table(tmp_path, *rows, header=("id", "token", name))
    assert guess(describe_columns(read_layout(Source(path)), [])).status_column == proposed


def test_a_column_that_no_plan_names_is_never_read(workspace: Workspace, tmp_path: Path) -> None:
    path = table(tmp_path, (ANNA, "new:1", "suspended"), (ANNA, "new:2", "gold"))
    report = imported(workspace, path, plan("id:id"))
    assert report.counts == Counter(rows=2, profiles_found=2, added=2)
    assert holder_of(workspace, "new:1") == ANNA


def test_a_dry_run_counts_what_the_import_then_does(workspace: Workspace, tmp_path: Path) -> None:
    words = ("suspended", "subscribed", "suspended", "unsubscribed", "x", "suspended")
    path = table(tmp_path, *((one, "new:1", word) for word in words for one in (ANNA, BORIS)))
    its_plan = plan("id:id", status_column="status")
    dry = imported(workspace, path, plan("id:id", status_column="status", dry_run=True))
    assert dry.counts == imported(workspace, path, its_plan).counts


def test_the_command_has_the_option_and_proposes_it(tmp_path: Path) -> None:
    path = table(tmp_path, (ANNA, "new:" + "a" * 40, "Suspended"), (ANNA, "new:" + "b" * 40, ""))
    how = [str(path), "--resource", "5", "--provider", PROVIDER, "--state", str(tmp_path / "state")]
    assert "--status-column 'status'" in CliRunner().invoke(command, how, standalone_mode=False).stdout
    chosen = ["--match", "id:id", "--token-column", "token", "--status-column", "status"]
    report = tmp_path / "report.csv"
    ended = CliRunner().invoke(command, [*how, *chosen, "--report", str(report)], standalone_mode=False)
    assert ended.return_value == 0
    assert "note: statuses of the rows: 1 subscribed, 1 suspended, 0 unsubscribed" in ended.stderr
    assert "  rows suspended                     1\n" in ended.stdout
    assert "rows suspended,1,,,,," in report.read_text()


def test_the_api_takes_the_column_and_previews_it(app: Flask) -> None:
    content = f"id,token,status\n{ANNA},{'a' * 40},suspended\n".encode()

    def send(path: str, **its_plan: object) -> dict[str, object]:
        data = {"file": (io.BytesIO(content), "t.csv"), "plan": json.dumps(its_plan)}
        answer = app.test_client().post(path, data=data)
        assert answer.status_code in (200, 202), answer.text
        found: dict[str, object] = answer.get_json()
        return found

    where = {"resource": 5, "provider": PROVIDER}
    shown = send("/__admin/import/preview", **where)
    assert shown["guess"] == {"token_column": "token", "match": "id:id", "status_column": "status"}
    assert "statuses of the rows: 0 subscribed, 1 suspended, 0 unsubscribed" in shown["lints"]  # type: ignore[operator]
    job = send("/__admin/import", match="id:id", token_column="token", status_column="status", **where)
    assert job["status_column"] == "status"
    assert job["counts"]["suspended"] == 1  # type: ignore[index]
    job = send("/__admin/import", match="id:id", token_column="token", status_column=None, **where)
    assert "suspended" not in job["counts"]  # type: ignore[operator]
