"""A dry run changes nothing, and its numbers are those of the real run."""

from __future__ import annotations

import tempfile
import weakref
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from emulator.importer.report import Description
from emulator.loop.gc_pause import collections_paused
from emulator.rules.model import Policies
from emulator.workspaces.workspace import Workspace
from tests.importer.tables import everything, imported, in_memory, plan, text_of

BORIS, OLDER = "5fb62e815ae47a4aa04dfadd", "637f1a284fda7c5c08be62f0"
VALUES = {
    "push": st.just("x"),
    "id:#1": st.sampled_from([BORIS, OLDER, "0" * 24, "other", "", "x" * 65]),
    "field:CustomNumber1=#1": st.sampled_from(["100", "+100", "777", "5", "6", "", "x"]),
}
TOKENS = st.sampled_from(
    ["active-token", "inactive-token", "came-back-token", "taken-token", "a:1", "b:2", ""]
)
CASES = st.sampled_from(sorted(VALUES)).flatmap(
    lambda match: st.tuples(
        st.just(match), st.lists(st.tuples(VALUES[match], TOKENS), min_size=1, max_size=25)
    )
)
POLICIES = [Policies(), Policies(duplicate_token="move"), Policies(unknown_id="new")]


def run(workspace: Workspace, path: Path, match: str, dry_run: bool, resource_id: int = 5) -> Description:
    return imported(workspace, path, plan(match, "#2", resource=resource_id, dry_run=dry_run))


@given(CASES, st.sampled_from([5, 22]), st.sampled_from(POLICIES))
@settings(max_examples=40, deadline=None)
def test_a_dry_run_tells_what_the_real_one_does(
    case: tuple[str, list[tuple[str, str]]], resource_id: int, policies: Policies
) -> None:
    match, rows = case
    assume(any(value.strip() or token.strip() for value, token in rows))  # blank rows alone are no rows
    workspace = in_memory()
    workspace.set_settings(replace(workspace.settings, policies=policies))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        path.write_text(text_of([["value", "token"], *map(list, rows)]), newline="")
        before = everything(workspace)
        dry = run(workspace, path, match, True, resource_id)
        assert everything(workspace) == before
        real = run(workspace, path, match, False, resource_id)
    assert dry.counts == real.counts
    assert dry.refusals == real.refusals
    assert dry.up_to_line == real.up_to_line


def test_a_dry_run_leaves_ids_counts_and_files_alone(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,token\n,new:1\n,new:2\n")
    files = {one: one.read_bytes() for one in (tmp_path / "state").iterdir()}
    assert run(workspace, path, "push", True).counts["added"] == 2
    assert {one: one.read_bytes() for one in (tmp_path / "state").iterdir()} == files
    assert not workspace.metrics.rules
    other = in_memory()
    assert workspace.ids.profile_id() == other.ids.profile_id()


@pytest.mark.parametrize("match", ["push", "id:#1"])
def test_a_dry_run_holds_one_record_for_each_token_not_for_each_row(
    workspace: Workspace, tmp_path: Path, match: str
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,token\n" + f"{BORIS},new:1\n{BORIS},new:2\n" * 500)
    report = run(workspace, path, match, True)
    assert (report.counts["added"], report.counts["unchanged"]) == (2, 998)


def test_the_state_of_a_dry_run_goes_with_the_run(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,token\n,new:1\n")
    states = []
    fork = Workspace.fork

    def watched(self: Workspace) -> Workspace:
        made = fork(self)
        states.append(weakref.ref(made.store.storage.state))
        return made

    monkeypatch.setattr(Workspace, "fork", watched)
    with collections_paused():
        run(workspace, path, "push", True)
        assert [state() for state in states] == [None]
