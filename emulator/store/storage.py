"""A TinyDB storage that keeps the state in memory, logs each transaction and snapshots in the background.

Use it like any TinyDB storage, with :class:`emulator.store.table.IndexedTable` as the table class::

    class Database(TinyDB):
        table_class = IndexedTable
        default_storage_class = LoggedStorage

    spec = TableSpec(["name"], lambda document: [("name", document["name"])])
    db = Database("state.json", specs={"people": spec})

The file is a plain TinyDB file after :meth:`LoggedStorage.close`. One thread writes.
"""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from functools import partial
from math import inf
from pathlib import Path
from typing import Any

from tinydb.storages import Storage

from emulator.loop.pacing import at_once, in_steps
from emulator.settings import MIN_LOG_BYTES, Durability
from emulator.store.dictionaries import changes, decoded
from emulator.store.errors import Unavailable
from emulator.store.generations import Generations
from emulator.store.interface import ignore
from emulator.store.long_list import LongList
from emulator.store.recovery import Recovered, nothing_stored, recover
from emulator.store.removal import clear_away
from emulator.store.shared_state import SharedState
from emulator.store.snapshot import until
from emulator.store.state import Op, State, TableSpec, encode_ops, pieces
from emulator.store.state_on_disk import StateOnDisk
from emulator.store.unsynced import Pending


