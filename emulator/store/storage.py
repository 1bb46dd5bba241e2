"""A TinyDB storage that keeps the state in memory, logs each transaction and snapshots in the background.

Use it like any TinyDB storage, with :class:`emulator.store.table.IndexedTable` as the table class::

    class Database(TinyDB):
        table_class = IndexedTable
        default_storage_class = LoggedStorage

    spec = TableSpec(["name"], lambda document: [("name", document["name"])])
    db = Database("state.json", specs={"people": spec})

The file is a plain TinyDB file after :meth:`LoggedStorage.close`. One thread writes.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from errno import EEXIST
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any

from tinydb.storages import Storage

from emulator.loop.pacing import Share, in_steps
from emulator.settings import MIN_LOG_BYTES, Durability
from emulator.store.errors import Unavailable, reason
from emulator.store.generations import RETRY_S, Generations
from emulator.store.log import Log
from emulator.store.recovery import Recovered, nothing_stored, recover
from emulator.store.removal import clear_away
from emulator.store.shared_state import SharedState
from emulator.store.state import Op, State, TableSpec, changes, decoded, encode_ops
from emulator.store.unsynced import Basis, Pending, Ticket, Unsynced


class StateRecorder:
    """Is told of every change of a state that has no files; this one does nothing with it."""

    def commit(self, ops: Sequence[Op]) -> None:
        """The state has changed by these steps."""

    def replace(self) -> None:
        """Another state has taken the place of this one, or changes of any number were made in it."""


class LoggedStorage(Storage):
    """The state of one file.

    ``path``: the state file, or ``None`` to keep everything in memory only. ``durability``: ``os``
    survives the death of the process, ``fsync`` that of the machine (whoever answers must wait for
    :meth:`sync`), ``none`` neither. ``shared`` gives what a new state begins with: its files
    are written with the first change, otherwise at once. ``give_up_at``: when :meth:`close` leaves its
    snapshot (:func:`time.monotonic`). ``torn_bytes`` says what was cut off a torn log at the start,
    ``fresh`` that nothing has ever been stored, ``commits`` grows whenever the state changes;
    ``on_taken_back`` is called when the disk has lost transactions that were carried out already;
    ``check_lock`` raises :class:`OSError` when the directory has become another process's;
    ``recovered``: what is stored in the file, where somebody has read it already; ``recorder`` is told of
    every change of a state in memory.

    Raises :class:`~emulator.store.errors.StateError` if there is a state that cannot be read.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        specs: Mapping[str, TableSpec] | None = None,
        durability: Durability = "os",
        min_log_bytes: int = MIN_LOG_BYTES,
        check_lock: Callable[[], object] = lambda: None,
        shared: Callable[[], SharedState] | None = None,
        recovered: Recovered | None = None,
    ) -> None:
        self._specs = specs or {}
        self.state = State(self._specs)
        self.give_up_at: float | None = None
        self.torn_bytes = 0
        self.fresh = True
        self.commits = 0
        self.on_taken_back: Callable[[], object] = lambda: None
        self.recorder = StateRecorder()
        self._unsynced = Unsynced()
        self.syncs = durability == "fsync"
        self._batch: list[Op] | None = None
        self._batch_undo: list[Op] = []
        self._trouble: Exception | None = None
        self._retry_at = 0.0
        self._closed = False
        self._aside: Future[object] | None = None
        self._path = Path(path or "")
        self._min_log_bytes = min_log_bytes
        self._check_lock = check_lock
        self._files: Generations | None = None
        self._unwritten: SharedState | None = None
        in_memory = path is None or durability == "none"
        if not in_memory:
            check_lock()
            self._files = self._open(shared is not None, recovered)
        if self._files is None and shared is not None:
            self._begin_with(shared(), in_memory)

    def _open(self, unless_fresh: bool, recovered: Recovered | None) -> Generations | None:
        files = self._new_files()
        if recovered is None:
            clear_away(self._path)
            if nothing_stored(self._path):
                if unless_fresh:
                    return None
                files.write_whole(self.state, self.syncs)
                return files
            recovered = recover(self._path, self._specs)
        files.resume(recovered)
        self.state = recovered.state
        self.torn_bytes = recovered.last.torn_bytes
        self.fresh = not self.state.tables and files.log.number == 0
        if self.fresh and unless_fresh:  # a first start that was interrupted
            files.remove()
            return None
        return files

    def _new_files(self) -> Generations:
        return Generations(self._path, self._unsynced, self._min_log_bytes, self.syncs, self._check_lock)

    def _begin_with(self, shared: SharedState, in_memory: bool) -> None:
        if not in_memory:
            shared.prepare(self._path.parent, self.syncs)
            self._unwritten = shared
        self.state = shared.fork()

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
        if self._aside is not None:
            wait([self._aside])
        if self._aside is not None or self._batch is not None:  # memory may hold what no file does
            self.discard()
            return
        try:
            if files is not None and files.outdated:
                self.sync()
                files.write_whole(self.state, True, self.give_up_at)
        except Unavailable:
            pass
        except OSError as error:  # nothing is lost: the logs hold everything
            self._failed(error)
        self.discard()

    def discard(self) -> None:
        """Close the files as they are, without a last snapshot."""
        files, self._files = self._files, None
        self._closed = self._closed or files is not None or self._unwritten is not None
        self._unwritten = None
        if files is not None:
            files.close()

    # Files that are written when there is something to keep

    def keep(self) -> None:
        """Write the files now, before the first change. Raises :class:`Unavailable`."""
        self._check_open()
        self._kept()

    def _kept(self) -> Generations | None:
        """The files, which begin now if they have not yet; ``None`` in memory."""
        shared = self._unwritten
        if shared is None:
            return self._files
        if self._trouble is not None and monotonic() < self._retry_at:
            raise Unavailable(self._text(self._trouble), self._trouble)
        files = self._new_files()
        try:
            files.begin(shared)
        except OSError as error:
            raise self._failed(error) from error
        self._files, self._unwritten, self._trouble = files, None, None
        return files

    def _check_unwritten(self) -> None:
        """Raise :class:`OSError` if the directory is not ours, or another file is where ours would be."""
        self._check_lock()
        if os.path.lexists(self._path):
            raise FileExistsError(EEXIST, "another file was put in the place of the state", str(self._path))

    def start_over(self, shared: SharedState, changes: Sequence[Op] = ()) -> None:
        """Begin with what is shared, in place of everything; ``changes`` are made in it at once.

        Without any, what had no files has none still. Raises :class:`Unavailable`; then nothing has changed.
        """
        self._check_open()
        files, unwritten = self._files, self._unwritten
        if files is not None and not changes and self._returned(files, shared):
            self.state = shared.fork()
            self.commits += 1
            return
        if changes or (files is None and unwritten is None):
            state = shared.fork()
            state.apply(changes)
            self.replace(state)
            return
        with self._refusing():
            shared.prepare(self._path.parent, self.syncs)
            if files is not None:
                self.sync()
                files.remove()
            else:
                self._check_unwritten()
        self._files, self._unwritten, self._trouble = None, shared, None
        self._unsynced = Unsynced()  # the next log numbers its transactions anew
        self.state = shared.fork()
        self.commits += 1
        if files is not None:  # what was stored stays stored
            with contextlib.suppress(Unavailable):
                self._kept()

    def _returned(self, files: Generations, shared: SharedState) -> bool:
        with self._refusing():
            return not self.syncs and files.return_to(shared)

    @contextlib.contextmanager
    def _refusing(self) -> Iterator[None]:
        """Refuse what the disk refuses, and that alone: the log may do well all the same."""
        try:
            yield
        except OSError as error:
            raise Unavailable(self._text(error), error) from error

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
        elif (files := self._files or self._kept()) is None:
            self.state.apply(ops)
            self.recorder.commit(ops)
        else:
            self._begin(files)
            # The log first: a snapshot on its way must not see what the log does not hold.
            size = self._append(files, ops)
            if self.syncs:
                undo: list[Op] = []
                self.state.apply(ops, undo)
                self._unsynced.add(Pending(files.log.number, size, undo))
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
        files = self._files or self._kept()
        if files is not None:
            self._begin(files)
        with files.unseen() if files is not None else contextlib.nullcontext():
            ops: list[Op] = []
            undo: list[Op] = []
            self._batch, self._batch_undo = ops, undo
            try:
                yield
                size = self._append(files, ops) if files is not None and ops else 0
                if files is None and ops:
                    self.recorder.commit(ops)
            except BaseException:
                self.state.apply(reversed(undo))
                raise
            finally:
                self._batch = None
                self.commits += 1
        if self.syncs and files is not None and ops:
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
        files = self._kept()
        if files is not None:
            self.sync()
            with self._refusing():
                files.write_whole(state, self.syncs)
            self._trouble = None
        self.state = state
        self.commits += 1
        self.recorder.replace()

    # Long changes: the caller sees to it that nothing else is changed meanwhile

    async def replace_in_steps(self, state: State) -> None:
        """:meth:`replace`, its files written by another thread.

        Raises :class:`Unavailable`.
        """
        self._check_open()
        await self._write_aside(state)
        self.state = state
        self.commits += 1
        self.recorder.replace()

    async def start_over_in_steps(self, shared: SharedState, changes: Sequence[Op] = ()) -> None:
        """:meth:`start_over`; a large file is written by another thread. Raises :class:`Unavailable`."""
        self._check_open()
        if changes:
            state = shared.fork()
            state.apply(changes)
            await self.replace_in_steps(state)
            return
        if shared.is_large and (self._files or self._unwritten) is not None:
            with self._refusing():
                await self._beside(
                    partial(shared.prepare, self._path.parent, self.syncs, pace=Share().sliced)
                )
        self.start_over(shared)

    @contextlib.asynccontextmanager
    async def batch_in_steps(self, ops: Sequence[Op]) -> AsyncIterator[None]:
        """One transaction of many steps, known to be good, and of what is committed inside.

        They are carried out a few at a time; then the whole state is written anew. Where that cannot be, and
        whatever is raised inside, all of it is undone. Raises :class:`Unavailable`.
        """
        self._check_open()
        undo: list[Op] = []
        self._batch, self._batch_undo = [], undo
        try:
            if self._files is not None:  # a snapshot on its way would see a part
                await self._beside(self._files.abandon_snapshot)
            await in_steps(self.state.applying(ops, undo))
            yield
            await self._write_aside(self.state)
            self.recorder.replace()
        except BaseException:
            self.state.apply(reversed(undo))
            raise
        finally:
            self._batch = None
            self.commits += 1

    async def _write_aside(self, state: State) -> None:
        files = self._kept()
        if files is None:
            return
        with self._refusing():
            await self._beside(partial(files.write_whole, state, self.syncs, pace=Share().sliced))
        self._trouble = None

    async def _beside(self, work: Callable[[], object]) -> None:
        """Have another thread do it. :meth:`close`, and whoever cancels this, waits for its end."""
        thread = ThreadPoolExecutor(1, "state")
        try:
            self._aside = thread.submit(work)
        except RuntimeError as error:  # there are too many threads
            raise self._failed(error) from error
        thread.shutdown(wait=False)
        try:
            await asyncio.wrap_future(self._aside)
        except asyncio.CancelledError:
            wait([self._aside])
            raise
        finally:
            self._aside = None

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
        elif self._unwritten is not None:
            self._check_unwritten()

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
        """Whether the disk takes everything. What it refused before is tried again, but not each time."""
        if self._aside is not None:
            return True
        if self._trouble is None:
            try:
                self._check_files()
            except OSError as error:
                self._failed(error)
                self._retry_at = 0.0
        files = self._files
        if self._unwritten is not None and self._trouble is not None:
            with contextlib.suppress(Unavailable):
                files = self._kept()
        if files is None:
            return self._trouble is None
        if not self._writable(files):
            return False
        if files.snapshot_missing() or (files.failure is not None and files.snapshot_due()):
            self.snapshot()
        return self.failure is None

    def _check_files(self) -> None:
        if self._files is not None:
            self._files.check()
            self._files.log.check_open()
        elif self._unwritten is not None:
            self._check_unwritten()

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
