"""A start state that many workspaces share until they change it, in memory and on the disk."""

import contextlib
import os
import secrets
import threading
from collections.abc import Iterable
from errno import EMLINK, ENOENT
from pathlib import Path

from emulator.loop.pacing import Pace
from emulator.store import snapshot
from emulator.store.files import freed_later, remove_file, replace_file
from emulator.store.log import Log
from emulator.store.state import State


class SharedState:
    """A start state and its snapshot. The given ``state`` must not change any more.

    ``header``: that of its snapshot, and of the log that each begins with.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.header = snapshot.SnapshotHeader(
            snapshot.FORMAT, 1, 0, state.last_ids(), secrets.token_hex(8), shared=True
        )
        self.is_large = state.is_large  # a small one is written as quickly as linked
        self._file: Path | None = None
        self._links = True
        self._preparing = threading.Lock()
        self._small = None if self.is_large else b"".join(self._chunks())

    def _chunks(self) -> Iterable[bytes]:
        return snapshot.write_chunks(self.header, self._state.documents())

    def fork(self) -> State:
        """A state that is the same and may change."""
        return self._state.fork()

    def prepare(self, folder: Path, sync: bool, pace: Pace[bytes] = iter) -> None:
        """Write the file to which large snapshots in this folder become links. Raises :class:`OSError`.

        If the process dies, the next start removes it with the other temporary files.
        """
        with self._preparing:
            if self.is_large and self._links and (self._file is None or self._file.parent != folder):
                self.close()
                file = folder / f"fixtures.json.{secrets.token_hex(8)}.tmp"
                replace_file(file, pace(self._chunks()), sync)
                self._file = file

    def begin(
        self, path: Path, header: snapshot.SnapshotHeader, sync: bool, pace: Pace[bytes], begins: bool
    ) -> Log:
        """Put its snapshot in the place of the state file ``path``; the log that follows.

        ``header``: its own, with generation and number of that log; ``begins``: as of that log, for a path
        that has a state. Raises :class:`OSError`; then the path has the state that it had.
        """
        self.prepare(path.parent, sync, pace)
        log = Log.create(path, header, sync, begins)
        try:
            self._write(path, sync, pace)
        except BaseException:
            with contextlib.suppress(OSError):  # without its snapshot it does not count
                log.path.unlink()
            raise
        return log

    def _write(self, path: Path, sync: bool, pace: Pace[bytes]) -> None:
        if self._file is None or not self._link(self._file, path):
            replace_file(path, pace(self._chunks()) if self._small is None else [self._small], sync)

    def _link(self, file: Path, path: Path) -> bool:
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
        try:
            os.link(file, temporary)
        except OSError as error:
            self.close()
            self._links = error.errno in (ENOENT, EMLINK)  # else the file system has none
            return False
        try:
            with freed_later(path):
                os.replace(temporary, path)
        finally:  # where path was a link to the same file, both are there still
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        return True

    def close(self) -> None:
        """Remove the file; the links to it stay."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # the next start removes it
                remove_file(file)
