"""Tables of tokens for the tests, and the shortest way to import one."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from emulator.fixtures.load import load_fixtures
from emulator.importer.checking import check_plan
from emulator.importer.execution import Import
from emulator.importer.plan import ImportPlan, parse_match
from emulator.importer.report import Description
from emulator.importer.sources import Source
from emulator.rules.model import PushKey
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.workspaces.workspace import Workspace
from tests.server import PAGE_TOKEN

PROVIDER = "android-firebase"
_NUL = "\ue000"


def text_of(rows: Sequence[Sequence[str]], **options: Any) -> str:
    """Rows as Python's csv module writes them."""
    out = io.StringIO(newline="")
    # Python 3.10 writes no NUL: a stand-in is written.
    csv.writer(out, **options).writerows([[cell.replace("\0", _NUL) for cell in row] for row in rows])
    return out.getvalue().replace(_NUL, "\0")


def plan(match: str = "push", token_column: str = "token", **more: Any) -> ImportPlan:
    """A plan for the page's resource."""
    given = {"resource": PAGE_TOKEN, "provider": PROVIDER} | more
    return ImportPlan(match=parse_match(match), token_column=token_column, **given)


def started(workspace: Workspace, path: Path, its_plan: ImportPlan) -> Import:
    """A checked import that has looked at the file and not taken a step."""
    checked = check_plan(its_plan, Source(path), workspace.store)
    importing = Import(checked, workspace)
    while importing.look():
        pass
    return importing


def imported(
    workspace: Workspace, path: Path, its_plan: ImportPlan | None = None, rows: int = 7
) -> Description:
    """What a whole import came to, in small batches."""
    importing = started(workspace, path, its_plan or plan())
    while importing.step(rows):
        pass
    return importing.description


def holder_of(workspace: Workspace, token: str, db_id: int = 17, resource_id: int = 5) -> str | None:
    """The id of the profile that has this token active."""
    active = workspace.store.find_by_push(PushKey(db_id, resource_id, PROVIDER, token)).active
    return active.profile_id if active is not None else None


def everything(workspace: Workspace) -> dict[str, list[bytes]]:
    """All documents of the state."""
    return {
        name: list(documents.values())
        for name, documents in workspace.store.storage.state.documents().items()
    }


def in_memory() -> Workspace:
    """A workspace of the default fixtures of which nothing is left, for properties that need many."""
    return Workspace("default", Settings(durability="none", seed=1), load_fixtures(DEFAULT_FIXTURES))
