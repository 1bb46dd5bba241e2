"""``--durability fsync``: shared fsyncs, and what becomes of transactions that the disk refuses."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.app import create_app
from emulator.emulator import Emulator
from emulator.messages import Answer, Incoming
from emulator.rules.model import Changes, Database, FieldType, Profile
from emulator.settings import Settings
from emulator.store import configuring, generations, log
from emulator.store.errors import Unavailable
from emulator.store.state import Op, State
from emulator.store.storage import LoggedStorage
from emulator.store.tinydb_store import TinyDBStore
from emulator.store.unsynced import Pending, Ticket, Unsynced
from tests.store.databases import check_indexes
from tests.store.scene import NAME, SPECS, contents, ready_again, transaction

BOUND_S = 30.0


class Disk:
    """The disk's fsync of logs: counted, held up at will, failing at will."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.syncs = 0
        self.fails = self.fails_once = False
        self.held = threading.Event()
        self.goes = threading.Event()
        self.goes.set()
        patch.setattr(log, "flush", self._sync)

    def hold(self) -> None:
        """From now on an fsync sets ``held`` and waits for :meth:`release`."""
        self.held.clear()
        self.goes.clear()

    def release(self) -> None:
        self.goes.set()

    def _sync(self, fd: int) -> None:
        self.syncs += 1
        self.held.set()
        assert self.goes.wait(BOUND_S)
        if self.fails or self.fails_once:
            self.fails_once = False
            raise OSError(5, "Input/output error")


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / NAME


@pytest.fixture
def storage(path: Path, disk: Disk) -> Iterator[LoggedStorage]:
    storage = LoggedStorage(path, SPECS, "fsync")
    yield storage
    disk.fails = False
    disk.release()
    storage.close()


def on_disk(path: Path) -> Any:
    """What another process would find."""
    storage = LoggedStorage(path, SPECS)
    found = contents(storage.state)
    storage.discard()
    return found


def test_sync_waits_once_for_many_transactions(storage: LoggedStorage, disk: Disk) -> None:
    before = disk.syncs
    for number in range(5):
        storage.commit(transaction(number))
    assert storage.unsynced == 5
    storage.sync()
    storage.sync()
    assert (storage.unsynced, disk.syncs - before) == (0, 1)


def test_a_failing_fsync_takes_back_in_memory_and_on_the_disk(
    storage: LoggedStorage, disk: Disk, path: Path
) -> None:
    storage.commit(transaction(0))
    storage.sync()
    before = contents(storage.state)
    for number in range(1, 4):
        storage.commit(transaction(number))
    disk.fails = True
    with pytest.raises(Unavailable, match="Input/output error"):
        storage.sync()
    assert contents(storage.state) == before
    check_indexes(storage.state)
    assert on_disk(path) == before
    assert storage.unsynced == 0


