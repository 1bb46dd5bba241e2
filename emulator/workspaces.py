"""All workspaces of a server: made on first use, listed, deleted, expired."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, time

from emulator.fixtures.model import FixtureSet
from emulator.rules.model import RequestError
from emulator.settings import Settings
from emulator.store.errors import StateError, StorageUnavailable
from emulator.store.recovery import find_journals
from emulator.workspace import DEFAULT_WORKSPACE, Workspace, state_file

WORKSPACE_HEADER = "X-Emulator-Workspace"
_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_PREFIX = "/w/"
#: Seconds that the last snapshots may take, and how many are written at a time.
CLOSING_S = 3.0
_CLOSING_AT_ONCE = 8


def split_path(path: str) -> tuple[str | None, str]:
    """``/w/NAME/rest`` as ``(NAME, /rest)``; any other path as ``(None, path)``."""
    if not path.startswith(_PREFIX):
        return None, path
    name, slash, rest = path[len(_PREFIX) :].partition("/")
    return name, slash + rest or "/"


def stored_names(folder: Path) -> set[str]:
    """The names of the workspaces whose state is in this folder."""
    return {path.stem for path in folder.glob("*.json") if _NAME.fullmatch(path.stem)}


class Workspaces:
    """The workspaces by name. ``default`` is there from the start and is never deleted or expired."""

    def __init__(self, settings: Settings, fixtures: FixtureSet) -> None:
        self._settings = settings
        self.fixtures = fixtures
        self._open: dict[str, Workspace] = {}
        self.default = self._open[DEFAULT_WORKSPACE] = Workspace(DEFAULT_WORKSPACE, settings, fixtures)

    def __iter__(self) -> Iterator[Workspace]:
        return iter(list(self._open.values()))

    def get(self, name: str | None) -> Workspace:
        """The workspace of this name (``None``: the default one), made from the fixtures if it is new.

        Raises :class:`RequestError`: 400 for a name that is none, 429 when there are too many, 500 where its
        state cannot be read or written.
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
        """Forget a workspace and remove its files; whether there was one. Raises :class:`RequestError`."""
        if name == DEFAULT_WORKSPACE:
            raise RequestError(400, "the default workspace cannot be deleted, only reset", "A3")
        if name not in self.names():
            return False
        workspace = self._open.pop(name, None)
        if workspace is not None:
            workspace.discard()
        if name in self._stored():
            for path in self._files(name):
                path.unlink(missing_ok=True)
        return True

    def expire(self) -> list[str]:
        """Delete the workspaces that nobody has used for ``workspace_ttl`` seconds; their names.

        Of those that are only on the disk, from a run before, the last change counts.
        """
        ttl = self._settings.workspace_ttl
        if ttl is None:
            return []
        idle = [one.name for one in self if one.idle_s > ttl]
        for name in self._stored().difference(self._open):
            changed = max((path.stat().st_mtime for path in self._files(name)), default=0.0)
            if time() - changed > ttl:
                idle.append(name)
        return [name for name in idle if name != DEFAULT_WORKSPACE and self.delete(name)]

    def use_fixtures(self, fixtures: FixtureSet) -> None:
        """Reset every open workspace to other fixtures; new ones start from them."""
        self.fixtures = fixtures
        for workspace in self:
            workspace.fixtures = fixtures
            workspace.reset()

    def close(self, seconds: float = CLOSING_S) -> None:
        """Write the states down, the default one first, and let go of all.

        After so many seconds the others are left as they are: the log has what no snapshot has.
        """
        deadline = monotonic() + seconds
        try:
            # They wait for the disk, which takes many at once.
            with ThreadPoolExecutor(_CLOSING_AT_ONCE) as pool:
                list(pool.map(lambda workspace: workspace.close(deadline), self))
        except RuntimeError:  # at the very end of the process there are no new threads
            for workspace in self:
                workspace.close(deadline)

    def _stored(self) -> set[str]:
        return stored_names(self._settings.state) if self._settings.durability != "none" else set()

    def _files(self, name: str) -> list[Path]:
        path = state_file(self._settings.state, name)
        return [path, *find_journals(path).values()]

    def _make(self, name: str) -> Workspace:
        if not _NAME.fullmatch(name):
            raise RequestError(400, "workspace: its name must be 1 to 64 of a-z 0-9 - _", "A3")
        most = self._settings.max_workspaces
        if len(self._open) >= most:
            self.expire()
        if len(self._open) >= most:
            text = f"workspace: there are {most} already; delete some, or start with --max-workspaces"
            raise RequestError(429, text, "A3")
        try:
            workspace = self._open[name] = Workspace(name, self._settings, self.fixtures)
        except (StateError, StorageUnavailable, OSError) as error:
            raise RequestError(500, f"workspace {name}: {error}", "A3") from error
        return workspace
