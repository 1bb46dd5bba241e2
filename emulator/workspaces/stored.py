"""The workspaces whose states are in the state directory."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import time

from emulator.loop.pacing import Share, in_steps
from emulator.settings import Settings
from emulator.store.errors import StateError
from emulator.store.files import Identity, identity, is_readable
from emulator.store.recovery import (
    Recovered,
    deleted_path,
    find_logs,
    named_states,
    nothing_stored,
    recovering,
    stems_of_logs,
    stored_states,
)
from emulator.store.removal import clear_away, clear_folder, remove
from emulator.store.shared_state import SharedState
from emulator.store.snapshot import is_snapshot
from emulator.store.tables import SPECS
from emulator.store.tinydb_store import TinyDBStore
from emulator.workspaces.errors import failed

#: Bytes of a stored state that is opened in steps: a smaller one takes a few milliseconds at most.
_LARGE = 1 << 18


def state_file(folder: Path, name: str) -> Path:
    """The state file of a workspace."""
    return folder / f"{name}.json"


def stored_names(folder: Path) -> set[str]:
    """The names of the workspaces whose state is in this folder. Raises :class:`OSError`."""
    return {path.stem for path in stored_states(folder)}


class StoredWorkspaces:
    """The workspaces on the disk; with the durability ``none`` there are none.

    ``check_lock`` raises :class:`OSError` when the state directory has become another process's.
    """

    def __init__(self, settings: Settings, check_lock: Callable[[], object]) -> None:
        self._folder = settings.state
        self._on_disk = settings.durability != "none"
        self._syncs = settings.durability == "fsync"
        self._check_lock = check_lock
        self._ours: dict[str, Identity] = {}  # the state files that were found to be ours
        self._logs_alone: set[str] = set()  # the names of logs without snapshots
        if self._on_disk and self._folder.is_dir():
            clear_folder(self._folder)
            self._logs_alone = {one for one in stems_of_logs(self._folder) if not self.path(one).exists()}

    def path(self, name: str) -> Path:
        """The state file of this workspace."""
        return state_file(self._folder, name)

    def names(self) -> set[str]:
        """The names of all. Raises :class:`OSError`."""
        found = {}
        for name in named_states(self._folder) if self._on_disk else ():
            there = identity(os.path.join(self._folder, name))  # a Path for each of thousands takes long
            was_there = there is not None and self._ours.get(name) == there
            if there is not None and (was_there or is_readable(is_snapshot, self._folder / name)):
                found[name] = there
        self._ours = found
        return {name.removesuffix(".json") for name in found}

    def has(self, name: str) -> bool:
        """Whether something is stored under this name, even a state that cannot be read.

        Logs without a snapshot are those that were there at the start: a look for them at each new workspace
        would take milliseconds where there are thousands.
        """
        path = self.path(name)
        try:
            places = (path, deleted_path(path))
            may_be = self._on_disk and (name in self._logs_alone or any(map(_is_there, places)))
            return may_be and not nothing_stored(path)
        except (StateError, OSError):  # opening the workspace reports the problem
            return True

    def is_large(self, name: str) -> bool:
        """Whether what is stored under this name takes long to open."""
        path = self.path(name)
        try:
            size = path.stat().st_size if self._on_disk else 0
            return bool(size) and size + sum(log.stat().st_size for log in find_logs(path).values()) > _LARGE
        except OSError:  # there is none, or opening it reports the problem
            return False

    async def recover(self, name: str) -> Recovered:
        """The stored state, in steps that stop nobody. Raises :class:`StateError` and :class:`OSError`."""
        path = self.path(name)
        clear_away(path)
        return await in_steps(recovering(path, SPECS))

    async def prepare(self, shared: SharedState) -> None:
        """Write the file of a shared state in another thread, if the disk takes it."""
        if self._on_disk:
            with suppress(OSError):  # each state that begins with it tries again, and tells
                self._check_lock()
                await asyncio.to_thread(shared.prepare, self._folder, self._syncs, Share().sliced)

    def idle_s(self, name: str) -> float:
        """Seconds since the last change of a stored workspace."""
        path = self.path(name)
        return time() - max(one.stat().st_mtime for one in (path, *find_logs(path).values()))

    def delete(self, name: str, opened: TinyDBStore | None) -> bool:
        """Delete the files of a workspace; returns whether there was one.

        ``opened``: its store, if it is open. Raises :class:`Refused`; then they are as before.
        """
        if not self._on_disk:
            return opened is not None
        path = self.path(name)
        try:
            if opened is None and not is_snapshot(path):
                return False
            self._check_lock()
            logs = None if opened is None else opened.prepare_removal()
            remove(path, self._syncs, logs)
        except OSError as error:
            text = f"workspace {name} was not deleted: {error.strerror or error} ({error.filename or path})"
            raise failed(text, error) from error
        return True


def _is_there(path: Path) -> bool:
    """Whether there is a file of this name, readable or not. Raises :class:`OSError` if that is unknown."""
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True
