"""All workspaces of a server: made on first use, listed, deleted, expired."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from time import time

from emulator.fixtures.model import FixtureSet
from emulator.rules.model import RequestError
from emulator.settings import Settings
from emulator.store.errors import ForeignFile, StateError, StorageUnavailable, error_code
from emulator.store.lock import StateLock
from emulator.store.recovery import STEM, find_journals, stored_states
from emulator.store.removal import clear_folder, remove
from emulator.store.snapshot import is_snapshot
from emulator.workspace import DEFAULT_WORKSPACE, Workspace, state_file

WORKSPACE_HEADER = "X-Emulator-Workspace"
_PREFIX = "/w/"


def split_path(path: str) -> tuple[str | None, str]:
    """``/w/NAME/rest`` as ``(NAME, /rest)``; any other path as ``(None, path)``."""
    if not path.startswith(_PREFIX):
        return None, path
    name, slash, rest = path[len(_PREFIX) :].partition("/")
    return name, slash + rest or "/"


def stored_names(folder: Path) -> set[str]:
    """The names of the workspaces whose state is in this folder. Raises :class:`OSError`."""
    return {path.stem for path in stored_states(folder)}


class Workspaces:
    """The workspaces by name. ``default`` is there from the start and is never deleted or expired.

    ``lock`` holds the state directory; without one, nobody looks whether it is still ours.
    """

    def __init__(self, settings: Settings, fixtures: FixtureSet, lock: StateLock | None = None) -> None:
        self._settings = settings
        self._check_lock: Callable[[], None] = lock.check if lock is not None else lambda: None
        self.fixtures = fixtures
        self._open: dict[str, Workspace] = {}
        if settings.durability != "none" and settings.state.is_dir():
            clear_folder(settings.state)
        self.default = self._new(DEFAULT_WORKSPACE)
        self._open[DEFAULT_WORKSPACE] = self.default

    def __iter__(self) -> Iterator[Workspace]:
        return iter(list(self._open.values()))

    def get(self, name: str | None) -> Workspace:
        """The workspace of this name (``None``: the default one), made from the fixtures if it is new.

        Raises :class:`RequestError`: 400 for a name that is none or where somebody else's file is in the
        way, 429 when there are too many, 500 where its state cannot be read or written, 503 where no more
        files can be opened just now.
        """
        workspace = self._open.get(name or DEFAULT_WORKSPACE)
        if workspace is None:
            workspace = self._make(name or DEFAULT_WORKSPACE)
        workspace.touch()
        return workspace

    def names(self) -> list[str]:
        """Every workspace's name, those that are only on the disk included, sorted."""
        return sorted(self._stored().union(self._open))

    def delete(self, name: str) -> bool:
        """Forget a workspace and remove its files; whether there was one.

        Raises :class:`RequestError`; then it is as before.
        """
        if name == DEFAULT_WORKSPACE:
            raise RequestError(400, "the default workspace cannot be deleted, only reset", "A3")
        workspace = self._open.get(name)
        path = state_file(self._settings.state, name)
        on_disk = self._settings.durability != "none" and STEM.fullmatch(name) is not None
        try:
            if workspace is None and not (on_disk and is_snapshot(path)):
                return False
            if on_disk:
                self._check_lock()
                if workspace is not None:
                    workspace.store.storage.prepare_removal()
                remove(path, self._settings.durability == "fsync")
        except OSError as error:
            text = f"workspace {name} was not deleted: {error.strerror or error} ({error.filename or path})"
            raise RequestError(error_code(error), text, "A3") from error
        if workspace is not None:
            del self._open[name]
            workspace.discard()
        return True

    def expire(self) -> list[str]:
        """Delete the workspaces that nobody has used for ``workspace_ttl`` seconds; their names.

        Of those that are only on the disk, from a run before, the last change counts. One that cannot be
        deleted stays. Raises :class:`OSError`.
        """
        ttl = self._settings.workspace_ttl
        if ttl is None:
            return []
        idle = [one.name for one in self if one.idle_s > ttl]
        for name in self._stored().difference(self._open):
            changed = max((path.stat().st_mtime for path in self._files(name)), default=0.0)
            if time() - changed > ttl:
                idle.append(name)
        return [name for name in idle if name != DEFAULT_WORKSPACE and self._deleted(name)]

    def _deleted(self, name: str) -> bool:
        try:
            return self.delete(name)
        except RequestError:
            return False

    def rest(self, idle_s: float) -> None:
        """Let the workspaces that nobody has used for so many seconds hold no file open."""
        for workspace in self:
            if workspace.idle_s >= idle_s:
                workspace.store.storage.rest()

    def use_fixtures(self, fixtures: FixtureSet) -> None:
        """Reset every open workspace to other fixtures; new ones start from them."""
        self.fixtures = fixtures
        for workspace in self:
            workspace.fixtures = fixtures
            workspace.reset()

    def close(self) -> None:
        """Write every state down."""
        for workspace in self:
            workspace.close()

    def _stored(self) -> set[str]:
        return stored_names(self._settings.state) if self._settings.durability != "none" else set()

    def _files(self, name: str) -> list[Path]:
        path = state_file(self._settings.state, name)
        return [path, *find_journals(path).values()]

    def _make(self, name: str) -> Workspace:
        if not STEM.fullmatch(name):
            raise RequestError(400, "workspace: its name must be 1 to 64 of a-z 0-9 - _", "A3")
        most = self._settings.max_workspaces
        if len(self._open) >= most:
            self.expire()
        if len(self._open) >= most:
            text = f"workspace: there are {most} already; delete some, or start with --max-workspaces"
            raise RequestError(429, text, "A3")
        try:
            workspace = self._open[name] = self._new(name)
        except StorageUnavailable as error:
            raise RequestError(error.code, f"workspace {name}: {error}", "A3") from error
        except ForeignFile as error:
            raise RequestError(400, f"workspace: {error}", "A3") from error
        except (StateError, OSError) as error:
            raise RequestError(error_code(error), f"workspace {name}: {error}", "A3") from error
        return workspace

    def _new(self, name: str) -> Workspace:
        return Workspace(name, self._settings, self.fixtures, self._check_lock)
