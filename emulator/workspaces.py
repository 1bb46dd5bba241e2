"""All workspaces of a server: made on first use, listed, deleted, expired."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from emulator.fixtures.model import FixtureSet
from emulator.rules.model import RequestError
from emulator.settings import Settings
from emulator.store.recovery import find_journals
from emulator.workspace import DEFAULT_WORKSPACE, Workspace, state_file

WORKSPACE_HEADER = "X-Emulator-Workspace"
_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_PREFIX = "/w/"


def split_path(path: str) -> tuple[str | None, str]:
    """``/w/NAME/rest`` as ``(NAME, /rest)``; any other path as ``(None, path)``."""
    if not path.startswith(_PREFIX):
        return None, path
    name, slash, rest = path[len(_PREFIX) :].partition("/")
    return name, slash + rest or "/"


class Workspaces:
    """The workspaces by name. ``default`` is there from the start and is never deleted or expired."""

    def __init__(self, settings: Settings, fixtures: FixtureSet) -> None:
        self._settings = settings
        self.fixtures = fixtures
        self._open: dict[str, Workspace] = {}
        self.default = self.get(DEFAULT_WORKSPACE)

    def __iter__(self) -> Iterator[Workspace]:
        return iter(list(self._open.values()))

    def get(self, name: str | None) -> Workspace:
        """The workspace of this name (``None``: the default one), made from the fixtures if it is new.

        Raises :class:`RequestError`: 400 for a name that is none, 429 when there are too many.
        """
        workspace = self._open.get(name or DEFAULT_WORKSPACE)
        if workspace is None:
            workspace = self._make(name or DEFAULT_WORKSPACE)
        workspace.touch()
        return workspace

    def names(self) -> list[str]:
        """Every workspace's name, those that are only on the disk included, sorted."""
        names = set(self._open)
        if self._settings.durability != "none" and self._settings.state.is_dir():
            names.update(
                path.stem for path in self._settings.state.glob("*.json") if self._is_state_file(path)
            )
        return sorted(names)

    def delete(self, name: str) -> bool:
        """Forget a workspace and remove its files; whether there was one. Raises :class:`RequestError`."""
        if name == DEFAULT_WORKSPACE:
            raise RequestError(400, "the default workspace cannot be deleted, only reset", "A3")
        if name not in self.names():
            return False
        workspace = self._open.pop(name, None)
        if workspace is not None:
            workspace.discard()
        path = state_file(self._settings.state, name)
        path.unlink(missing_ok=True)
        for journal in find_journals(path).values():
            journal.unlink(missing_ok=True)
        return True

    def expire(self) -> list[str]:
        """Delete the workspaces that nobody has used for ``workspace_ttl`` seconds; their names."""
        ttl = self._settings.workspace_ttl
        idle = [one.name for one in self if ttl is not None and one.idle_s > ttl]
        return [name for name in idle if name != DEFAULT_WORKSPACE and self.delete(name)]

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

    def _make(self, name: str) -> Workspace:
        if not _NAME.fullmatch(name):
            raise RequestError(400, "workspace: its name must be 1 to 64 of a-z 0-9 - _", "A3")
        most = self._settings.max_workspaces
        if len(self._open) >= most:
            self.expire()
        if len(self._open) >= most:
            text = f"workspace: there are {most} already; delete some, or start with --max-workspaces"
            raise RequestError(429, text, "A3")
        workspace = self._open[name] = Workspace(name, self._settings, self.fixtures)
        return workspace

    def _is_state_file(self, path: Path) -> bool:
        return bool(_NAME.fullmatch(path.stem)) and path.stem != "holder"
