"""States that begin with a shared one: each owns what it changes, in memory and on the disk."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tracemalloc
from errno import EPERM
from pathlib import Path
from random import Random
from typing import Any

import pytest

from emulator.store import files, generations
from emulator.store.errors import DamagedState, StateError, Unavailable
from emulator.store.indexes import Index
from emulator.store.shared_state import SharedState
from emulator.store.state import Op, State
from emulator.store.storage import LoggedStorage
from tests.store.databases import check_indexes
from tests.store.scene import SPECS, contents, ready_again, transaction


def some_state(documents: int) -> State:
    """A state whose keys have one document, some, and none any more."""
    state = State(SPECS)
    for number in range(documents):
        state.apply(transaction(number))
    return state


@pytest.fixture(params=[False, True], ids=["small", "large"])
def shared(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> SharedState:
    """A state to begin with, of 30 transactions, that counts as small or as large."""
    monkeypatch.setattr("emulator.store.state.WRITTEN_AT_ONCE", 0 if request.param else 1 << 30)
    made = SharedState(some_state(30))
    assert made.is_large == request.param
    return made


def change(state: State, chance: Random) -> None:
    doc_id = chance.randrange(1, 6000)
    name = b'{"name":"p%d"}' % chance.randrange(5)
    state.apply([Op("people", doc_id, None if chance.random() < 0.4 else name)])


def check_stored(storage: LoggedStorage, path: Path, wanted: object) -> None:
    """Release the storage; the next one at its path has what is wanted."""
    storage.discard()
    again = LoggedStorage(path, SPECS)
    assert contents(again.state) == wanted
    again.discard()


def refuse_snapshot(storage: LoggedStorage, log: Path) -> None:
    """A snapshot for which no log can be begun; then the disk takes one, ten seconds later."""
    log.write_text("not ours")
    storage.snapshot()
    assert "in the place of the next log" in (storage.failure or "")
    log.unlink()
    storage.clock = lambda: 10.0


def end_snapshot(storage: LoggedStorage) -> None:
    """Wait for the end of a snapshot in the background, which succeeds."""
    assert storage.files is not None
    if storage.files.thread is not None:
        storage.files.thread.join()
    assert storage.failure is None


def test_what_one_changes_no_other_sees_and_the_indexes_are_those_of_its_own_documents() -> None:
    shared = SharedState(some_state(2500))
    before = contents(shared.fork())
    forks = [shared.fork() for _ in range(3)]
    models = [some_state(2500) for _ in forks]
    for seed, (fork, model) in enumerate(zip(forks, models, strict=True)):
        for state in (fork, model):
            chance = Random(seed)
            for _ in range(3000):
                change(state, chance)
    for fork, model in zip(forks, models, strict=True):
        assert contents(fork) == contents(model)
        assert fork.last_ids() == model.last_ids()
        check_indexes(fork)
    later = shared.fork()
    assert contents(later) == before
    check_indexes(later)


def test_a_fork_costs_no_copy_of_what_it_shares() -> None:
    shared = SharedState(some_state(500))
    shared.fork()
    tracemalloc.start()
    try:
        forks = [shared.fork() for _ in range(10)]
        assert tracemalloc.get_traced_memory()[0] < 10 * 3000
    finally:
        tracemalloc.stop()
    assert len(forks) == 10


def test_a_change_copies_neither_the_documents_of_another_key_nor_many_keys() -> None:
    index = Index()
    for doc_id in range(50_000):
        index.add("all", doc_id)
        index.add(f"own {doc_id}", doc_id)
    fork = index.fork()
    beside = next(key for part in index.parts if "all" in part for key in part if key != "all")
    tracemalloc.start()
    try:
        fork.add(beside, 50_000)
        assert tracemalloc.get_traced_memory()[1] < 100_000
    finally:
        tracemalloc.stop()
    fork.remove("all", 7)
    assert index.count("all") == fork.count("all") + 1 == 50_000
    index.add("all", 50_001)
    assert 50_001 not in fork.find("all")


def test_a_return_needs_new_files_only_after_a_later_snapshot(tmp_path: Path, shared: SharedState) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    storage = LoggedStorage(folder / "one.json", SPECS, shared=lambda: shared)
    for number, with_snapshot in enumerate((False, True, False)):
        storage.commit([*transaction(40), Op("more", 1, b"{}")])
        if with_snapshot:
            asyncio.run(storage.replace(storage.state))
        files = {one: one.stat().st_ino for one in folder.iterdir()}
        asyncio.run(storage.start_over(shared))
        assert (files == {one: one.stat().st_ino for one in folder.iterdir()}) == (not with_snapshot)
        copy = shutil.copytree(folder, tmp_path / f"copy {number}")
        found = LoggedStorage(copy / "one.json", SPECS)
        assert contents(found.state) == contents(shared.fork())
        assert found.state.last_ids() == storage.state.last_ids() == shared.fork().last_ids()
        check_indexes(found.state)
        found.discard()
    storage.commit(transaction(41))
    check_stored(storage, folder / "one.json", contents(storage.state))


def returns_to(shared: SharedState, storage: LoggedStorage, folder: Path) -> None:
    """After a return, and a kill, another process finds what is shared."""
    asyncio.run(storage.start_over(shared))
    found = LoggedStorage(shutil.copytree(folder, folder.with_name("copy")) / "one.json", SPECS)
    assert contents(found.state) == contents(shared.fork())
    found.close()
    storage.close()


def test_a_return_holds_after_a_snapshot_that_followed_no_new_log(
    tmp_path: Path, shared: SharedState
) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    storage = LoggedStorage(folder / "one.json", SPECS, shared=lambda: shared, min_log_bytes=1000)
    storage.clock = lambda: 0.0
    storage.commit(transaction(40))
    refuse_snapshot(storage, folder / "one.2.journal")
    storage.commit(transaction(41))  # begins the snapshot
    end_snapshot(storage)
    returns_to(shared, storage, folder)


def test_a_return_makes_up_for_a_snapshot_that_was_removed(tmp_path: Path, shared: SharedState) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    storage = LoggedStorage(folder / "one.json", SPECS, shared=lambda: shared)
    storage.commit(transaction(40))
    (folder / "one.json").unlink()
    returns_to(shared, storage, folder)


def test_one_who_changes_something_has_a_whole_file_of_its_own(tmp_path: Path, shared: SharedState) -> None:
    paths = [tmp_path / f"{name}.json" for name in ("one", "two", "three")]
    storages = [LoggedStorage(path, SPECS, shared=lambda: shared) for path in paths]
    assert not any(path.exists() for path in paths)
    for number, storage in enumerate(storages[:2], 40):
        storage.commit(transaction(number))
    wanted = [contents(storage.state) for storage in storages]
    assert wanted[0] != wanted[1]
    assert (paths[0].stat().st_ino == paths[1].stat().st_ino) == shared.is_large
    assert not paths[2].exists()
    storages[0].discard()
    storages[1].close()
    storages[2].close()
    shared.close()
    assert {path.name.split(".")[0] for path in tmp_path.iterdir()} == {"one", "two"}
    again = [LoggedStorage(path, SPECS, shared=lambda: shared) for path in paths]
    assert [contents(storage.state) for storage in again] == wanted
    for storage in again:
        storage.discard()


def test_where_no_file_can_be_linked_it_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.store.state.WRITTEN_AT_ONCE", 0)
    shared = SharedState(some_state(30))
    storage = LoggedStorage(tmp_path / "one.json", SPECS, shared=lambda: shared)
    for left in tmp_path.glob("*.tmp"):
        left.unlink()
    storage.commit(transaction(40))
    check_stored(storage, tmp_path / "one.json", contents(storage.state))


def test_a_file_system_without_links_gets_a_whole_file_each_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emulator.store.state.WRITTEN_AT_ONCE", 0)
    monkeypatch.setattr("emulator.store.shared_state.os.link", refused)
    written: list[str] = []

    def replace_file(path: Path, *arguments: Any) -> None:
        written.append(path.name.split(".")[0])
        files.replace_file(path, *arguments)

    monkeypatch.setattr("emulator.store.shared_state.replace_file", replace_file)
    first, second = SharedState(some_state(30)), SharedState(some_state(20))
    paths = [tmp_path / f"{name}.json" for name in ("one", "two")]
    storages = [LoggedStorage(path, SPECS, shared=lambda: first) for path in paths]
    for storage in storages:
        storage.commit(transaction(40))
    for storage, path in zip(storages, paths, strict=True):
        asyncio.run(storage.start_over(second))
        storage.commit(transaction(41))
        check_stored(storage, path, contents(storage.state))
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".journal"}
    assert written == ["fixtures", "one", "two", "fixtures", "one", "two"]


def refused(*names: object, **options: object) -> None:
    raise PermissionError(EPERM, "Operation not permitted")


def test_other_fixtures_are_linked_once_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emulator.store.state.WRITTEN_AT_ONCE", 0)
    first, second = SharedState(some_state(30)), SharedState(some_state(20))
    for durability in ("os", "fsync"):
        folder = tmp_path / durability
        folder.mkdir()
        paths = [folder / f"{name}.json" for name in ("one", "two", "three")]
        storages = [LoggedStorage(path, SPECS, durability, shared=lambda: first) for path in paths]
        for number, storage in enumerate(storages):
            for _ in range(number):  # each has written snapshots of its own
                asyncio.run(storage.replace(storage.state.fork()))
            storage.commit(transaction(40))
        for _ in range(2):
            for storage in storages:
                asyncio.run(storage.start_over(second))
                storage.commit(transaction(41))
            assert len({path.stat().st_ino for path in paths}) == 1
        wanted = contents(storages[0].state)
        for storage, path in zip(storages, paths, strict=True):
            check_stored(storage, path, wanted)
        assert len(list(folder.glob("*.journal"))) == 3


def test_a_return_where_nothing_can_be_put_in_place_or_removed_loses_nothing_later(
    tmp_path: Path, shared: SharedState
) -> None:
    path = tmp_path / "one.json"
    storage = LoggedStorage(path, SPECS, "fsync", shared=lambda: shared)
    storage.commit(transaction(40))
    with pytest.MonkeyPatch.context() as patch:
        replace = os.replace
        patch.setattr(os, "replace", lambda *names: refused() if names[1] == path else replace(*names))
        patch.setattr(Path, "unlink", refused)
        with contextlib.suppress(Unavailable):
            asyncio.run(storage.start_over(shared))
    ready_again(storage)
    storage.commit(transaction(41))
    storage.sync()
    check_stored(storage, path, contents(storage.state))


def test_a_snapshot_of_what_has_just_begun_with_other_fixtures_keeps_its_log(
    tmp_path: Path, shared: SharedState
) -> None:
    storage = LoggedStorage(tmp_path / "one.json", SPECS, shared=lambda: SharedState(some_state(5)))
    storage.clock = lambda: 0.0
    storage.commit(transaction(40))
    asyncio.run(storage.start_over(shared))
    refuse_snapshot(storage, tmp_path / "one.3.journal")
    storage.snapshot()
    end_snapshot(storage)
    check_stored(storage, tmp_path / "one.json", contents(shared.fork()))


def test_an_older_snapshot_in_place_of_what_has_begun_is_refused(tmp_path: Path, shared: SharedState) -> None:
    path = tmp_path / "one.json"
    storage = LoggedStorage(path, SPECS, shared=lambda: SharedState(some_state(5)))
    storage.commit(transaction(40))
    before = {one.name: one.read_bytes() for one in tmp_path.iterdir()}
    asyncio.run(storage.start_over(shared))
    storage.commit(transaction(41))
    storage.discard()
    for name, data in before.items():
        (tmp_path / name).unlink(missing_ok=True)
        (tmp_path / name).write_bytes(data)
    with pytest.raises(DamagedState, match="the log of another state"):
        LoggedStorage(path, SPECS)


def test_nothing_counts_while_the_disk_refuses_the_name_of_the_new_snapshot(
    tmp_path: Path, shared: SharedState
) -> None:
    storage = LoggedStorage(tmp_path / "one.json", SPECS, "fsync", shared=lambda: SharedState(some_state(5)))
    storage.commit(transaction(40))
    storage.sync()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generations, "fsync_folder", refused)
        asyncio.run(storage.start_over(shared))
        with pytest.raises(Unavailable, match="Operation not permitted"):
            storage.commit(transaction(41))
    ready_again(storage)
    storage.commit(transaction(42))
    storage.sync()
    check_stored(storage, tmp_path / "one.json", contents(storage.state))


def test_a_version_without_logs_that_begin_anew_is_told_that_it_is_the_older(
    tmp_path: Path, shared: SharedState, monkeypatch: pytest.MonkeyPatch
) -> None:
    storage = LoggedStorage(tmp_path / "one.json", SPECS, shared=lambda: SharedState(some_state(5)))
    storage.commit(transaction(40))
    asyncio.run(storage.start_over(shared))
    storage.discard()
    monkeypatch.setattr("emulator.store.snapshot.FORMAT", 1)
    with pytest.raises(StateError, match="written by a newer emulator"):
        LoggedStorage(tmp_path / "one.json", SPECS)
