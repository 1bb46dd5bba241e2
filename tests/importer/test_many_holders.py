"""A row whose token very many profiles have is worked out beside the requests of other workspaces."""

from __future__ import annotations

import asyncio
import re
import threading
from pathlib import Path

import pytest
from msgspec.structs import asdict

from emulator.importer.jobs import ImportJobs, Job, Schedule, at_once
from emulator.rules.model import Database, Policies, Resource
from emulator.settings import Settings
from emulator.store.fixture_set import FixtureSet, ProfileEntry, SubscriptionEntry
from emulator.store.lookup import TableLookup
from emulator.store.state import TableState
from emulator.web.import_files import ImportSteps
from emulator.workspaces.settings import WorkspaceSettings
from emulator.workspaces.workspace import Workspace
from tests.importer.tables import PROVIDER, everything, holder_of, plan
from tests.many_records import MANY, Calls, Decoded, Steps
from tests.server import PAGE_TOKEN

#: More databases than a request works on at once.
DATABASES = 600
TOKENS = {"moved": "subscribed", "left": "unsubscribed"}
TABLE = "id,token,status\n,a:1,\np1,a:2,suspended\nnew,{},\np2,a:3,\n"
_NO_TIME = re.compile(rb'"(created|updated)": ?"[^"]+"')
#: The plan of each import, and the token of its row.
LONG = {
    "S4 with the policy move": (plan("id:id", status_column="status"), "moved"),
    "S4 in a dry run": (plan("id:id", dry_run=True), "moved"),
    "M9": (plan("push"), "left"),
    "many databases": (plan("id:id", resource="many"), "moved"),
}


@pytest.fixture
def held() -> Workspace:
    """A workspace with tokens that many profiles have, and a resource of many databases."""
    ids = range(100, 100 + DATABASES)
    databases = [Database(one, "One") for one in (17, *ids)]
    resources = [Resource(5, "App", PAGE_TOKEN, [17]), Resource(100, "App", "many", list(ids))]
    shared = [SubscriptionEntry(5, PROVIDER, *one) for one in TOKENS.items()]
    profiles = [ProfileEntry(17, f"p{number}", subscriptions=shared) for number in range(MANY)]
    settings = Settings(durability="none", seed=1)
    workspace = Workspace("default", settings, FixtureSet(databases, resources, profiles))
    workspace.set_settings(WorkspaceSettings(policies=Policies(duplicate_token="move")))
    return workspace


def begun(workspace: Workspace, folder: Path, name: str, schedule: Schedule) -> Job:
    """An import of the table with a row that takes long."""
    its_plan, token = LONG[name]
    jobs = ImportJobs(folder)
    upload = jobs.upload_path()
    upload.write_text(TABLE.format(token))
    return jobs.start(upload, "t.csv", its_plan, workspace, schedule)


def run(workspace: Workspace, folder: Path, name: str, schedule: Schedule) -> Job:
    """The same at its end."""

    async def whole() -> Job:
        job = begun(workspace, folder, name, schedule)
        while job.running:
            await asyncio.sleep(0.001)
        return job

    return asyncio.run(whole())


@pytest.mark.parametrize("name", LONG)
def test_such_a_row_works_on_some_records_at_once(
    held: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    looked, put = Calls(monkeypatch, TableLookup, "find_by_push"), Calls(monkeypatch, TableState, "put")
    with Decoded(held) as decoded:  # type: ignore[arg-type]
        steps = Steps(monkeypatch, decoded, looked, put)
        job = run(held, tmp_path, name, ImportSteps())
        steps.asked()
    assert job.description.state == "finished", job.description.problem
    assert max(decoded.count, looked.count) >= DATABASES
    assert steps.longest <= 250


def told(workspace: Workspace, job: Job) -> tuple[object, ...]:
    """What is said of an import, its rules, and the state after it; no times."""
    one = asdict(job.description)
    said = {name: one[name] for name in ("state", "counts", "refusals", "up_to_line", "problem", "lints")}
    state = {name: [_NO_TIME.sub(b"", one) for one in rows] for name, rows in everything(workspace).items()}
    rules = {rule: times for rule, times in workspace.metrics.rules.items() if rule != "B1"}  # for each step
    return said, rules, state


@pytest.mark.parametrize("name", LONG)
def test_such_a_row_does_what_it_does_without_a_loop(held: Workspace, tmp_path: Path, name: str) -> None:
    other = held.fork()
    beside = told(held, run(held, tmp_path, name, ImportSteps()))
    assert beside == told(other, run(other, tmp_path, name, at_once))
    assert beside[0]["counts"]["rows"] == 4  # type: ignore[index]


def test_the_end_of_the_server_waits_for_such_a_row(held: Workspace, tmp_path: Path) -> None:
    async def stopped() -> Job:
        job = begun(held, tmp_path, "S4 with the policy move", ImportSteps())
        while held.store.storage.pace is None:
            await asyncio.sleep(0)
        job.stop()
        return job

    ended = asyncio.run(stopped()).description
    assert (ended.state, ended.counts["rows"], ended.up_to_line) == ("cancelled", 3, 4)
    assert holder_of(held, "moved") == "new"


def test_such_a_row_is_tried_again_where_there_is_no_thread(
    held: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = begun(held, tmp_path, "S4 with the policy move", lambda job: None)
    while not job.takes_long:
        assert job.advance(whole=False)

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        assert asyncio.run(job.advance_beside())
    assert job.takes_long
    assert asyncio.run(job.advance_beside())
    assert not job.takes_long
    assert holder_of(held, "moved") == "new"
