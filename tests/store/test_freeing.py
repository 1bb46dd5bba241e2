"""A large state is freed a piece at a time, in a thread of its own, whoever lets go of it."""

from __future__ import annotations

import gc
import os
import threading
from collections.abc import Callable, Iterator
from itertools import chain, count
from pathlib import Path
from sys import getallocatedblocks
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.store import freeing
from emulator.store.files import replace_file
from emulator.store.removal import remove
from emulator.store.shared_state import SharedState
from emulator.store.state import Op, State, TableSpec
from emulator.store.storage import LoggedStorage
from tests.store.test_long_work import by_turns
from tests.waiting import PATIENCE_S, until

MANY = 20_000
LARGE = 2 << 20
CLOCK = count(1000)
SPECS = {"people": TableSpec(["id"], lambda one: [("id", one)], lambda document: document)}


class Freed:
    """Where and in which pieces documents are freed; a piece ends with a rest."""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.pieces = [0]

    def add(self) -> None:
        self.threads.append(threading.current_thread().name)
        self.pieces[-1] += 1

    def rest(self, seconds: float) -> None:
        assert seconds > 0
        self.pieces.append(0)


@pytest.fixture
def freed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Freed]:
    found = Freed()
    monkeypatch.setattr(freeing, "sleep", found.rest)
    monkeypatch.setattr(freeing, "thread_time", lambda: next(CLOCK))  # every piece takes long
    freeing.begin_freeing()
    yield found
    until(freeing.given.empty)


def steps(freed: Freed) -> list[Op]:
    class Document(bytes):
        def __del__(self) -> None:
            freed.add()

    return [Op("people", number, Document(b"%d" % number)) for number in range(1, MANY + 1)]


def state(freed: Freed) -> State:
    made = State(SPECS)
    made.apply(steps(freed))
    freed.threads.clear()
    return made


def replaced(one: State) -> None:
    storage = LoggedStorage(None, SPECS)
    by_turns(storage.replace(one))
    del one
    by_turns(storage.replace(State(SPECS)))


@pytest.mark.parametrize("let_go", [lambda one: None, replaced])
def test_a_state_is_freed_a_page_at_a_time_in_a_thread(freed: Freed, let_go: Callable[[State], None]) -> None:
    let_go(state(freed))
    until(lambda: len(freed.threads) == MANY)
    assert set(freed.threads) == {"freeing"}
    assert max(freed.pieces) <= 4096 + freeing.PIECE


def test_a_state_that_the_garbage_collector_finds_is_freed_later(
    freed: Freed, monkeypatch: pytest.MonkeyPatch
) -> None:
    rested, awake = threading.Event(), threading.Event()
    monkeypatch.setattr(freeing, "sleep", lambda seconds: rested.set() or awake.wait())
    cycle: list[Any] = [State(SPECS)]
    cycle[0].apply([Op("people", number, b"%d" % number) for number in range(1, MANY + 1)])
    cycle.append(cycle)
    del cycle
    before = getallocatedblocks()
    gc.collect()
    assert rested.wait(PATIENCE_S)
    assert before - getallocatedblocks() < MANY
    awake.set()
    until(lambda: before - getallocatedblocks() > MANY)


def test_what_undoes_a_long_change_is_freed_a_few_hundred_steps_at_a_time(freed: Freed) -> None:
    storage = LoggedStorage(None, SPECS)
    storage.commit(steps(freed))
    freed.threads.clear()
    gone = [Op("people", number, None) for number in range(1, MANY + 1)]

    async def remove() -> None:
        async with storage.batch_in_steps(gone):
            pass

    by_turns(remove())
    until(lambda: len(freed.threads) == MANY)
    assert set(freed.threads) == {"freeing"}
    assert max(freed.pieces) <= freeing.PIECE


def test_a_copy_outlives_the_state_that_is_freed(freed: Freed) -> None:
    one = state(freed)
    fork, pages = one.fork(), one.tables["people"].documents.copy()
    del one
    until(freeing.given.empty)
    assert len(pages) == MANY == len(fork.tables["people"].documents)
    assert fork.tables["people"].indexes["id"].find(b"7") == (7,)
    assert freed.threads == []


def test_only_what_no_fork_shares_is_freed_in_the_thread() -> None:
    one = State(SPECS)
    one.apply([Op("people", number, b"%d" % number) for number in range(1, MANY + 1)])
    first, second = one.fork().tables["people"], one.fork().tables["people"]
    assert first.pieces() == second.pieces() == one.tables["people"].pieces() == []
    first.put(7, b"seven")
    assert sum(map(len, chain.from_iterable(first.pieces()))) < MANY // 2
    del one, first
    assert sum(map(len, chain.from_iterable(second.pieces()))) == 2 * MANY


def _replaced(path: Path) -> None:
    path.write_bytes(bytes(LARGE))
    replace_file(path, [b"new"])


def _removed(path: Path) -> None:
    for number in (1, 2):  # the first is in the snapshot then, the second in the log
        begun = LoggedStorage(path)
        begun.commit([Op("people", number, b'{"name":"%s"}' % bytes(LARGE).replace(b"\0", b"a"))])
        if number == 1:
            begun.close()
    begun.discard()
    remove(path, syncs=False)


def _linked(path: Path) -> None:
    states = [State({}) for _ in range(3)]
    for number, one in enumerate(states):
        large = b'{"name":"%s"}' % bytes(LARGE).replace(b"\0", b"a")
        one.apply([Op("people", 1, large if number < 2 else b"{}"), Op("people", 2, b"{}")])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("emulator.store.state.WRITTEN_AT_ONCE", 1)
        first, second, third = map(SharedState, states)
    begun = LoggedStorage(path, shared=lambda: first)
    begun.keep()
    first.close()
    by_turns(begun.start_over(second))  # nothing links to the first any more
    by_turns(begun.start_over(third))
    second.close()
    begun.discard()


@pytest.mark.parametrize(("let_go", "files"), [(_replaced, 1), (_removed, 3), (_linked, 2)])
def test_the_space_of_large_files_is_freed_in_the_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, let_go: Callable[[Path], None], files: int
) -> None:
    freeing.begin_freeing()
    path, close = tmp_path / "state.json", os.close
    freed_by: set[tuple[int, str]] = set()  # a file that had two names is closed twice

    def closing(fd: int) -> None:
        found = os.fstat(fd)
        if found.st_size >= LARGE and not found.st_nlink:
            freed_by.add((found.st_ino, threading.current_thread().name))
        close(fd)

    monkeypatch.setattr(os, "close", closing)
    let_go(path)
    until(lambda: len(freed_by) >= files)
    assert [thread for _, thread in freed_by] == ["freeing"] * files


def test_a_file_is_replaced_though_the_system_says_an_error_when_the_former_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    close, closed = os.close, list[int]()
    freeing.begin_freeing()

    def fails(fd: int) -> None:
        close(fd)
        closed.append(fd)
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(freeing, "os", SimpleNamespace(close=fails))
    for number in (1, 2):  # the thread lives on
        _replaced(tmp_path / "state.json")
        until(lambda number=number: len(closed) == number)  # type: ignore[misc]
        assert [one for one in threading.enumerate() if one.name == "freeing"]
