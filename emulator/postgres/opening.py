"""The opening of a state in a database."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import NamedTuple

import psycopg

from emulator.postgres.connections import CONNECTING, Connections, TimedConnection, configure
from emulator.postgres.files import SharedFiles
from emulator.postgres.imports import SharedImports
from emulator.postgres.schema import prepare, shared_secret
from emulator.postgres.texts import check_url, first_line, without_password
from emulator.postgres.turns import Turns
from emulator.postgres.workspaces import FollowedWorkspaces
from emulator.settings import Settings
from emulator.store.errors import StateError, Unavailable
from emulator.store.fixture_set import FixtureSet
from emulator.workspaces.names import DEFAULT_WORKSPACE

#: Seconds that the database may take to answer at the start.
_START_S = 5


class DatabaseState(NamedTuple):
    """The state of several emulators, as one of them has it. ``secret``: all sign cookies with it."""

    workspaces: FollowedWorkspaces
    turns: Turns
    imports: SharedImports
    files: SharedFiles
    secret: bytes


def open_shared(settings: Settings, fixtures: FixtureSet) -> DatabaseState:
    """Make the tables if they are missing, and read the default workspace.

    Raises :class:`~emulator.store.errors.StateError`.
    """
    with ThreadPoolExecutor(1) as beside:  # the caller may have a running loop of its own
        return beside.submit(asyncio.run, _open(settings, fixtures)).result()


async def _open(settings: Settings, fixtures: FixtureSet) -> DatabaseState:
    url = settings.database or ""
    try:
        check_url(url)
        async with await TimedConnection.connect(url, **CONNECTING, connect_timeout=_START_S) as connection:
            await configure(connection)
            await prepare(connection)
            secret = await shared_secret(connection)
    except (psycopg.Error, ValueError) as error:
        said = first_line(error)
        if isinstance(error, psycopg.errors.ConnectionTimeout):
            said = f"nothing there answers as PostgreSQL does ({said})"
        raise StateError(f"--state {without_password(url)}: {said}") from error
    connections = Connections(url)
    workspaces = FollowedWorkspaces(settings, fixtures, connections, secret)
    turns = Turns(connections, workspaces)
    workspaces.run = turns.run
    try:
        await turns.run(DEFAULT_WORKSPACE, partial(asyncio.sleep, 0))  # makes it, too
    except Unavailable as error:
        raise StateError(f"--state {without_password(url)}: {error}") from error
    finally:
        await turns.close()
    files = SharedFiles(connections, workspaces)
    return DatabaseState(workspaces, turns, SharedImports(turns, workspaces, files), files, secret.value)