class LoggedStorage(StateOnDisk, Storage):
    """The state of one file.

    ``path``: the state file; ``None``: all is in memory only. ``durability``: ``os`` survives the death of
    the process, ``fsync`` that of the machine (who answers must wait for :meth:`sync`), ``none`` neither.
    ``shared`` gives what a new state begins with: its files are written with the first change, otherwise at
    once. ``torn_bytes``: what was cut off a torn log at the start; ``fresh``: nothing has ever been stored;
    ``check_lock`` raises :class:`OSError` when the directory has become another process's; ``recovered``: the
    contents of the file, if they were read already; ``is_new``: there is no state to read;
    ``recorder`` gets the steps of each change in memory, ``None`` where another state has taken its place.
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
        is_new: bool = False,
    ) -> None:
        self._specs = specs or {}
        where = None if path is None else Path(path)
        super().__init__(where, State(self._specs), durability, min_log_bytes, check_lock)
        self.torn_bytes, self.fresh = 0, True
        self.recorder: Callable[[Sequence[Op] | None], object] = ignore
        self._batch: list[Op] | None = None
        self._batch_undo: list[Op] | LongList[Op] = []
        if self.files is not None:
            self._open(self.files, shared, recovered or self._read(is_new))
        elif recovered is not None:
            self.state = recovered.state
        elif shared is not None:
            self.state = shared().fork()

    def _read(self, is_new: bool) -> Recovered | None:
        clear_away(self._path)
        return None if is_new or nothing_stored(self._path) else recover(self._path, self._specs)

    def _open(
        self, files: Generations, shared: Callable[[], SharedState] | None, recovered: Recovered | None
    ) -> None:
        if recovered is not None:
            files.resume(recovered)
            self.state = recovered.state
            self.torn_bytes = recovered.last.torn_bytes
            self.fresh = not self.state.tables and files.log.number == 0
        if self.fresh and shared is not None:
            begun = shared()
            self.state = begun.fork()
            if recovered is None:
                begun.prepare(self._path.parent, self.syncs)
                files.shared = begun
                return
        elif recovered is not None:
            return
        files.write_whole(self.state, self.syncs)  # without anything shared, or after an interrupted start

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
        self.state.check(steps)
        self.commit(steps)

    def close(self, give_up_at: float = inf) -> None:
        """Write a last snapshot and close the files. If that fails, :attr:`failure` says why.

        ``give_up_at``: when it leaves the snapshot (:func:`time.monotonic`).
        """
        files = self.files
        if self._aside is not None:
            wait([self._aside])
        elif self._batch is None and files is not None and files.outdated:
            try:
                self.sync()
                files.write_whole(self.state, True, partial(until, give_up_at))
            except Unavailable:
                pass
            except OSError as error:  # nothing is lost: the logs hold everything
                self._failed(error)
        self.discard()  # inside a long change or a batch memory may hold what no file does

    # Transactions

    def commit(self, ops: Sequence[Op]) -> None:
        """Log the steps and apply them, all or none.

        The tables' decoders and indexes accept the documents. Raises :class:`Unavailable`; then nothing has
        changed.
        """
        paced = (self.pace or iter)(ops)
        if self._batch is not None:
            self._batch += ops
            (self.state.apply_many if self.pace is iter else self.state.apply)(paced, self._batch_undo)
        elif (files := self.files) is None:
            self._check_open()
            self.state.apply(paced)
            self.recorder(ops)
        else:
            self._begin(files)
            # The log first: a snapshot on its way must not see what the log does not hold.
            size = self._append(files, ops)
            if self.syncs:
                undo: list[Op] = []
                self.state.apply(paced, undo)
                self._unsynced.add(Pending(files.log.number, size, undo))
            else:
                self.state.apply(paced)
        self.commits += 1

    @contextlib.contextmanager
    def batch(self) -> Iterator[None]:
        """Make one transaction of all commits inside; each commit is visible at once.

        At the end it is as durable as one commit. If that fails, or on an exception inside, all of it is
        undone. Raises :class:`Unavailable`.
        """
        self._check_open()
        files = self.files
        if files is not None:
            self._begin(files)
        undo: list[Op] = []
        with (
            files.unseen() if files is not None else contextlib.nullcontext(),
            self._gathering(undo) as ops,
        ):
            try:
                yield
                size = self._append(files, ops) if files is not None and ops else 0
            except BaseException:
                self.state.apply(reversed(undo))
                raise
            if files is None and ops:
                self.recorder(ops)
        if self.syncs and files is not None and ops:
            self._unsynced.add(Pending(files.log.number, size, undo))

    @contextlib.contextmanager
    def _gathering(self, undo: list[Op] | LongList[Op]) -> Iterator[list[Op]]:
        """Gather the commits inside, and in ``undo`` what undoes them."""
        ops: list[Op] = []
        self._batch, self._batch_undo = ops, undo
        try:
            yield ops
        finally:
            self._batch = None
            self.commits += 1

    def _begin(self, files: Generations) -> None:
        self.keep()
        if files.snapshot_due():
            epoch = self._unsynced.epoch
            self.snapshot()
            if epoch is not self._unsynced.epoch:  # the changes that the caller builds on were undone
                raise Unavailable(self._failure() or "", self._trouble)

    def _append(self, files: Generations, ops: Sequence[Op]) -> int:
        """Write the steps into the log; returns its size before."""
        size = files.log.size
        try:
            if self.pace is None:
                files.append(encode_ops(ops))
            else:
                encoded = [encode_ops(some)[1:-1] for some in self.pace(pieces(ops))]
                files.append(b"[%b]" % b",".join(encoded))
        except OSError as error:
            raise self._failed(error) from error
        return size

    # Long changes: if another thread takes part, the caller lets nobody else change anything meanwhile

    async def replace(self, state: State) -> None:
        """Put another state in place of this one, whole or not at all.

        Another thread writes the files of a large one. Raises :class:`Unavailable`.
        """
        await self._write_whole(state)
        self._take(state)

    async def start_over(self, shared: SharedState, changes: Sequence[Op] = ()) -> None:
        """Begin with what is shared, in place of everything; ``changes`` are made in it at once.

        Without any, what had no files has none still. Another thread writes large files.
        Raises :class:`Unavailable`; then nothing has changed.
        """
        self._check_open()
        files, state = self.files, shared.fork()
        state.apply(changes)
        if files is None or changes:
            await self._write_whole(state)
        elif not files.begun:
            with self._refusing():
                await self._run(partial(shared.prepare, self._path.parent, self.syncs), shared.is_large)
                files.check()
            files.shared, self._trouble = shared, None
        else:
            with self._refusing():
                is_cut = files.return_to(shared)
            if not is_cut:
                await self._write_whole(state, shared)
        self._take(state)

    def _take(self, state: State) -> None:
        self.state = state
        self.commits += 1
        self.recorder(None)

    @contextlib.asynccontextmanager
    async def batch_in_steps(self, ops: Iterable[Op]) -> AsyncIterator[None]:
        """One transaction of many steps, known to be good, and of what is committed inside.

        They are carried out a few at a time; then the whole state is written anew. Where that cannot be, and
        whatever is raised inside, all of it is undone. Raises :class:`Unavailable`.
        """
        self._check_open()
        undo = LongList[Op]()
        with self._gathering(undo):
            try:
                files = self.files
                if files is not None and files.begun:  # a snapshot on its way would see a part
                    await self._run(lambda _: files.abandon_snapshot(), True)
                await in_steps(self.state.applying(ops, undo))
                yield
                await self._write_whole(self.state)
            except BaseException as error:
                undoing = self.state.applying(reversed(undo))
                try:
                    if isinstance(error, Exception):
                        await in_steps(undoing)
                finally:
                    at_once(undoing)  # where it is cancelled, nobody may wait for it
                raise
            self.recorder(None)
        undo.free()

    async def _write_whole(self, state: State, shared: SharedState | None = None) -> None:
        """Write all of the state, which is that of ``shared``, if any."""
        files = self.keep()
        if files is not None:
            self.sync()
            work = partial(files.write_whole, state, self.syncs)
            if shared is not None:
                work = partial(files.begin_with, shared)
            with self._refusing():
                await self._run(work, state.is_large)

    def spec(self, table: str) -> TableSpec:
        """The specification of a table."""
        return self._specs.get(table, TableSpec())
