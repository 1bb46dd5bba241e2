"""A start state that many workspaces share until they change it, in memory and on the disk."""

import contextlib
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from emulator.loop.pacing import Pace
from emulator.store import snapshot
from emulator.store.files import replace_file
from emulator.store.state import State


class SharedState:
    """A start state and its snapshot. The given ``state`` must not change any more.

    ``header``: that of its snapshot, and of the log that each begins with.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self.header = snapshot.SnapshotHeader(snapshot.FORMAT, 1, 0, state.last_ids(), secrets.token_hex(8))
        self.is_large = state.is_large  # a small one is written as quickly as linked
        self._file: Path | None = None
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
        if self.is_large and (self._file is None or self._file.parent != folder):
            self.close()
            file = folder / f"fixtures.json.{secrets.token_hex(8)}.tmp"
            replace_file(file, pace(self._chunks()), sync)
            self._file = file

    def write(self, path: Path, sync: bool) -> None:
        """Write its snapshot to ``path``, which must not exist. Raises :class:`OSError`."""
        if self._file is not None:
            try:
                os.link(self._file, path)
                return
            except FileExistsError:
                raise
            except OSError:  # a file system without links, or somebody removed the file
                self._file = None
        replace_file(path, self._chunks() if self._small is None else [self._small], sync)

    def close(self) -> None:
        """Remove the file; the links to it stay."""
        file, self._file = self._file, None
        if file is not None:
            with contextlib.suppress(OSError):  # the next start removes it
                file.unlink(missing_ok=True)