def test_what_could_not_be_cut_off_when_it_was_taken_back_is_not_there_after_a_stop(
    storage: LoggedStorage, disk: Disk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(fd: int, size: int) -> None:
        raise OSError(5, "Input/output error")

    storage.commit(transaction(0))
    disk.fails = True
    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", fail)
        with pytest.raises(Unavailable):
            storage.sync()
    assert on_disk(path) != contents(storage.state) == {}
    disk.fails = False
    storage.close()
    assert on_disk(path) == {}


def test_after_a_failing_fsync_it_refuses_until_the_disk_does_it_again(
    storage: LoggedStorage, disk: Disk, path: Path
) -> None:
    disk.fails = True
    storage.commit(transaction(0))
    with pytest.raises(Unavailable):
        storage.sync()
    with pytest.raises(Unavailable):
        storage.commit(transaction(0))
    assert not storage.probe()
    ready_again(storage)
    assert not storage.probe()
    assert "Input/output error" in str(storage.failure)
    disk.fails = False
    ready_again(storage)
    assert storage.probe()
    assert storage.failure is None
    storage.commit(transaction(1))
    storage.sync()
    assert on_disk(path) == contents(storage.state) != {}


def test_what_cannot_even_be_cut_off_is_cut_off_before_the_next_transaction(
    storage: LoggedStorage, disk: Disk, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage.commit(transaction(0))
    storage.sync()

    def fail(fd: int, size: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "ftruncate", fail)
        disk.fails = True
        storage.commit(transaction(1))
        with pytest.raises(Unavailable):
            storage.sync()
        ready_again(storage)
        assert not storage.probe()
    disk.fails = False
    ready_again(storage)
    storage.commit(transaction(2))
    storage.sync()
    assert on_disk(path) == contents(storage.state)


def test_a_snapshot_that_comes_due_while_fsync_fails_refuses_the_transaction(
    storage: LoggedStorage, disk: Disk, path: Path
) -> None:
    storage.commit(transaction(0))
    storage.sync()
    before = contents(storage.state)
    storage.commit(transaction(1))
    disk.fails = True
    assert storage.files is not None
    storage.files.min_log_bytes = 1
    storage.files.closed_log_bytes = 1 << 20
    with pytest.raises(Unavailable):
        storage.commit(transaction(2))
    assert contents(storage.state) == before == on_disk(path)


def test_nothing_is_stored_on_another_state_until_the_disk_has_its_name(
    storage: LoggedStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(folder: Path) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        other = State(SPECS)
        other.apply(transaction(17))
        patch.setattr(generations, "fsync_folder", fail)
        asyncio.run(storage.replace(other))
        with pytest.raises(Unavailable, match="Input/output error"):
            storage.commit(transaction(3))
        assert storage.failure is not None
    ready_again(storage)
    storage.commit(transaction(3))


def test_what_builds_on_transactions_that_were_taken_back_is_refused_even_if_the_disk_works_again(
    storage: LoggedStorage, disk: Disk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.store.state_on_disk.RETRY_S", 0.0)
    storage.commit(transaction(0))
    assert storage.files is not None
    storage.files.min_log_bytes = 1
    storage.files.closed_log_bytes = 1 << 20
    disk.fails_once = True
    with pytest.raises(Unavailable):
        storage.commit(transaction(1))
    assert contents(storage.state) == {}


def test_a_failed_fsync_is_told_to_everybody_though_the_system_tells_it_once(
    storage: LoggedStorage, disk: Disk
) -> None:
    storage.commit(transaction(0))
    assert storage.log is not None
    later = storage.log.sync_later()
    disk.fails_once = True
    with pytest.raises(OSError, match="Input/output error"):
        later()
    with pytest.raises(Unavailable):
        storage.sync()
    assert contents(storage.state) == {}


def test_half_a_line_that_cannot_be_cut_off_is_cut_off_before_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LoggedStorage(path, SPECS)
    log = storage.log
    assert log is not None
    write = os.write

    def half(fd: int, data: bytes) -> int:
        write(fd, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    def fail(fd: int, size: int) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", half)
        patch.setattr(os, "ftruncate", fail)
        with pytest.raises(OSError, match="No space left"):
            log.append(b"[]")
    log.append(b'[["people",1,{"name":"Ada"}]]')
    storage.discard()
    assert on_disk(path) == {"people": {1: b'{"name":"Ada"}'}}


def test_what_the_disk_is_known_to_have_before_it_is_entered_is_not_pending() -> None:
    """A snapshot's thread may confirm a transaction between its writing and its entry."""
    unsynced = Unsynced()
    assert unsynced.confirm(Ticket(unsynced.epoch, 5))
    unsynced.add(Pending(5, 100, []))
    unsynced.add(Pending(6, 200, []))
    assert [one.number for one in unsynced.take_all(6)] == [6]
    unsynced.add(Pending(6, 200, []))
    assert len(unsynced) == 1


def test_a_snapshot_that_saw_what_was_taken_back_never_counts(
    storage: LoggedStorage, disk: Disk, path: Path
) -> None:
    """The fsync that would make it count is the first to fail."""
    storage.commit(transaction(0))
    storage.sync()
    before = contents(storage.state)
    disk.hold()
    storage.snapshot()
    assert disk.held.wait(BOUND_S)
    storage.commit(transaction(1))
    disk.fails = True
    disk.release()
    with pytest.raises(Unavailable):
        storage.sync()
    assert contents(storage.state) == before
    assert storage.files is not None
    storage.files.abandon_snapshot()
    assert on_disk(path) == before


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, BOUND_S))


async def outcomes(waits: list[Coroutine[Any, Any, None]], until: Callable[[], None]) -> list[Any]:
    """What became of each wait; ``until`` lets the disk go on when all are waiting."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    await asyncio.sleep(0)
    until()
    return await asyncio.gather(*tasks, return_exceptions=True)


def test_group_commit_shares_one_fsync_among_those_who_wait(storage: LoggedStorage, disk: Disk) -> None:

    async def work() -> None:
        disk.hold()
        storage.commit(transaction(0))
        first = asyncio.ensure_future(storage.wait(storage.ticket()))
        await asyncio.get_running_loop().run_in_executor(None, disk.held.wait, BOUND_S)
        before = disk.syncs
        waits = []
        for number in range(1, 30):
            storage.commit(transaction(number))
            waits.append(storage.wait(storage.ticket()))
        assert await outcomes(waits, disk.release) == [None] * 29
        await first
        assert disk.syncs - before == 1
        assert storage.unsynced == 0
        await storage.wait(storage.ticket())
        assert disk.syncs - before == 1

    run(work())


def test_group_commit_refuses_everyone_whose_transaction_was_taken_back(
    storage: LoggedStorage, disk: Disk, path: Path
) -> None:

    async def work() -> None:
        storage.commit(transaction(0))
        await storage.wait(storage.ticket())
        before = contents(storage.state)
        disk.hold()
        storage.commit(transaction(1))
        first = asyncio.ensure_future(storage.wait(storage.ticket()))
        await asyncio.get_running_loop().run_in_executor(None, disk.held.wait, BOUND_S)
        waits = []
        for number in range(2, 10):
            storage.commit(transaction(number))
            waits.append(storage.wait(storage.ticket()))
        disk.fails = True
        found = await outcomes([*waits], disk.release)
        with pytest.raises(Unavailable, match="Input/output error"):
            await first
        assert [type(one) for one in found] == [Unavailable] * 8
        assert contents(storage.state) == before == on_disk(path)

    run(work())


def test_group_commit_lets_nobody_wait_for_ever_whatever_goes_wrong(
    storage: LoggedStorage, disk: Disk
) -> None:

    def no_thread(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    def broken() -> None:
        raise LookupError

    async def work() -> None:
        loop = asyncio.get_running_loop()
        storage.commit(transaction(0))
        loop.run_in_executor, run_in_executor = no_thread, loop.run_in_executor  # type: ignore[assignment]
        with pytest.raises(Unavailable, match="can't start new thread"):
            await storage.wait(storage.ticket())
        assert contents(storage.state) == {}
        loop.run_in_executor = run_in_executor  # type: ignore[method-assign]
        ready_again(storage)
        storage.commit(transaction(0))
        storage.on_taken_back, disk.fails_once = broken, True
        with pytest.raises(LookupError):
            await storage.wait(storage.ticket())
        ready_again(storage)
        storage.commit(transaction(0))
        await storage.wait(storage.ticket())
        assert contents(storage.state) != {}

    run(work())


def test_group_commit_knows_a_loss_that_came_before_the_wait(storage: LoggedStorage, disk: Disk) -> None:

    async def work() -> None:
        storage.commit(transaction(0))
        kept = storage.ticket()
        storage.sync()
        storage.commit(transaction(1))
        lost = storage.ticket()
        disk.fails = True
        with pytest.raises(Unavailable):
            storage.sync()
        with pytest.raises(Unavailable):
            await storage.wait(lost)
        await storage.wait(kept)

    run(work())


def test_group_commit_lets_go_of_those_who_wait_when_the_storage_closes(
    storage: LoggedStorage, disk: Disk, path: Path
) -> None:

    async def work() -> None:
        disk.hold()
        storage.commit(transaction(0))
        first = asyncio.ensure_future(storage.wait(storage.ticket()))
        await asyncio.get_running_loop().run_in_executor(None, disk.held.wait, BOUND_S)
        storage.commit(transaction(1))
        second = asyncio.ensure_future(storage.wait(storage.ticket()))
        await asyncio.sleep(0)
        disk.release()
        storage.close()
        await first
        await second
        assert set(on_disk(path)["people"]) == {1, 2}

    run(work())


def test_what_is_taken_back_leaves_the_next_ids_as_they_were(storage: LoggedStorage, disk: Disk) -> None:
    storage.commit(transaction(0))
    storage.commit(transaction(1))
    storage.sync()
    state = storage.state
    last_ids, before = state.last_ids(), contents(state)
    (doc_id, *_) = state.table("people").documents
    disk.fails = True
    storage.commit([Op("people", doc_id, None), *transaction(2)])
    with pytest.raises(Unavailable):
        storage.sync()
    assert (state.last_ids(), contents(state)) == (last_ids, before)


def test_a_change_in_steps_reads_nothing_that_may_be_taken_back(tmp_path: Path, disk: Disk) -> None:
    """Whoever holds the store alone has waited for the disk before."""
    store = TinyDBStore(tmp_path / NAME, "fsync")
    database = Database(1, "One", {"number": FieldType("string")})
    profiles = [Profile(f"{n:024x}", 1, {"number": "5"}, "") for n in range(5000)]

    async def work() -> None:
        configuring.add_database(store, database)
        store.storage.sync()
        store.apply(Changes(profiles))
        disk.fails = True
        with pytest.raises(Unavailable):
            async with store.alone():
                await configuring.change_database(store, database, None, {"number": FieldType("int")})
        assert (store.profile_count, store.held) == (0, None)
        disk.fails = False
        ready_again(store.storage)
        async with store.alone():
            assert store.storage.unsynced == 0
            await configuring.change_database(store, database, None, {"number": FieldType("int")})
        assert store.database(1).fields == {"number": FieldType("int")}

    run(work())
    store.close()


def ask(emulator: Emulator, subscription_id: str) -> Answer:
    entry = {"provider": "android-firebase", "subscription_id": subscription_id}
    body = json.dumps({"resource_token": "two-databases", "subscriptions": [entry]}).encode()
    return emulator.exchange.handle(Incoming("POST", "/push_subscribe", "", {}, body, "127.0.0.1:1"))


def test_requests_whose_fsync_fails_are_answered_500_and_leave_no_trace(tmp_path: Path, disk: Disk) -> None:
    emulator = Emulator(Settings(state=tmp_path / "state", durability="fsync"))
    store = emulator.workspaces.default.store

    async def answered(answer: Answer) -> Answer:
        assert answer.delivery is not None
        assert answer.delivery.wait is not None
        return await answer.delivery.wait or answer

    async def work() -> None:
        good = await answered(ask(emulator, "good"))
        assert json.loads(good.body)["error"] == 0
        before = (store.profile_count, store.subscription_count)
        disk.fails = True
        bad = await asyncio.gather(*[answered(ask(emulator, f"bad-{number}")) for number in range(5)])
        for answer in bad:
            envelope = json.loads(answer.body)
            assert (answer.status, envelope["data"], envelope["error"]) == (500, [], 500)
            assert "nothing was changed" in envelope["error_text"]
            assert "Input/output error" in envelope["error_text"]
        assert (store.profile_count, store.subscription_count) == before
        disk.fails = False
        ready_again(store.storage)
        assert store.storage.probe()
        again = await answered(ask(emulator, "bad-0"))
        assert json.loads(again.body)["error"] == 0

    try:
        run(work())
    finally:
        disk.fails = False
        emulator.close()
    reopened = Emulator(Settings(state=tmp_path / "state"))
    try:
        assert reopened.workspaces.default.store.subscription_count == store.subscription_count
    finally:
        reopened.close()


def test_under_any_wsgi_server_a_view_waits_for_the_disk(tmp_path: Path, disk: Disk) -> None:
    app = create_app(Settings(state=tmp_path / "state", durability="fsync"))
    client = app.test_client()
    try:
        assert client.patch("/__admin/settings", json={"strict": True}).status_code == 200
        assert app.extensions["emulator"].workspaces.default.store.storage.unsynced == 0
        disk.fails = True
        answer = client.put("/__admin/clock", json={"now": "2026-01-31T12:00:00Z"})
        assert answer.status_code == 500
        assert answer.json["error_text"].startswith("nothing was changed: ")
        assert client.get("/__admin/clock").json["frozen"] is False
        assert client.get("/__admin/settings").json["strict"] is True
    finally:
        disk.fails = False
        app.extensions["emulator"].close()
