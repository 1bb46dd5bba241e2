"""Transactions, batches and whole replacements of the storage."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from emulator.loop.pacing import at_once
from emulator.store import snapshot
from emulator.store.errors import Unavailable
from emulator.store.log import Log
from emulator.store.state import Op, State
from emulator.store.storage import Durability, LoggedStorage
from tests.store.databases import check_indexes
from tests.store.scene import NAME, SPECS, contents, ready_again, transaction

BOUND_S = 30.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / NAME


def opened(path: Path | None, durability: Durability = "os") -> LoggedStorage:
    return LoggedStorage(path, SPECS, durability)


def reopened(storage: LoggedStorage, path: Path) -> LoggedStorage:
    storage.discard()
    return opened(path)


def test_a_transaction_survives_the_process(path: Path) -> None:
    storage = opened(path)
    storage.commit(transaction(0))
    before = contents(storage.state)
    assert before["tokens"]
    assert contents(reopened(storage, path).state) == before


def test_a_batch_is_seen_at_once_and_is_one_transaction(path: Path) -> None:
    storage = opened(path)
    storage.commit(transaction(0))
    assert storage.log is not None
    number = storage.log.number
    with storage.batch():
        storage.commit(transaction(1))
        assert storage.state.tables["people"].indexes["name"].find("renamed") == (1,)
        storage.commit(transaction(2))
    assert storage.log.number == number + 1
    before = contents(storage.state)
    assert contents(reopened(storage, path).state) == before


@pytest.mark.parametrize("durability", ["os", "fsync", "none"])
def test_a_batch_that_raises_is_undone_whole(path: Path, durability: Durability) -> None:
    storage = opened(path, durability)
    storage.commit(transaction(0))
    before = contents(storage.state)

    def fails() -> None:
        with storage.batch():
            storage.commit(transaction(1))
            storage.commit(transaction(2))
            storage.commit([Op("people", None, None)])
            storage.commit(transaction(3))
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert contents(storage.state) == before
    check_indexes(storage.state)
    storage.commit(transaction(1))
    after = contents(storage.state)
    if durability != "none":
        assert contents(reopened(storage, path).state) == after


def test_an_empty_batch_writes_nothing(path: Path) -> None:
    storage = opened(path)
    assert storage.log is not None
    size = storage.log.size
    with storage.batch():
        pass
    assert storage.log.size == size


def test_a_batch_that_the_disk_refuses_is_undone_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = opened(path)
    storage.commit(transaction(0))
    before = contents(storage.state)

    def refuse(self: Log, payload: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Log, "append", refuse)
    with pytest.raises(Unavailable, match="No space left"), storage.batch():
        storage.commit(transaction(1))
    assert contents(storage.state) == before
    assert contents(reopened(storage, path).state) == before


def test_a_snapshot_never_counts_while_it_may_have_seen_half_a_batch(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = opened(path)
    storage.commit(transaction(0))
    before = contents(storage.state)
    go_on, waiting = threading.Event(), threading.Event()
    write_chunks = snapshot.write_chunks

    def waits(header, tables):  # type: ignore[no-untyped-def]
        waiting.set()
        assert go_on.wait(BOUND_S)
        yield from write_chunks(header, tables)

    monkeypatch.setattr(snapshot, "write_chunks", waits)

    def fails() -> None:
        storage.snapshot()
        assert waiting.wait(BOUND_S)
        assert storage.files is not None
        thread = storage.files.thread
        assert thread is not None
        with storage.batch():
            storage.commit(transaction(1))
            go_on.set()  # the snapshot sees the half of it
            thread.join(0.2)
            assert thread.is_alive()
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    join_snapshot(storage)
    assert contents(storage.state) == before
    monkeypatch.undo()
    assert contents(reopened(storage, path).state) == before


def test_replace_is_whole_and_survives(path: Path) -> None:
    storage = opened(path)
    storage.commit(transaction(0))
    other = State(SPECS)
    other.apply(transaction(5))
    at_once(storage.replace(other))
    assert contents(storage.state) == contents(other)
    storage.commit(transaction(6))
    before = contents(storage.state)
    assert contents(reopened(storage, path).state) == before


@pytest.mark.parametrize("step", ["replace", "unlink", "sync_folder"])
def test_replace_is_whole_or_not_at_all_wherever_the_disk_fails(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """What memory holds afterwards is what the disk holds."""
    storage = opened(path)
    storage.commit(transaction(0))
    other = State(SPECS)
    other.apply(transaction(5))
    fail_at(monkeypatch, step)
    try:
        at_once(storage.replace(other))
        replaced = True
    except Unavailable:
        replaced = False
    monkeypatch.undo()
    assert (contents(storage.state) == contents(other)) == replaced
    storage.commit(transaction(7))
    before = contents(storage.state)
    assert contents(reopened(storage, path).state) == before


def fail_at(patch: pytest.MonkeyPatch, step: str) -> None:
    """Have one step of the disk fail: the snapshot's rename, the removal of logs, the folder's fsync."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    if step == "replace":
        patch.setattr("emulator.store.generations.replace_file", fail)
    elif step == "sync_folder":
        patch.setattr("emulator.store.generations.fsync_folder", fail)
    else:
        patch.setattr(Path, "unlink", fail)


