"""An import goes in steps, each one transaction; whole batches stay, and the report knows how far it came."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from emulator.importer.sources import Source
from emulator.importer.survey import Survey, first_remarks
from emulator.rules.keys import subscription_hash_id
from emulator.rules.model import Changes, Database, FieldType, Profile, PushKey, Resource
from emulator.store.configuring import add_database, add_resource, change_database
from emulator.store.state_on_disk import MOST_AT_ONCE
from emulator.store.tinydb_store import TinyDBStore
from emulator.workspaces.workspace import Workspace
from tests.importer.tables import PROVIDER, everything, holder_of, imported, plan, started


def table(folder: Path, rows: int) -> Path:
    path = folder / "t.csv"
    path.write_text("x,token\n" + "".join(f",new:{number}\n" for number in range(rows)))
    return path


def test_a_step_takes_at_most_so_many_rows(workspace: Workspace, tmp_path: Path) -> None:
    importing = started(workspace, table(tmp_path, 10), plan())
    rows = []
    while importing.step(4):
        rows.append(importing.description.counts["rows"])
    assert (rows, importing.description.counts["rows"]) == ([4, 8], 10)
    assert importing.description.state == "finished"
    assert importing.progress == (1.0, 0.0)


def test_a_step_that_may_take_no_time_still_takes_a_row(workspace: Workspace, tmp_path: Path) -> None:
    importing = started(workspace, table(tmp_path, 3), plan())
    while importing.step(1000, 0.0):
        assert importing.description.up_to_line == importing.description.counts["rows"] + 1
    assert importing.description.counts["added"] == 3


def test_a_table_that_ends_with_a_step_ends_well(workspace: Workspace, tmp_path: Path) -> None:
    assert imported(workspace, table(tmp_path, 8), rows=4).counts["added"] == 8


def test_others_may_change_the_state_between_two_steps(workspace: Workspace, tmp_path: Path) -> None:
    importing = started(workspace, table(tmp_path, 4), plan())
    importing.step(2)
    imported(workspace, table(tmp_path, 4))
    while importing.step(2):
        pass
    assert importing.description.counts["added"] == 2
    assert importing.description.counts["unchanged"] == 2


def test_a_cancelled_import_keeps_its_batches_and_says_up_to_where(
    workspace: Workspace, tmp_path: Path
) -> None:
    importing = started(workspace, table(tmp_path, 10), plan())
    importing.step(4)
    importing.cancel()
    assert not importing.step(4)
    report = importing.description
    assert (report.state, report.up_to_line, report.counts["added"]) == ("cancelled", 5, 4)
    assert holder_of(workspace, "new:3")
    assert not holder_of(workspace, "new:4")


def test_B4_a_resource_that_goes_away_ends_the_import(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    importing = started(workspace, table(tmp_path, 10), plan())
    importing.step(4)
    monkeypatch.setattr(workspace.store, "find_resource", lambda token: None)
    assert not importing.step(4)
    ended = importing.description
    assert (ended.state, str(ended.problem), ended.counts["rows"]) == ("failed", "Resource not found", 4)


def test_M5_values_are_read_as_the_field_is_declared_at_each_step(
    workspace: Workspace, tmp_path: Path
) -> None:
    store, database = workspace.store, Database(100, "Changes", {"number": FieldType("int")})
    add_database(store, database)
    add_resource(store, Resource(100, "App", "changes", [100]))
    path = tmp_path / "t.csv"
    path.write_text("number,token\n007,new:1\n007,new:2\n")
    importing = started(workspace, path, plan("field:number=number", resource="changes"))
    importing.step(1)
    asyncio.run(change_database(store, database, None, {"number": FieldType("string")}))
    while importing.step(1):
        pass
    assert [len(store.find_by_field(100, "number", text)) for text in ("7", "007")] == [1, 1]


@contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """The system lets no file grow beyond the largest one in this folder."""
    limits = pytest.importorskip("resource", reason="limits are POSIX's")
    soft, hard = limits.getrlimit(limits.RLIMIT_FSIZE)
    limits.setrlimit(limits.RLIMIT_FSIZE, (max(one.stat().st_size for one in folder.iterdir()), hard))
    try:
        yield
    finally:
        limits.setrlimit(limits.RLIMIT_FSIZE, (soft, hard))


def test_A6_a_batch_that_is_not_stored_is_not_counted(workspace: Workspace, tmp_path: Path) -> None:
    importing = started(workspace, table(tmp_path, 1000), plan())
    importing.step(400)  # the log is the largest file then
    state = everything(workspace)
    with full_disk(tmp_path / "state"):
        assert not importing.step(400)
    report = importing.description
    assert report.state == "failed"
    said = "the last 400 rows or fewer were not stored: the state cannot be written: File too large"
    assert str(report.problem).startswith(said)
    assert (report.counts["rows"], report.counts["added"], report.up_to_line) == (400, 400, 401)
    assert workspace.metrics.rules["S1"] == 400
    assert everything(workspace) == state


def test_after_a_crash_the_same_file_does_the_rest(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,token\n,new:1\n,new:2\nx,\n,new:4\n,new:5\n,new:6\n")
    importing = started(workspace, path, plan())
    importing.step(2)
    importing.step(2)  # no more is heard of it
    state = everything(workspace)
    again = imported(workspace, path)
    assert (again.counts["unchanged"], again.counts["added"]) == (3, 2)
    assert everything(workspace)["profiles"][: len(state["profiles"])] == state["profiles"]


def test_the_garbage_collector_is_as_it_was_after_a_step(workspace: Workspace, tmp_path: Path) -> None:
    importing = started(workspace, table(tmp_path, 10), plan())
    importing.step(2)
    assert gc.isenabled()


def test_the_first_remarks_are_made_some_hundred_rows_at_a_time(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0

    def counted(self: Survey, seconds: float | None = None, look: Any = Survey.look) -> bool:
        nonlocal looks
        looks += 1
        return bool(look(self, seconds))

    monkeypatch.setattr(Survey, "look", counted)
    remarks = first_remarks(plan(), Source(table(tmp_path, 5000)), workspace.store)
    assert [looks for _ in remarks] == list(range(1, 12))


def test_a_row_whose_token_very_many_profiles_have_left_finds_the_oldest(
    workspace: Workspace, tmp_path: Path
) -> None:
    profiles = [Profile(f"p{number}", 17) for number in range(MOST_AT_ONCE + 1)]
    key = PushKey(17, 5, PROVIDER, "new:0")
    hash_id = subscription_hash_id(key, lambda _: False)
    left = [key.record(hash_id, one.id, "unsubscribed", "2026-01-01T00:00:00.000Z") for one in profiles]
    workspace.store.apply(Changes(profiles, left))
    assert imported(workspace, table(tmp_path, 1)).counts["changed"] == 1
    assert holder_of(workspace, "new:0") == "p0"


def test_however_many_databases_there_are_some_records_are_stored_together(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for db_id in range(100, 120):
        add_database(workspace.store, Database(db_id, "One of many"))
    add_resource(workspace.store, Resource(100, "App", "many", list(range(100, 120))))
    stored = []

    def counted(self: TinyDBStore, changes: Changes, apply: Any = TinyDBStore.apply) -> None:
        stored.append(len(changes.profiles) + len(changes.subscriptions))
        apply(self, changes)

    monkeypatch.setattr(TinyDBStore, "apply", counted)
    path = table(tmp_path, 50)
    assert imported(workspace, path, plan(resource="many"), 50).counts["added"] == sum(stored) / 2 == 1000
    assert max(stored) < 200
