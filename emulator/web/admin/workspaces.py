"""``/__admin/workspaces``: list them, make one, delete one or several."""

from marshmallow import validate

from emulator.loop.pacing import paced
from emulator.rules.errors import NotFound
from emulator.rules.texts import message
from emulator.schemas.errors import string
from emulator.store.recovery import STEM
from emulator.web.admin.loading import QuerySchema
from emulator.web.admin.operation import Later, operation
from emulator.web.current import emulator
from emulator.workspaces.names import check_deletable, check_name
from emulator.workspaces.registry import Workspaces
from emulator.workspaces.workspace import Workspace
from push_emulator.answers import Page
from push_emulator.workspace_answers import (
    DeletedWorkspace,
    DeletedWorkspaces,
    NamedWorkspace,
    WorkspaceState,
)

#: The most workspaces that one call deletes.
_MOST = 100


class NamesSchema(QuerySchema):
    """Names of workspaces."""

    names = string(
        required=True,
        metadata={"description": "separated by commas"},
        validate=validate.Regexp(
            f"^{STEM.pattern}(,{STEM.pattern}){{0,{_MOST - 1}}}$",
            error=f"must be 1 to {_MOST} names of 1 to 64 of a-z 0-9 - _, separated by commas",
        ),
    )


@operation("get", "/workspaces", of_a_workspace=False)
def list_workspaces() -> Later[Page[WorkspaceState]]:
    """Every workspace.

    With what is in it where it is open.
    """
    return _listed(emulator().workspaces)


async def _listed(workspaces: Workspaces) -> Page[WorkspaceState]:
    opened = {one.name: one for one in workspaces}
    items = [_state(name, opened.get(name)) async for name in paced(workspaces.names())]
    return Page(items, None, len(items))


def _state(name: str, found: Workspace | None) -> WorkspaceState:
    if found is None:
        return WorkspaceState(name, False)
    store = found.store
    return WorkspaceState(
        name, True, store.profile_count, store.subscription_count, len(found.requests), round(found.idle_s, 3)
    )


@operation("put", "/workspaces/<name>", of_a_workspace=False, refusals=(404,))
def make_workspace(name: str) -> Later[NamedWorkspace]:
    """Make a workspace before its first use.

    One that is there stays as it is.
    """
    return making(emulator().workspaces, name)


async def making(workspaces: Workspaces, name: str) -> NamedWorkspace:
    """Make a workspace, or open it in steps. Raises :class:`Refused` and ``Unavailable``."""
    check_name(name)
    await workspaces.until_ready(name)
    made = workspaces.get(name)
    made.store.keep()
    return NamedWorkspace(made.name)


@operation("delete", "/workspaces", of_a_workspace=False, query=NamesSchema)
def delete_workspaces(query: dict[str, str]) -> Later[DeletedWorkspaces]:
    """Delete the workspaces of these names, one after the other.

    Answers with the names of those that were there. Where the disk refuses one, those before it are deleted.
    """
    names = query["names"].split(",")
    for name in names:
        check_deletable(name)
    return _delete_all(emulator().workspaces, names)


async def _delete_all(workspaces: Workspaces, names: list[str]) -> DeletedWorkspaces:
    return DeletedWorkspaces(await workspaces.delete_all(names))


@operation("delete", "/workspaces/<name>", of_a_workspace=False, refusals=(404,))
def delete_workspace(name: str) -> DeletedWorkspace | Later[DeletedWorkspace]:
    """Delete a workspace with all that is in it."""
    workspaces = emulator().workspaces
    # Whoever waits looks first, as its task on the loop, at the requests that came before.
    if workspaces.is_settled(name) and not workspaces.is_used(name):
        return _answer(name, workspaces.delete(name))
    return deletion(workspaces, name)


async def deletion(workspaces: Workspaces, name: str) -> DeletedWorkspace:
    """Delete a workspace when nobody changes it in steps. Raises :class:`NotFound`."""
    return _answer(name, await workspaces.delete_settled(name))


def _answer(name: str, was_there: bool) -> DeletedWorkspace:
    if not was_there:
        raise NotFound(message("workspace %(name)s not found", name=name))
    return DeletedWorkspace(name)