@pytest.mark.parametrize("step", ["replace", "unlink", "sync_folder"])
def test_a_failed_snapshot_is_told_and_tried_again_while_requests_go_on(
    path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    storage = opened(path)
    storage.commit(transaction(0))
    with monkeypatch.context() as patch:
        fail_at(patch, step)
        storage.snapshot()
        join_snapshot(storage)
        assert storage.failure is not None
        assert "no snapshot can be written, the log grows: Input/output error" in storage.failure
        assert not storage.probe()
        storage.commit(transaction(1))
        assert storage.failure is not None
    ready_again(storage)
    storage.commit(transaction(2))
    join_snapshot(storage)
    assert storage.failure is None
    assert storage.probe()
    before = contents(storage.state)
    assert len(list(path.parent.glob("*.journal"))) == 1
    assert contents(reopened(storage, path).state) == before


def test_a_snapshot_that_fails_for_long_does_not_leave_ever_more_files(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = opened(path)
    with monkeypatch.context() as patch:
        fail_at(patch, "replace")
        for number in range(20):
            ready_again(storage)
            storage.commit(transaction(number))
            storage.snapshot()
            join_snapshot(storage)
            assert storage.failure is not None
        assert len(list(path.parent.iterdir())) == 3
    before = contents(storage.state)
    storage = reopened(storage, path)
    assert contents(storage.state) == before
    storage.snapshot()
    join_snapshot(storage)
    storage.commit(transaction(20))
    before = contents(storage.state)
    storage = reopened(storage, path)
    assert contents(storage.state) == before


def test_a_snapshot_made_up_for_is_followed_by_the_log_of_the_first_attempt(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = opened(path)
    storage.commit(transaction(0))
    with monkeypatch.context() as patch:
        fail_at(patch, "replace")
        storage.snapshot()
        join_snapshot(storage)
        storage.commit([Op("people", None, None), *transaction(3)])
        storage.commit(transaction(1))
    storage.snapshot()
    join_snapshot(storage)
    assert storage.failure is None
    storage.commit(transaction(2))
    before = contents(storage.state)
    assert len(list(path.parent.iterdir())) == 2
    assert contents(reopened(storage, path).state) == before


def test_a_failed_snapshot_is_tried_again_when_only_health_asks(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = opened(path)
    with monkeypatch.context() as patch:
        fail_at(patch, "replace")
        storage.snapshot()
        join_snapshot(storage)
        assert not storage.probe()
    ready_again(storage)
    storage.probe()
    join_snapshot(storage)
    assert storage.probe()


def test_a_rotation_that_fails_leaves_no_log_behind(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = opened(path, "fsync")
    with monkeypatch.context() as patch:

        def fail(folder: Path) -> None:
            raise OSError(5, "Input/output error")

        patch.setattr("emulator.store.log.fsync_folder", fail)
        storage.snapshot()
        assert storage.failure is not None
    storage.commit(transaction(0))
    before = contents(storage.state)
    assert contents(reopened(storage, path).state) == before


def test_no_thread_for_a_snapshot_is_told_and_harmless(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage = opened(path)

    def no_thread(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", no_thread)
        storage.snapshot()
    assert "can't start new thread" in str(storage.failure)
    storage.commit(transaction(0))
    before = contents(storage.state)
    assert contents(reopened(storage, path).state) == before


def test_no_thread_for_long_work_is_told_and_the_next_change_is_stored(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for storage in (opened(None), opened(path)):
        with monkeypatch.context() as patch:

            def no_thread(self: threading.Thread) -> None:
                raise RuntimeError("can't start new thread")

            patch.setattr(threading.Thread, "start", no_thread)
            with pytest.raises(Unavailable, match="can't start new thread"):
                asyncio.run(storage.beside(lambda: None))
        assert storage.failure is None
        storage.commit(transaction(0))


def test_snapshots_begin_by_themselves_and_bound_the_files(path: Path) -> None:
    storage = LoggedStorage(path, SPECS, min_log_bytes=2000)
    most = 0
    for number in range(600):
        storage.commit(transaction(number % 40))
        join_snapshot(storage)
        most = max(most, sum(file.stat().st_size for file in path.parent.iterdir()))
    assert most < 4 * 2000 + 2 * path.stat().st_size
    assert len(list(path.parent.iterdir())) == 2


def join_snapshot(storage: LoggedStorage) -> None:
    assert storage.files is not None
    thread = storage.files.thread
    if thread is not None:
        thread.join(BOUND_S)
        assert not thread.is_alive()


@pytest.mark.parametrize("end", [LoggedStorage.close, LoggedStorage.discard])
def test_a_closed_state_takes_nothing(path: Path, end: Callable[[LoggedStorage], None]) -> None:
    storage = opened(path)
    storage.commit(transaction(0))
    end(storage)
    end(storage)
    with pytest.raises(Unavailable, match="closed"):
        storage.commit(transaction(1))
    with pytest.raises(Unavailable, match="closed"), storage.batch():
        pass
    with pytest.raises(Unavailable, match="closed"):
        at_once(storage.replace(State(SPECS)))


def test_a_long_change_in_a_batch_keeps_its_pace() -> None:
    storage, before = opened(None), list[int]()

    def counting(ops: Iterable[Op]) -> Iterator[Op]:
        for op in ops:
            before.append(len(storage.state.tables["people"].documents))
            yield op

    storage.commit([Op("people", None, b"{}")])
    storage.pace = counting
    with storage.batch():
        storage.commit([Op("people", number, b'{"name":"x"}', {"name": "x"}) for number in range(1, 21)])
    assert before == list(range(20))
