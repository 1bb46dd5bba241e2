"""The files of one state over time: logs, and the snapshots that replace them.

A generation is a log and, once it is written, the snapshot of everything before that log. A new generation
begins with its log; its snapshot follows in the background, or at once; then the earlier logs are removed.
At every moment the files on the disk are one complete state.
"""

import contextlib
import secrets
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from errno import EEXIST
from pathlib import Path
from time import monotonic

from msgspec.structs import replace

from emulator.loop.pacing import Pace, Share
from emulator.store import snapshot
from emulator.store.errors import reason
from emulator.store.files import Identity, fsync_folder, identity, is_readable, remove_file, replace_file
from emulator.store.log import SEEN_S, Log
from emulator.store.log_format import is_log
from emulator.store.recovery import Recovered, log_path
from emulator.store.removal import clear_away, remove_logs
from emulator.store.shared_state import SharedState
from emulator.store.state import State
from emulator.store.unsynced import Epoch, Ticket, Unsynced

#: Seconds between two attempts after a refusal by the disk.
RETRY_S = 1.0


@dataclass(eq=False)
class Generations:
    """The snapshot and logs of the state file ``path``; :attr:`log` exists after a resume or a write.

    A snapshot is due when the logs are larger than ``min_log_bytes`` and than the last snapshot. ``failure``:
    why the last attempt at one failed; the logs continue meanwhile. ``syncs``: a transaction counts when it
    has reached the disk. ``check_lock`` raises :class:`OSError` if the directory is no longer ours.
    ``clock``: the time in seconds, for retries. ``shared``: the state to :meth:`begin` with, later the one
    that the snapshot is a copy of, if any; ``begun``: whether there are files. ``thread``: writes a snapshot
    at present. ``closed_log_bytes``: the size of the logs before the last.
    """

    path: Path
    unsynced: Unsynced
    min_log_bytes: int
    syncs: bool
    check_lock: Callable[[], object]
    clock: Callable[[], float]
    shared: SharedState | None = None
    log: Log = field(init=False)

    def __post_init__(self) -> None:
        self.failure: str | None = None
        self.begun = False
        self._header = snapshot.SnapshotHeader(snapshot.FORMAT, 0, 0, state=secrets.token_hex(8))
        self.closed_log_bytes = self._snapshot_number = 0
        self._oldest = 1  # the first generation whose log may be there
        self._snapshot_identity: Identity | None = None
        self._unsure = False  # whether the folder may have a log too many, or names that the disk lacks
        self.thread: threading.Thread | None = None
        self._abandoned, self._retry_at = False, 0.0
        self._settled = threading.Lock()

    def resume(self, recovered: Recovered) -> None:
        """Continue at the end of a recovered state; a torn last line is cut off. Raises :class:`OSError`."""
        last = recovered.last
        self._header = replace(recovered.header, generation=last.generation, number=last.first_number)
        self._snapshot_number = recovered.header.number
        self._snapshot_identity = identity(self.path)
        self.log, self.begun = Log(recovered.logs[-1], last.size, last.number, self.syncs), True
        if last.torn_bytes:
            with contextlib.suppress(OSError):  # it is cut off before anything is appended anyway
                self.log.cut_back(last.size, last.number)
        self.closed_log_bytes = sum(old.stat().st_size for old in recovered.logs[:-1])
        self._oldest = recovered.header.generation
        remove_logs(log for generation, log in recovered.beside.items() if generation < self._oldest)

    @property
    def logs(self) -> list[Path]:
        """Where its logs are, if they are there: the last is one that the disk refused."""
        return [log_path(self.path, one) for one in range(self._oldest, self._header.generation + 2)]

    def close(self) -> None:
        """Close the files as they are."""
        self.abandon_snapshot()
        if self.begun:
            self.log.close()

    # Files that begin at once

    def begin(self) -> None:
        """Create the files, with the shared state. Raises :class:`OSError`."""
        if self.shared is not None:
            clear_away(self.path)
            self.begin_with(self.shared)
            self._secure_folder()

    def begin_with(self, shared: SharedState, pace: Pace[bytes] = iter) -> None:
        """Begin a generation with a copy of the shared state. Nothing may be unsynced.

        The copy in its place decides; the log where it is there. ``pace``, errors: as of :meth:`write_whole`.
        """
        self.abandon_snapshot()
        self.check()
        header, log, self._unsure = shared.header, None, True  # where it fails, its log may be left
        if self.begun:
            self.log.close()
            header = replace(header, generation=self._header.generation + 1, number=self.log.number)
            if self.shared is shared and identity(self.path) == self._snapshot_identity:
                log = Log.create(self.path, header, self.syncs, begins=True)
        log = log or shared.begin(self.path, header, self.syncs, pace, self.begun)
        self.log, self.begun, self._header, self.shared = log, True, header, shared
        self._unsure = self.syncs
        self._written(header, self.syncs)

    def return_to(self, shared: SharedState) -> bool:
        """Return to the shared state by emptying the log, if the snapshot is a copy; returns whether it is.

        False in ``fsync`` mode. Raises :class:`OSError`; then they are as before.
        """
        if self.syncs or self.shared is not shared or identity(self.path) is None:
            return False
        self.check()
        self.log.clear()
        return True

    def write_whole(self, state: State, sync: bool, pace: Pace[bytes] = iter) -> None:
        """Begin a generation with a snapshot of this state. Nothing may be unsynced.

        ``sync``: wait for the disk; ``pace``: that of a thread beside the loop's. Raises :class:`OSError`,
        and what ``pace`` raises; then the disk still holds the state that it held.
        """
        self.abandon_snapshot()
        self.check()
        self.begin_next()
        header, self._unsure = self._header_of(state), self.syncs
        replace_file(self.path, pace(snapshot.write_chunks(header, state.documents())), sync)
        self._written(header, sync)

    def append(self, payload: bytes) -> None:
        """Append a transaction to the log. Raises :class:`OSError`; then it does not count."""
        if self._unsure:
            self._secure_folder()
        if monotonic() - self.log.seen_at > SEEN_S:
            self.check()
        self.log.append(payload)

    def check(self) -> None:
        """Raise :class:`OSError` unless the directory is ours and its files are the same as before."""
        self.check_lock()
        if self.begun:
            self.log.check()
        if self.thread is None:  # else a new file may have appeared just now
            self._check_snapshot()

    def _check_snapshot(self) -> None:
        if (there := identity(self.path)) is not None and there != self._snapshot_identity:
            raise FileExistsError(EEXIST, "another file was put in the place of the state", str(self.path))

    def try_again(self) -> None:
        """Try a write that the disk refused before. Raises :class:`OSError` if it fails again."""
        self.check()
        self._secure_folder()
        self.log.probe()
        if self.syncs:
            if not self.unsynced:  # else a caller still has to be told
                self.log.forget_sync_error()
            self.log.sync()

    @property
    def outdated(self) -> bool:
        """Whether the state has more than the snapshot."""
        return self.begun and (
            self.log.number > self._snapshot_number
            or self.log.overhangs
            or self.closed_log_bytes > 0
            or identity(self.path) != self._snapshot_identity
        )

    # A snapshot in the background

    def snapshot_due(self) -> bool:
        """Whether it is time for a snapshot, or for another attempt."""
        there = self._snapshot_identity
        least = self.min_log_bytes if there is None else max(self.min_log_bytes, there.size)
        wanted = self.failure is not None or self.closed_log_bytes + self.log.size > least
        return wanted and self.thread is None and self.clock() >= self._retry_at

    def snapshot_missing(self) -> bool:
        """Whether the snapshot was removed, or could not be written and it is time for another attempt."""
        free = self.begun and self.thread is None
        return free and (identity(self.path) is None or (self.failure is not None and self.snapshot_due()))

    def begin_snapshot(self, state: State) -> None:
        """Write a snapshot while requests continue. Nothing may be unsynced. ``failure`` reports failures."""
        if self.thread is not None:
            return
        try:
            self.check()
            if self.failure is None or self.log.size > self.min_log_bytes:
                self.begin_next()  # else the log of the last attempt serves this one
            self.shared, self._abandoned = None, False  # the snapshot will be a copy of something else
            arguments = (state, self._header_of(state), self.log, self.unsynced.epoch, Share())
            self.thread = threading.Thread(target=self._write, args=arguments, name="snapshot", daemon=True)
            self.thread.start()
        except (OSError, RuntimeError) as error:  # RuntimeError: there are too many threads
            self.thread = None
            self._failed(error)

    def abandon_snapshot(self) -> None:
        """Stop a running snapshot, and wait for its end."""
        if (thread := self.thread) is not None:
            self._abandoned = True
            thread.join()

    @contextlib.contextmanager
    def unseen(self) -> Iterator[None]:
        """No snapshot may complete while memory holds changes that the log lacks.

        An exception inside abandons a running snapshot: it may have seen changes that are undone.
        """
        with self._settled:
            try:
                yield
            except BaseException:
                self._abandoned = True
                raise

    def _write(
        self, state: State, header: snapshot.SnapshotHeader, log: Log, epoch: Epoch, share: Share
    ) -> None:
        try:
            chunks = share.sliced(snapshot.write_chunks(header, state.documents()))
            replace_file(self.path, self._secured(chunks, log, epoch))
            self._written(header, sync=True)
        except _Abandoned:
            pass
        except Exception as error:
            self._failed(error)
        finally:
            self.thread = None

    def _secured(self, chunks: Iterable[bytes], log: Log, epoch: Epoch) -> Iterator[bytes]:
        for chunk in chunks:
            if self._abandoned or epoch is not self.unsynced.epoch:
                raise _Abandoned
            yield chunk
        # Everything that the snapshot has seen must be in the log on the disk before the snapshot counts.
        log.sync()  # most of it while no request waits
        with self._settled:
            seen = Ticket(epoch, log.number)
            log.sync()
            if self._abandoned or not self.unsynced.confirm(seen):
                raise _Abandoned
        self.check()
        self._check_snapshot()

    def begin_next(self) -> None:
        """Begin a generation: its log. The logs before it stay until its snapshot is there."""
        number = self.log.number if self.begun else 0
        header = replace(self._header, generation=self._header.generation + 1, number=number)
        log = Log.create(self.path, header, self.syncs)
        if self.begun:
            self.closed_log_bytes += self.log.size
            self.log.end()
        self.log, self.begun, self._header, self.shared = log, True, header, None

    def _header_of(self, state: State) -> snapshot.SnapshotHeader:
        return replace(self._header, last_ids=state.last_ids(), shared=False)

    def _written(self, header: snapshot.SnapshotHeader, sync: bool) -> None:
        """The snapshot is in its place: it counts, whatever becomes of the rest."""
        self._snapshot_number = header.number
        self._snapshot_identity = identity(self.path)
        try:
            self._secure_folder(sync)
            remove_logs(log_path(self.path, one) for one in range(self._oldest, header.generation))
            self._oldest, self.closed_log_bytes, self.failure = header.generation, 0, None
        except OSError as error:
            self._failed(error)

    def _secure_folder(self, wanted: bool = False) -> None:
        if self._unsure and is_readable(is_log, left := log_path(self.path, self._header.generation + 1)):
            remove_file(left)  # with it the next start would begin another state
        if wanted or (self._unsure and self.syncs):
            fsync_folder(self.path.parent)
        self._unsure = False

    def _failed(self, error: Exception) -> None:
        self.failure = f"no snapshot can be written, the log grows: {reason(error, self.path)}"
        self._retry_at = self.clock() + RETRY_S


class _Abandoned(Exception):
    """The running snapshot was abandoned."""
