"""Wherever a reset or a removal is interrupted, by a kill or an error of the disk, the name stays usable."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from emulator.settings import Durability
from emulator.store import files, generations, log, removal, shared_state
from emulator.store.errors import Unavailable
from emulator.store.removal import remove
from emulator.store.shared_state import SharedState
from emulator.store.state import State
from emulator.store.storage import LoggedStorage
from tests.store.scene import NAME, SPECS, Contents, contents, ready_again, transaction
from tests.waiting import until

#: What can fail on a disk; a file is closed even if closing it tells of an error.
STEPS = ("open", "write", "fsync", "replace", "rename", "ftruncate", "close", "unlink", "listdir", "link")
#: One step fails; all do to the end of the change; the process is killed.
HOW = ("error", "broken", "kill")


class Killed(BaseException):
    """The process is gone: nothing is cleaned up."""


class Disk:
    """The ``os`` module with its step of this number failing, and all later ones if ``how`` is "kill".

    "broken": all later ones until it is :meth:`mended`.
    """

    def __init__(self, patch: pytest.MonkeyPatch, failing: int, how: str) -> None:
        self.step = 0
        self._failing = failing
        self._how = how
        for module in (log, files, removal, shared_state):
            patch.setattr(module, "os", self)
        patch.setattr(log, "flush", self._failing_step("fsync"))
        unlink = Path.unlink

        def failing_unlink(path: Path, missing_ok: bool = False) -> None:
            self._next()
            unlink(path, missing_ok)

        patch.setattr(Path, "unlink", failing_unlink)

    @property
    def has_failed(self) -> bool:
        return self.step > self._failing

    def _next(self) -> None:
        self.step += 1
        if self._how == "kill" and self.has_failed:
            raise Killed
        if self.step == self._failing + 1 or (self._how == "broken" and self.has_failed):
            raise OSError(5, "Input/output error")

    def mended(self) -> None:
        """It takes everything again, unless its process was killed."""
        if self._how == "broken" and self.has_failed:
            self._how = "error"

    def __getattr__(self, name: str) -> Any:
        return self._failing_step(name) if name in STEPS else getattr(os, name)

    def _failing_step(self, name: str) -> Callable[..., Any]:
        def step(*arguments: Any, **named: Any) -> Any:
            if name == "close":
                os.close(*arguments)
                return self._next()
            self._next()
            return None if name == "fsync" else getattr(os, name)(*arguments, **named)

        return step


def prepared(path: Path) -> tuple[LoggedStorage, Contents]:
    """A state with a snapshot and a log with a transaction."""
    path.parent.mkdir()
    LoggedStorage(path, SPECS).close()
    storage = LoggedStorage(path, SPECS)
    storage.commit(transaction(0))
    return storage, contents(storage.state)


def begun(path: Path, shared: SharedState, durability: Durability) -> tuple[LoggedStorage, Contents]:
    """A state that begins with what is shared, and a transaction."""
    path.parent.mkdir()
    storage = LoggedStorage(path, SPECS, durability, shared=lambda: shared)
    storage.commit(transaction(0))
    storage.sync()
    return storage, contents(storage.state)


def fail_snapshot(storage: LoggedStorage) -> None:
    """A snapshot begins in the background, for which the disk has no room."""

    def fail(path: Path, chunks: object) -> None:
        raise OSError(28, "No space left on device")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generations, "replace_file", fail)
        storage.snapshot()
        until(lambda: storage.failure)


def opened_again(path: Path) -> Contents:
    """What another process finds; it can go on with it."""
    storage = LoggedStorage(path, SPECS)
    found = contents(storage.state)
    storage.commit(transaction(5))
    storage.close()
    LoggedStorage(path, SPECS).discard()
    return found


def steps_until_the_end(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """The numbers of the steps to fail, each with a state file of its own; the caller ends it."""
    for failing in range(1000):
        yield failing, tmp_path / str(failing) / NAME
    raise AssertionError("it has no end")


@pytest.mark.parametrize("how", HOW)
def test_whatever_step_of_a_reset_fails_the_state_opens_with_what_counts(tmp_path: Path, how: str) -> None:
    for failing, path in steps_until_the_end(tmp_path):
        storage, before = prepared(path)
        after: list[Contents] = []
        refused = False
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, failing, how)
            with contextlib.suppress(Killed):
                other = State(SPECS)
                other.apply(transaction(17))
                try:
                    asyncio.run(storage.replace(other))
                except Unavailable:
                    refused = True
                disk.mended()
                after.append(contents(storage.state))
                ready_again(storage)
                with contextlib.suppress(Unavailable):
                    storage.commit(transaction(3))
                after.append(contents(storage.state))
                storage.discard()
        if how == "kill":
            assert opened_again(path) in (before, contents_of(17), contents_of(17, 3)), failing
        else:
            assert after[0] == (before if refused else contents_of(17)), failing
            assert opened_again(path) == after[1], failing
        if not disk.has_failed:
            assert failing > 10
            return


@pytest.mark.parametrize("way", ["cut", "written", "linked", "renewed", "no snapshot"])
@pytest.mark.parametrize("durability", ["os", "fsync"])
@pytest.mark.parametrize("how", HOW)
def test_whatever_step_of_a_return_to_what_is_shared_fails_the_state_opens_with_what_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, way: str, durability: Durability
) -> None:
    monkeypatch.setattr(
        "emulator.store.state.WRITTEN_AT_ONCE", 0 if way in ("linked", "renewed") else 1 << 30
    )
    state, other = State(SPECS), State(SPECS)
    state.apply(transaction(17))
    other.apply(transaction(13))
    for failing, path in steps_until_the_end(tmp_path):
        shared = SharedState(state)
        of_before = {"cut": shared, "no snapshot": shared, "renewed": SharedState(other)}.get(way)
        storage, before = prepared(path) if of_before is None else begun(path, of_before, durability)
        if way == "no snapshot":
            fail_snapshot(storage)
        after: list[Contents] = []
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, failing, how)
            with contextlib.suppress(Killed):
                for step in (
                    lambda: asyncio.run(storage.start_over(shared)),  # noqa: B023
                    partial(storage.commit, transaction(3)),
                ):
                    ready_again(storage)
                    was = contents(storage.state)
                    try:
                        step()
                    except Unavailable:
                        assert contents(storage.state) == was
                    disk.mended()
                    after.append(contents(storage.state))
                storage.discard()
        again = LoggedStorage(path, SPECS, shared=lambda shared=shared: shared)  # type: ignore[misc]
        found = contents(again.state)
        again.commit(transaction(5))
        again.close()
        LoggedStorage(path, SPECS).discard()
        if how == "kill":
            assert found in (before, contents_of(17), contents_of(17, 3)), failing
        else:
            assert found == after[1], failing
        if not disk.has_failed:
            assert failing > (2 if way == "cut" else 10)
            return


def contents_of(*numbers: int) -> Contents:
    """The state after these transactions."""
    storage = LoggedStorage(None, SPECS)
    for number in numbers:
        storage.commit(transaction(number))
    return contents(storage.state)


@pytest.mark.parametrize("how", HOW)
def test_whatever_step_of_a_removal_fails_the_name_opens_and_can_be_removed(tmp_path: Path, how: str) -> None:
    for failing, path in steps_until_the_end(tmp_path):
        storage, before = prepared(path)
        storage.discard()
        others = path.with_name("other.json")
        others.write_text("somebody else's")
        removed = refused = False
        with pytest.MonkeyPatch.context() as patch:
            disk = Disk(patch, failing, how)
            try:
                remove(path, syncs=True)
                removed = True
            except OSError:
                refused = True
            except Killed:
                pass
        found = opened_again(path)
        assert found in (before, {}), failing
        assert not (removed and found), failing
        assert not (refused and not found), failing
        remove(path, syncs=True)
        assert [one.name for one in path.parent.iterdir()] == ["other.json"]
        if not disk.has_failed:
            assert failing > 4
            return
