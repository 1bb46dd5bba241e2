"""Whatever file is imported: a refusal or a report, never a surprise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emulator.importer.checking import check_plan
from emulator.importer.execution import Import
from emulator.importer.layout import read_layout
from emulator.importer.plan import ImportPlan, parse_match
from emulator.importer.problem import ImportRefused
from emulator.importer.sources import Source
from emulator.workspaces.workspace import Workspace
from tests.fuzz.requests import damaged_bytes
from tests.fuzz.settings import LENGTH
from tests.in_process import InProcess
from tests.server import PAGE_TOKEN

#: A dry run stops here: one damaged file can have any number of rows.
MOST_STEPS = 50

CELLS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["token", "59db33d269d426509e9c4bf9", "100", '"', "a;b", "a,b", "=1+1", "", "я"]
)


@st.composite
def _tables(draw: st.DrawFn) -> bytes:
    delimiter = draw(st.sampled_from([",", ";", "\t", "|"]))
    end = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    rows = [
        ["id", "CustomNumber1", "token"],
        *draw(st.lists(st.lists(CELLS, min_size=1, max_size=4), max_size=6)),
    ]
    text = end.join(delimiter.join(row) for row in rows)
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "windows-1251"])), "replace")


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with InProcess(state=tmp_path_factory.mktemp("state")) as running:
        yield running.emulator.workspaces.default


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("file") / "tokens.csv"


@LENGTH
@given(content=damaged_bytes(_tables()))
def test_telling_how_a_file_is_written(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    with suppress(ImportRefused):
        layout = read_layout(Source(file))
        assert all(isinstance(cell, str) for row in layout.sample for cell in row)


@LENGTH
@given(
    content=damaged_bytes(_tables()),
    match=st.sampled_from(["push", "id:#1", "field:CustomNumber1=#2"]),
    dry_run=st.booleans(),
    header=st.sampled_from([True, False, None]),
)
def test_importing_a_file(
    file: Path, workspace: Workspace, content: bytes, match: str, dry_run: bool, header: bool | None
) -> None:
    file.write_bytes(content)
    plan = ImportPlan(
        PAGE_TOKEN, "android-firebase", parse_match(match), "#3", header=header, dry_run=dry_run
    )
    before = (workspace.store.profile_count, workspace.store.subscription_count)
    try:
        importing = Import(check_plan(plan, Source(file), workspace.store), workspace)
    except ImportRefused:
        return
    try:
        for _ in range(MOST_STEPS):
            if not importing.step():
                break
    finally:
        importing.close()
    counts = importing.description.counts
    assert counts["added"] + counts["changed"] + counts["unchanged"] + counts["refused"] >= counts["rows"]
    if dry_run:
        assert (workspace.store.profile_count, workspace.store.subscription_count) == before
