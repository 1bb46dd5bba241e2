"""A TinyDB storage that keeps the state in memory, logs each transaction and snapshots in the background.

Use it like any TinyDB storage, with :class:`emulator.store.table.IndexedTable` as the table class::

    class Database(TinyDB):
        table_class = IndexedTable
        default_storage_class = LoggedStorage

    db = Database("state.json", specs={"people": TableSpec({"name": lambda doc: [doc["name"]]})})

The file is a plain TinyDB file after :meth:`LoggedStorage.close`. One thread writes.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

from tinydb.storages import Storage

from emulator.settings import MIN_LOG_BYTES, Durability
from emulator.store.errors import Unavailable, reason
from emulator.store.generations import RETRY_S, Generations
from emulator.store.log import Log
from emulator.store.recovery import nothing_stored, recover
from emulator.store.removal import clear_away
from emulator.store.state import Op, State, TableSpec, changes, decoded, encode_ops
from emulator.store.unsynced import Basis, Pending, Ticket, Unsynced


class LoggedStorage(Storage):
    """The state of one file.

    ``path``: the state file, or ``None`` to keep everything in memory only. ``durability``: ``os`` survives
    the death of the process, ``fsync`` that of the machine (an answer must wait for :meth:`sync`), ``none``
    neither. ``give_up_at``: when :meth:`close` abandons its snapshot (:func:`time.monotonic`).
    ``torn_bytes``: the bytes cut off a torn log at the start; ``fresh``: nothing has ever been stored;
    ``commits`` grows with every change of the state; ``on_taken_back`` is called when the disk has lost
    applied transactions; ``check_lock`` raises :class:`OSError` if the directory belongs to another process.

    Raises :class:`~emulator.store.errors.StateError` if there is a state that cannot be read.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        specs: Mapping[str, TableSpec] | None = None,
        durability: Durability = "os",
        min_log_bytes: int = MIN_LOG_BYTES,
        check_lock: Callable[[], object] = lambda: None,
    ) -> None:
        self._specs = specs or {}
        self.state = State(self._specs)
        self.give_up_at: float | None = None
        self.torn_bytes = 0
        self.fresh = True
        self.commits = 0
        self.on_taken_back: Callable[[], object] = lambda: None
        self._unsynced = Unsynced()
        self._syncs = durability == "fsync"
        self._batch: list[Op] | None = None
        self._batch_undo: list[Op] = []
        self._trouble: Exception | None = None
        self._retry_at = 0.0
        self._closed = False
        self._path = Path(path or "")
        self._files: Generations | None = None
        if path is not None and durability != "none":
            files = Generations(self._path, self._unsynced, min_log_bytes, self._syncs, check_lock)
            check_lock()
            self._files = self._open(files)

    def _open(self, files: Generations) -> Generations:
        clear_away(files.path)
        if nothing_stored(files.path):
            files.write_whole(self.state)
            return files
        recovered = recover(files.path, self._specs)
        files.resume(recovered)
        self.state = recovered.state
        self.torn_bytes = recovered.last.torn_bytes
        self.fresh = not self.state.tables and files.log.number == 0
        return files

    # TinyDB's interface

    def read(self) -> dict[str, Any] | None:
        """All tables in TinyDB's form: mappings of document ids (text) to documents."""
        tables = self.state.tables.items()
        return {n: {str(i): one for i, one in decoded(table).items()} for n, table in tables} or None

    def write(self, data: Mapping[str, Mapping[Any, Mapping[str, Any]]]) -> None:
        """Replace everything, as one transaction. Raises :class:`Unavailable`."""
        steps = [Op(name, None, None) for name in self.state.tables if name not in data]
        for name, documents in data.items():
            steps += changes(name, self.state.tables.get(name), documents)
        self.commit(steps)

    def close(self) -> None:
        """Write a last snapshot and close the files. If that fails, :attr:`failure` says why."""
        files = self._files
        try:
            if files is not None and files.outdated:
                self.sync()
                files.write_whole(self.state, self.give_up_at)
        except Unavailable:
            pass
        except OSError as error:  # nothing is lost: the logs hold everything
            self._failed(error)
        self.discard()

    def discard(self) -> None:
        """Close the files as they are, without a last snapshot."""
        files, self._files = self._files, None
        if files is not None:
            self._closed = True
            files.close()

    # Transactions

    @property
    def basis(self) -> Basis:
        """The basis of work that begins now."""
        return Basis(self.state, self._unsynced.epoch)

    def commit(self, ops: Sequence[Op], checked: bool = False) -> None:
        """Log the steps and apply them, all or none.

        ``checked``: the tables' decoders and indexes are known to accept the documents; else their errors
        are raised. Raises :class:`Unavailable`. In both cases nothing has changed.
        """
        self._check_open()
        if not checked:
            self.state.check(ops)
        if self._batch is not None:
            self._batch += ops
            self.state.apply(ops, self._batch_undo)
        elif self._files is None:
            self.state.apply(ops)
        else:
            self._begin(self._files)
            # The log first: a running snapshot must not see changes that the log lacks.
            size = self._append(self._files, ops)
            if self._syncs:
                undo: list[Op] = []
                self.state.apply(ops, undo)
                self._unsynced.add(Pending(self._files.log.number, size, undo))
            else:
                self.state.apply(ops)
        self.commits += 1

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Make one transaction of all commits inside; each commit is visible at once.

        At the end it is as durable as one commit. If that fails, or on an exception inside, all of it is
        undone. Raises :class:`Unavailable`.
        """
        self._check_open()
        files = self._files
        if files is not None:
            self._begin(files)
        with files.unseen() if files is not None else contextlib.nullcontext():
            ops: list[Op] = []
            undo: list[Op] = []
            self._batch, self._batch_undo = ops, undo
            try:
                yield
                size = self._append(files, ops) if files is not None and ops else 0
            except BaseException:
                self.state.apply(reversed(undo))
                raise
            finally:
                self._batch = None
                self.commits += 1
        if self._syncs and files is not None and ops:
            self._unsynced.add(Pending(files.log.number, size, undo))

    def _check_open(self) -> None:
        if self._closed:
            raise Unavailable("the state is closed")

    def _begin(self, files: Generations) -> None:
        epoch = self._unsynced.epoch
        if files.snapshot_due():
            self.snapshot()
        # In another epoch the changes that the caller builds on were undone.
        if epoch is not self._unsynced.epoch or not self._writable(files):
            raise Unavailable(self.failure or "", self._trouble)

    def _append(self, files: Generations, ops: Sequence[Op]) -> int:
        """Write the steps into the log; returns its size before."""
        size = files.log.size
        try:
            files.append(encode_ops(ops))
        except OSError as error:
            raise self._failed(error) from error
        return size

    def replace(self, state: State) -> None:
        """Put another state in place of this one, whole or not at all.

        Raises :class:`Unavailable`.
        """
        self._check_open()
        if self._files is not None:
            self.sync()
            try:
                self._files.write_whole(state)
            except OSError as error:  # the log may still work: other requests are not refused
                raise Unavailable(self._text(error), error) from error
            self._trouble = None
        self.state = state
        self.commits += 1

    def spec(self, table: str) -> TableSpec:
        """The specification of a table."""
        return self._specs.get(table, TableSpec())

    def snapshot(self) -> None:
        """Start a snapshot in the background. Requests continue; :attr:`failure` reports failures."""
        if self._files is not None:
            with contextlib.suppress(Unavailable):
                self.sync()
                self._files.begin_snapshot(self.state)

    def prepare_removal(self) -> None:
        """Stop writing files in the background. Raises :class:`OSError` if those on disk are not ours."""
        if self._files is not None:
            self._files.abandon_snapshot()
            self._files.check()

    def rest(self) -> None:
        """Close the open file; the next transaction opens it again."""
        if self._files is not None:
            self._files.log.rest()

    # fsync

    @property
    def log(self) -> Log | None:
        """The log of new transactions; ``None`` in memory and after :meth:`close`."""
        return self._files.log if self._files is not None else None

    @property
    def unsynced(self) -> int:
        """How many transactions the disk may not have yet (``fsync`` mode)."""
        return len(self._unsynced)

    def ticket(self) -> Ticket:
        """The ticket for all commits so far."""
        return Ticket(self._unsynced.epoch, self._files.log.number if self._files is not None else 0)

    def waits_for(self, ticket: Ticket) -> bool:
        """Whether transactions of the ticket may be missing on the disk, but none is lost so far."""
        return self._files is not None and self._unsynced.holds(ticket)

    def sync(self) -> None:
        """Wait for the disk. Raises :class:`Unavailable` after it has undone what the disk may have lost."""
        if self._unsynced and self._files is not None:
            ticket = self.ticket()
            try:
                self._files.log.sync()
            except OSError as error:
                raise self.take_back(error) from error
            self.synced(ticket)

    def synced(self, ticket: Ticket) -> None:
        """Record that the disk has everything up to this ticket."""
        self._unsynced.confirm(ticket)

    def take_back(self, error: Exception) -> Unavailable:
        """Undo every unsynced transaction in memory and in the log, because the disk refused them."""
        if self._files is None:
            return Unavailable(str(error))
        log = self._files.log
        taken = self._unsynced.take_all(log.number)
        for pending in taken:
            self.state.apply(reversed(pending.undo))
        if taken:
            with contextlib.suppress(OSError):
                log.cut_back(taken[-1].size, taken[-1].number - 1)
        log.forget_sync_error()
        self.commits += 1
        self.on_taken_back()
        return self._failed(error)

    # Health

    @property
    def failure(self) -> str | None:
        """Why the state or its snapshot cannot be written at present."""
        if self._trouble is not None:
            return self._text(self._trouble)
        return self._files.failure if self._files is not None else None

    def probe(self) -> bool:
        """Whether the disk accepts writes. A refused write is tried again, but not at each call."""
        files = self._files
        if files is None:
            return True
        if self._trouble is None:
            try:
                files.check()
                files.log.check_open()
            except OSError as error:
                self._failed(error)
                self._retry_at = 0.0
        if not self._writable(files):
            return False
        if files.snapshot_missing() or (files.failure is not None and files.snapshot_due()):
            self.snapshot()
        return self.failure is None

    def _writable(self, files: Generations) -> bool:
        if self._trouble is None:
            return True
        if monotonic() < self._retry_at:
            return False
        try:
            files.try_again()
        except OSError as error:
            self._failed(error)
            return False
        self._trouble = None
        return True

    def _failed(self, error: Exception) -> Unavailable:
        self._trouble = error
        self._retry_at = monotonic() + RETRY_S
        return Unavailable(self._text(error), error)

    def _text(self, error: Exception) -> str:
        return f"the state cannot be written: {reason(error, self._path)}"
