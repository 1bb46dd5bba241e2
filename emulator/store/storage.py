"""A TinyDB storage that keeps the state in memory, journals each transaction and snapshots in the background.

Use it like any TinyDB storage, with :class:`emulator.store.table.IndexedTable` as the table class::

    class Database(TinyDB):
        table_class = IndexedTable
        default_storage_class = JournaledStorage

    db = Database(Path("state.json"), specs={"people": TableSpec({"name": lambda doc: [doc["name"]]})})

The file is a plain TinyDB file after :meth:`JournaledStorage.close`. One thread writes.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Literal, NamedTuple

from tinydb.storages import Storage

from emulator.store import snapshot as snapshots
from emulator.store.errors import StorageUnavailable
from emulator.store.files import fsync_folder, replace_file
from emulator.store.journal import Journal
from emulator.store.recovery import find_journals, journal_path, nothing_stored, recover
from emulator.store.state import Op, State, TableSpec, encode_ops
from emulator.store.views import TableView, encode_document, table_views

Durability = Literal["os", "fsync", "none"]

#: A snapshot is due when the journals are larger than this and than the last snapshot, in bytes.
MIN_JOURNAL_BYTES = 16 << 20
_RETRY_S = 1.0


class _Unsynced(NamedTuple):
    """A transaction that the disk may not have yet: the journal before it, and how to undo it."""

    size: int
    number: int
    undo: list[Op]


class JournaledStorage(Storage):
    """The state of one file.

    ``path``: the state file, or ``None`` to keep everything in memory only. ``durability``: ``os``
    survives the death of the process, ``fsync`` that of the machine (whoever answers must wait for
    :meth:`sync`), ``none`` neither. ``torn_bytes`` says what was cut off a torn journal at the start,
    ``failure`` why nothing can be written just now.

    Raises :class:`~emulator.store.errors.StateError` if there is a state that cannot be read.
    """

    def __init__(
        self,
        path: Path | None = None,
        specs: Mapping[str, TableSpec] | None = None,
        durability: Durability = "os",
        min_journal_bytes: int = MIN_JOURNAL_BYTES,
    ) -> None:
        self._specs = specs or {}
        self._path = None if durability == "none" else path
        self.durability = durability
        self.state = State(self._specs)
        self.failure: str | None = None
        self.torn_bytes = 0
        self.fresh = True
        self._min_journal_bytes = min_journal_bytes
        self._generation = 0
        self._snapshot_bytes = 0
        self._closed_journal_bytes = 0
        self._snapshot_thread: threading.Thread | None = None
        self._snapshot_abandoned = threading.Event()
        self._retry_at = 0.0
        self._snapshot_number = 0
        self._unsynced: list[_Unsynced] = []
        self.commits = 0
        self.journal: Journal | None = None
        if self._path is not None:
            self._open(self._path)

    def _open(self, path: Path) -> None:
        if nothing_stored(path):
            self._write_whole(path, self.state)
            return
        self.fresh = False
        recovered = recover(path, self._specs)
        self.state = recovered.state
        self._generation = recovered.last.generation
        self._snapshot_number = recovered.header.number
        self.torn_bytes = recovered.last.torn_bytes
        self._snapshot_bytes = path.stat().st_size
        self.journal = Journal(recovered.journals[-1], recovered.last.size, recovered.last.number)
        if self.torn_bytes:
            self.journal.cut_back(recovered.last.size, recovered.last.number)
        self._closed_journal_bytes = sum(old.stat().st_size for old in recovered.journals[:-1])
        self._forget_journals(path, recovered.header.generation)

    # TinyDB's interface

    def read(self) -> dict[str, Any] | None:
        """All tables, as TinyDB wants them: mappings of document ids (text) to documents."""
        return table_views(self.state) or None

    def write(self, data: Mapping[str, Mapping[Any, Mapping[str, Any]]]) -> None:
        """Replace everything, as one transaction. Raises :class:`StorageUnavailable`."""
        kept = {
            n for n, t in data.items() if isinstance(t, TableView) and t.table is self.state.tables.get(n)
        }
        ops = [Op(name, None, None) for name in self.state.tables if name not in kept]
        for name, table in data.items():
            if name not in kept:
                ops.append(Op(name, None, b"{}"))
                ops += [Op(name, int(doc_id), encode_document(doc)) for doc_id, doc in table.items()]
        self.commit(ops)

    def close(self) -> None:
        """Write a last snapshot and close the files."""
        if self.journal is None or self._path is None:
            return
        self._abandon_snapshot()
        try:
            if self.journal.number > self._snapshot_number or self._closed_journal_bytes:
                self._write_whole(self._path, self.state)
        except OSError as error:  # nothing is lost: the journals hold everything
            self.failure = _reason(error)
        self.journal.close()
        self.journal = None

    def discard(self) -> None:
        """Close the files as they are, without a last snapshot."""
        self._abandon_snapshot()
        if self.journal is not None:
            self.journal.close()
            self.journal = None

    # Transactions

    def commit(self, ops: Sequence[Op]) -> None:
        """Make the steps durable and carry them out, all or none.

        Raises :class:`StorageUnavailable`; then neither memory nor disk has changed.
        """
        if self.journal is not None:
            size, number = self.journal.size, self.journal.number
            # The journal first: a snapshot on its way must not see what the journal does not hold.
            self._append(encode_ops(ops))
            undo = self.state.apply(ops)
            if self.durability == "fsync":
                self._unsynced.append(_Unsynced(size, number, undo))
            if self._snapshot_due():
                self.snapshot()
        else:
            self.state.apply(ops)
        self.commits += 1

    def _append(self, payload: bytes) -> None:
        if not self.probe() or self.journal is None:
            raise StorageUnavailable(self.failure or "the state is closed")
        try:
            self.journal.append(payload)
        except OSError as error:
            self.failure = _reason(error)
            self._retry_at = monotonic() + _RETRY_S
            raise StorageUnavailable(self.failure) from error

    def replace(self, state: State) -> None:
        """Put another state in place of this one, whole or not at all.

        Raises :class:`StorageUnavailable`.
        """
        if self._path is not None:
            self._abandon_snapshot()
            try:
                self._write_whole(self._path, state)
            except OSError as error:
                self.failure = _reason(error)
                raise StorageUnavailable(self.failure) from error
        self.state = state
        self._unsynced = []
        self.commits += 1

    def spec(self, table: str) -> TableSpec:
        """The specification of a table."""
        return self._specs.get(table, TableSpec())

    def new_state(self) -> State:
        """An empty state with the same specifications, to be filled for :meth:`replace`."""
        return State(self._specs)

    # fsync

    @property
    def unsynced(self) -> int:
        """How many transactions the disk may not have yet (``fsync`` mode)."""
        return len(self._unsynced)

    def sync(self) -> None:
        """Wait for the disk. Raises :class:`StorageUnavailable`, having taken back what it may have lost."""
        if self._unsynced and self.journal is not None:
            try:
                self.journal.sync()
            except OSError as error:
                self.take_back(error)
                raise StorageUnavailable(_reason(error)) from error
            self._unsynced = []

    def synced(self, number: int) -> None:
        """The disk has every transaction up to this number."""
        self._unsynced = [one for one in self._unsynced if one.number >= number]

    def take_back(self, error: OSError) -> None:
        """Undo every unsynced transaction, in memory and in the journal: the disk refused them."""
        self.failure = _reason(error)
        self._snapshot_abandoned.set()
        for unsynced in reversed(self._unsynced):
            self.state.apply(unsynced.undo)
        if self._unsynced and self.journal is not None:
            first = self._unsynced[0]
            with contextlib.suppress(OSError):
                self.journal.cut_back(first.size, first.number)
        self._unsynced = []
        self.commits += 1

    # Health

    def probe(self) -> bool:
        """Whether the disk takes writes again; asked at most once a second while it does not."""
        if self.failure is None or self._path is None or self.journal is None:
            return True
        return self._probe(self._path, self.journal)

    def _probe(self, path: Path, journal: Journal) -> bool:
        if monotonic() < self._retry_at:
            return False
        self._retry_at = monotonic() + _RETRY_S
        try:
            if journal.in_place():
                probe = path.with_suffix(".probe")
                replace_file(probe, [bytes(4096)])
                probe.unlink()
            else:  # the directory is back, but empty: memory holds what it held
                self._abandon_snapshot()
                self._write_whole(path, self.state)
        except OSError as error:
            self.failure = _reason(error)
            return False
        self.failure = None
        return True

    # Snapshots

    def _snapshot_due(self) -> bool:
        if self.journal is None or self._snapshot_thread is not None or monotonic() < self._retry_at:
            return False
        size = self._closed_journal_bytes + self.journal.size
        return size > max(self._min_journal_bytes, self._snapshot_bytes)

    def snapshot(self) -> None:
        """Begin a snapshot in the background. Requests go on; failures are told by ``failure``."""
        if self._path is None or self._snapshot_thread is not None:
            return
        try:
            self.sync()
            self._rotate(self._path)
        except (OSError, StorageUnavailable) as error:
            self.failure = _reason(error)
            self._retry_at = monotonic() + _RETRY_S
            return
        self._snapshot_abandoned.clear()
        self._snapshot_thread = threading.Thread(
            target=self._snapshot_in_background,
            args=(self._path, self._header(self.state), self.state.documents()),
            name="snapshot",
            daemon=True,
        )
        self._snapshot_thread.start()

    def _snapshot_in_background(
        self, path: Path, header: snapshots.Header, tables: Mapping[str, Mapping[int, bytes]]
    ) -> None:
        try:
            replace_file(path, self._checked(snapshots.write_chunks(header, tables)))
            self._snapshot_written(path, header)
        except _Abandoned:
            pass
        except OSError as error:
            self.failure = _reason(error)
            self._retry_at = monotonic() + _RETRY_S
        finally:
            self._snapshot_thread = None

    def _checked(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            if self._snapshot_abandoned.is_set():
                raise _Abandoned
            yield chunk
        # What the snapshot has seen must be in the journal on the disk before the snapshot counts.
        if self.journal is not None:
            self.journal.sync()
        if self._snapshot_abandoned.is_set():
            raise _Abandoned

    def _abandon_snapshot(self) -> None:
        thread = self._snapshot_thread
        if thread is not None:
            self._snapshot_abandoned.set()
            thread.join()

    def _write_whole(self, path: Path, state: State) -> None:
        self._rotate(path)
        header = self._header(state)
        replace_file(path, snapshots.write_chunks(header, state.documents()))
        self._unsynced = []
        self._snapshot_written(path, header)

    def _header(self, state: State) -> snapshots.Header:
        number = self.journal.number if self.journal else 0
        return snapshots.Header(snapshots.FORMAT, self._generation, number, state.last_ids())

    def _rotate(self, path: Path) -> None:
        """Begin a new journal; the old one stays until a snapshot stands in for it."""
        number = self.journal.number if self.journal else 0
        new = Journal.create(journal_path(path, self._generation + 1), self._generation + 1, number)
        self._generation += 1
        if self.journal is not None:
            self._closed_journal_bytes += self.journal.size
            self.journal.close()
        self.journal = new

    def _snapshot_written(self, path: Path, header: snapshots.Header) -> None:
        fsync_folder(path.parent)
        self._snapshot_number = header.number
        self._snapshot_bytes = path.stat().st_size
        self._forget_journals(path, header.generation)
        self._closed_journal_bytes = 0

    def _forget_journals(self, path: Path, generation: int) -> None:
        for old, journal_file in find_journals(path).items():
            if old < generation:
                journal_file.unlink(missing_ok=True)


class _Abandoned(Exception):
    """The snapshot on its way is no longer wanted."""


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        where = f" ({error.filename})" if error.filename else ""
        return f"the state cannot be written: {error.strerror or error}{where}"
    return str(error)
