"""The rest before a reset: resets of one workspace without a pause leave the other workspaces their share."""

from asyncio import sleep
from collections.abc import Iterable

from emulator.loop.pacing import REST
from emulator.workspaces.workspace import Workspace

#: Seconds from one reset of a workspace to the next while others are used. A reset takes 1 ms from them: with
#: its call, a connection for it, threads that take turns, and caches that have other data.
RESET_REST_S = REST * 0.001


def rest_s(found: Workspace, workspaces: Iterable[Workspace]) -> float:
    """Seconds that the next reset of a workspace waits: never any if no other was used since the last one."""
    since_s = found.since_reset_s
    if since_s >= RESET_REST_S or not any(one.idle_s < since_s for one in workspaces if one is not found):
        return 0.0
    return RESET_REST_S - since_s


async def until_rested(found: Workspace, workspaces: Iterable[Workspace]) -> None:
    """Wait until a workspace may be reset: see :func:`rest_s`."""
    while (seconds := rest_s(found, workspaces)) > 0:
        await sleep(seconds)
