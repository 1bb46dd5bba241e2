"""The workspace that a command works on: in a state directory or at a running server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emulator.cli.options import Command, StateDirectory
from emulator.settings import Settings
from emulator.store.doctor import state_files
from emulator.store.errors import StateError, StateInUse, Unavailable
from emulator.store.fixture_set import FixtureSet
from emulator.store.lock import StateLock, only_reading
from emulator.store.recovery import nothing_stored
from emulator.store.tinydb_store import TinyDBStore
from emulator.workspaces.names import DEFAULT_WORKSPACE, is_name
from emulator.workspaces.stored import state_file, stored_names
from emulator.workspaces.workspace import Workspace
from push_emulator.errors import EmulatorError

if TYPE_CHECKING:
    import httpx


#: Seconds to wait for an answer: a large state takes time.
_PATIENCE_S = 300.0


@dataclass(frozen=True)
class Target:
    """The options that name a workspace: exactly one of ``state`` and ``url`` is given."""

    workspace: str | None
    state: Path | None
    url: str | None
    admin_token: str | None

    def __post_init__(self) -> None:
        if (self.state is None) == (self.url is None):
            raise click.ClickException("say where: --state DIR (no server runs on it) or --url URL")


def _check_name(ctx: click.Context, param: click.Parameter, name: str | None) -> str | None:
    if name is not None and not is_name(name):
        raise click.ClickException(f'workspace: its name must be 1 to 64 of a-z 0-9 - _, not "{name}"')
    return name


workspace_option = click.option(
    "--workspace", metavar="NAME", callback=_check_name, help="The workspace (default: default)."
)


def target_options(command: Command) -> Command:
    """Adds the options of a :class:`Target`."""
    options = [
        workspace_option,
        click.option("--state", type=StateDirectory(), help="A state directory that no server uses."),
        click.option("--url", help="A running server, e.g. http://127.0.0.1:8080."),
        click.option("--admin-token", envvar="EMULATOR_ADMIN_TOKEN", help="The server's admin token."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


@contextmanager
def opened(place: Target, fixtures: FixtureSet) -> Iterator[Workspace]:
    """The workspace in the state directory, which stays locked meanwhile; no snapshot is written at the end.

    Raises :class:`click.ClickException`.
    """
    folder = place.state or Path()
    with _refusals(folder):
        with only_reading(folder):  # a directory that is no state gets no lock file
            _check_is_state(folder)
        lock = StateLock(folder)
        try:
            name = _name(place, folder)
            workspace = Workspace(name, Settings(state=folder), fixtures, check_lock=lock.check)
            try:
                yield workspace
            finally:
                workspace.discard()
        finally:
            lock.release()


@contextmanager
def read_only(place: Target) -> Iterator[TinyDBStore]:
    """The stored state of a workspace in the state directory; nothing is written there.

    Raises :class:`click.ClickException`.
    """
    folder = place.state or Path()
    with _refusals(folder), only_reading(folder):
        _check_is_state(folder)
        name = _name(place, folder)
        path = state_file(folder, name)
        if nothing_stored(path):
            raise click.ClickException(
                f'{folder}: nothing is stored yet in workspace "{name}": '
                "start a server, which begins with its fixtures, and export them with --url"
            )
        yield TinyDBStore.read(path)


@contextmanager
def _refusals(folder: Path) -> Iterator[None]:
    if not folder.is_dir():
        raise click.ClickException(f"{folder}: is not a directory")
    try:
        yield
    except StateError as error:
        hint = "; reach it with --url" if isinstance(error, StateInUse) else ""
        raise click.ClickException(f"{error}{hint}") from error
    except Unavailable as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}") from error


def _check_is_state(folder: Path) -> None:
    if not state_files(folder):
        raise click.ClickException(f"{folder}: there is no state here")


def _name(place: Target, folder: Path) -> str:
    """The name of the workspace: the default one is in each state, stored or not."""
    name = place.workspace or DEFAULT_WORKSPACE
    if name != DEFAULT_WORKSPACE and nothing_stored(state_file(folder, name)):
        there = ", ".join(sorted({DEFAULT_WORKSPACE, *stored_names(folder)}))
        raise click.ClickException(f'{folder}: there is no workspace "{name}"; there are: {there}')
    return name


@contextmanager
def called(place: Target, method: str, path: str, document: Any = None) -> Iterator[httpx.Response]:
    """The server's answer to a successful admin call; the caller reads its body.

    Raises :class:`click.ClickException`, also when the body breaks off.
    """
    from push_emulator.calls import Calls  # noqa: PLC0415 (httpx takes long to load)

    calls = Calls(place.url or "", place.workspace, place.admin_token or None, _PATIENCE_S, verify=True)
    try:
        with calls.http, calls.streamed(method, path, document) as answer:
            yield answer
    except EmulatorError as error:
        raise click.ClickException(error.error_text) from error
