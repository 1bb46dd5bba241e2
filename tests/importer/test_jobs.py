"""Imports inside a server: started, advanced step by step, followed, cancelled, found again."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from emulator.importer import jobs as job_limits
from emulator.importer.jobs import STEP_S, ImportJobs, Job, at_once
from emulator.importer.problem import ImportRefused
from emulator.rules.errors import Busy
from emulator.rules.texts import message
from emulator.workspaces.workspace import Workspace
from tests.importer.tables import holder_of, in_memory, plan


class ByHand:
    """A schedule whose steps the test takes."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []

    def __call__(self, job: Job) -> None:
        self.jobs.append(job)

    def step(self) -> bool:
        return self.jobs[-1].advance(STEP_S / 4)

    def step_until_a_row_is_in(self, job: Job) -> None:
        while not job.as_dict()["counts"]["rows"]:
            assert self.step()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "imports"


def start(
    jobs: ImportJobs, workspace: Workspace, schedule: object, rows: int = 5000, **its_plan: object
) -> Job:
    upload = jobs.upload_path()
    upload.write_text("x,token\n" + "".join(f",new:{number}\n" for number in range(rows)))
    return jobs.start(upload, "tokens.csv", plan(**its_plan), workspace, schedule)  # type: ignore[arg-type]


def test_a_job_goes_in_steps_and_tells_how_far_it_is(workspace: Workspace, folder: Path) -> None:
    jobs, by_hand = ImportJobs(folder), ByHand()
    job = start(jobs, workspace, by_hand)
    assert job.as_dict()["state"] == "running"
    by_hand.step_until_a_row_is_in(job)
    part = job.as_dict()
    assert 0 < part["counts"]["rows"] == part["up_to_line"] - 1 < 5000
    assert part["counts"]["added"] == part["counts"]["rows"]
    assert (part["file"], part["match"], part["resource"], part["dry_run"]) == (
        "tokens.csv",
        "push",
        5,
        False,
    )
    at_once(by_hand.jobs[0])
    whole = job.as_dict()
    assert (whole["state"], whole["progress"], whole["counts"]["added"]) == ("finished", 1.0, 5000)
    assert job.report_path.exists()
    assert not list(folder.glob("*.upload"))


def test_a_refused_file_leaves_nothing_behind(workspace: Workspace, folder: Path) -> None:
    jobs = ImportJobs(folder)
    with pytest.raises(ImportRefused):
        start(jobs, workspace, at_once, rows=0)
    assert list(folder.iterdir()) == []
    assert jobs.of("default") == []


def test_a_cancelled_job_stops_before_its_next_step(workspace: Workspace, folder: Path) -> None:
    jobs, by_hand = ImportJobs(folder), ByHand()
    job = start(jobs, workspace, by_hand)
    by_hand.step_until_a_row_is_in(job)
    job.cancel()
    assert not by_hand.step()
    assert job.as_dict()["state"] == "cancelled"
    assert holder_of(workspace, "new:0")
    assert not holder_of(workspace, "new:4999")


def test_a_mistake_of_ours_in_a_step_and_an_upload_that_stays_end_the_job_and_are_told(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_hand = ByHand()
    job = start(ImportJobs(folder), workspace, by_hand)

    def mistaken(*_: object) -> None:
        raise LookupError

    def refusing(*_: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("emulator.importer.execution.Import.step", mistaken)
    monkeypatch.setattr(Path, "unlink", refusing)
    assert not by_hand.step()
    ended = job.as_dict()
    assert ended["state"] == "failed"
    for said in ("internal error: LookupError", "the upload cannot be removed: Operation not permitted"):
        assert said in ended["problem"]


def test_a_job_is_its_workspaces_own(workspace: Workspace, folder: Path) -> None:
    jobs = ImportJobs(folder)
    job = start(jobs, workspace, at_once, rows=1)
    assert jobs.get(job.description.id, "default") is job
    assert jobs.get(job.description.id, "other") is None
    assert jobs.of("other") == []


def test_an_import_whose_server_died_is_found_again_as_far_as_it_was(
    workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_limits, "SAVED_EVERY_S", 0.0)
    by_hand = ByHand()
    job = start(ImportJobs(folder), workspace, by_hand)
    for _ in range(2):
        done = job.description.up_to_line
        while job.description.up_to_line == done:
            assert by_hand.step()
    (folder / f"{job.description.id}.json.{'0' * 16}.tmp").touch()
    (found,) = ImportJobs(folder).of("default")
    ended = replace(job.description, state="interrupted", problem=message("interrupted"))
    assert found.description == ended
    assert [one.name for one in folder.iterdir()] == [f"{ended.id}.json"]


def test_a_server_that_stops_ends_its_imports(workspace: Workspace, folder: Path) -> None:
    jobs, by_hand = ImportJobs(folder), ByHand()
    start(jobs, workspace, by_hand)
    by_hand.step()
    jobs.close()
    assert not by_hand.step()
    assert [job.as_dict()["state"] for job in ImportJobs(folder).of("default")] == ["cancelled"]


def test_old_jobs_are_forgotten(workspace: Workspace, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_limits, "MAX_KEPT", 2)
    jobs = ImportJobs(folder)
    made = [start(jobs, workspace, at_once, rows=1) for _ in range(4)]
    assert jobs.of("default") == [made[3], made[2]]
    assert len(list(folder.iterdir())) == 4


def test_so_many_imports_run_at_a_time_in_each_workspace(workspace: Workspace, folder: Path) -> None:
    jobs = ImportJobs(folder)
    running = [start(jobs, workspace, ByHand(), rows=1) for _ in range(job_limits.MAX_RUNNING)]
    with pytest.raises(Busy, match="4 imports are running in this workspace: wait for one"):
        start(jobs, workspace, ByHand(), rows=1)
    assert len(list(folder.glob("*.upload"))) == job_limits.MAX_RUNNING
    other = in_memory()
    other.name = "other"
    start(jobs, other, ByHand(), rows=1)
    running[0].cancel()
    running[0].advance()
    start(jobs, workspace, ByHand(), rows=1)


def test_without_a_folder_nothing_outlives_the_jobs(workspace: Workspace) -> None:
    jobs = ImportJobs(None)
    job = start(jobs, workspace, at_once, rows=1)
    assert job.report_path.exists()
    jobs.close()
    assert not job.report_path.parent.exists()
