"""Whatever moment is the last one of a process, or of the machine, the disk holds one whole state.

Not by chance but one by one: before and after each write, fsync, rename, cut and removal.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from emulator.store import log, snapshot
from emulator.store.shared_state import SharedState
from emulator.store.state import Op, State
from emulator.store.storage import Durability, LoggedStorage
from tests.store.disk import RecordedDisk
from tests.store.scene import NAME, SPECS, Contents, Folder, contents, transaction, write_folder

#: What is left of the folder, and the states of which one must be found there.
Moment = tuple[Folder, tuple[Contents, ...]]


def shared(first: int = 20) -> SharedState:
    """What states begin with where they do not begin empty."""
    state = State(SPECS)
    for number in range(first, first + 3):
        state.apply(transaction(number))
    return SharedState(state)


class Life:
    """A storage's life on a recorded disk: at each moment what is left, and what may be found there.

    What may be found is the acknowledged state or that after one more of the transactions on their way.
    """

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        durability: Durability,
        begin_with: SharedState | None = None,
    ) -> None:
        self.kills: list[Moment] = []
        self.power_losses: list[Moment] = []
        self.shared = begin_with
        self._options: dict[str, Any] = {} if begin_with is None else {"shared": lambda: begin_with}
        self._model = State(SPECS) if begin_with is None else begin_with.fork()
        self._legal: tuple[Contents, ...] = (contents(self._model),)
        self._durability = durability
        self._number = 0
        self.disk = RecordedDisk(folder, patch, self._record)
        self.path = folder / NAME
        self.storage = LoggedStorage(self.path, SPECS, durability, 1 << 30, **self._options)

    def _record(self) -> None:
        self.kills.append((self.disk.now(), self._legal))
        if self._durability == "fsync":
            self.power_losses += [(left, self._legal) for left in self.disk.after_power_loss()]

    def commit(self, acknowledge: bool = True) -> None:
        """One more transaction; acknowledged at once or with the next that is."""
        ops = transaction(self._number)
        self._number += 1
        self._model.apply(ops)
        self._legal += (contents(self._model),)
        self.storage.commit(ops)
        if acknowledge:
            self.storage.sync()
            self._acknowledge()

    def batch(self, acknowledge: bool = True) -> None:
        """Three commits as one transaction."""
        with self.storage.batch():
            for _ in range(3):
                ops = transaction(self._number)
                self._number += 1
                self._model.apply(ops)
                self.storage.commit(ops)
            self._legal += (contents(self._model),)
        if acknowledge:
            self.storage.sync()
            self._acknowledge()

    def replace(self) -> None:
        """Another state in its place: a reset."""
        other = State(SPECS)
        other.apply(transaction(17))
        self._model = State(SPECS)
        self._model.apply(transaction(17))
        self._legal += (contents(other),)
        asyncio.run(self.storage.replace(other))
        self._acknowledge()

    def start_over(self, *changes: Op) -> None:
        """Begin with what is shared again: a reset."""
        assert self.shared is not None
        self._model = self.shared.fork()
        self._model.apply(changes)
        self._legal += (contents(self._model),)
        asyncio.run(self.storage.start_over(self.shared, changes))
        self._acknowledge()

    def renew(self, begin_with: SharedState) -> None:
        """Begin with what is shared from now on: other fixtures."""
        self.shared = begin_with
        self._options = {"shared": lambda: begin_with}
        self.start_over()

    def snapshot(self, patch: pytest.MonkeyPatch) -> None:
        """A snapshot, with a transaction between each two of its steps."""
        write_chunks = snapshot.write_chunks

        def interrupted(header, tables):  # type: ignore[no-untyped-def]
            for chunk in write_chunks(header, tables):
                self.commit(acknowledge=False)
                yield chunk
            self.batch(acknowledge=False)

        self.commit(acknowledge=False)
        with patch.context() as inner:
            inner.setattr(snapshot, "write_chunks", interrupted)
            self.storage.snapshot()
            self.wait_for_snapshot()
        self.commit()

    def wait_for_snapshot(self) -> None:
        assert self.storage.files is not None
        thread = self.storage.files.thread
        if thread is not None:
            thread.join(30)
        assert self.storage.failure is None

    def reopen(self, clean: bool) -> None:
        """Stop, with a last snapshot or without, and start again."""
        if clean:
            self.storage.close()
        else:
            self.storage.discard()
        self.storage = LoggedStorage(self.path, SPECS, self._durability, 1 << 30, **self._options)

    def _acknowledge(self) -> None:
        self._legal = self._legal[-1:]


def live(folder: Path, patch: pytest.MonkeyPatch, durability: Durability) -> Life:
    """A whole life: first start, transactions, a reset, snapshots, clean and unclean stops."""
    folder.mkdir()
    patch.setattr(snapshot, "CHUNK", 4)
    life = Life(folder, patch, durability)
    for _ in range(3):
        life.commit()
    life.replace()
    for _ in range(2):
        life.commit()
    life.batch()
    life.snapshot(patch)
    life.commit()
    life.reopen(clean=False)
    life.commit()
    life.reopen(clean=True)
    life.commit()
    life.snapshot(patch)
    life.reopen(clean=False)
    with (folder / next(iter(life.disk.now().keys() - {NAME}))).open("ab") as last_log:
        last_log.write(b"0123 torn")
    life.reopen(clean=False)
    assert life.storage.torn_bytes == 9
    life.commit()
    life.storage.close()
    life.disk.close()
    return life


def live_with_shared(folder: Path, patch: pytest.MonkeyPatch, durability: Durability, large: bool) -> Life:
    """A life that begins with what others share, and returns to it at every stage of its files."""
    folder.mkdir()
    patch.setattr(snapshot, "CHUNK", 4)
    patch.setattr("emulator.store.state.WRITTEN_AT_ONCE", 0 if large else 1 << 30)
    life = Life(folder, patch, durability, shared())
    life.start_over()
    life.commit()
    life.batch()
    life.start_over()
    life.commit()
    life.start_over(*transaction(9))
    life.commit()
    life.start_over()
    life.commit()
    life.snapshot(patch)
    life.commit()
    life.start_over()
    life.storage.keep()
    life.commit()
    life.reopen(clean=False)
    life.commit()
    life.start_over()
    life.commit()
    life.reopen(clean=True)
    life.commit()
    life.start_over()
    for first in (30, 40):
        life.renew(shared(first))
        life.commit()
        life.start_over()
        life.commit()
    life.snapshot(patch)
    life.renew(shared(50))
    life.commit()
    life.reopen(clean=False)
    life.commit()
    life.renew(shared(60))
    life.reopen(clean=True)
    life.storage.close()
    life.disk.close()
    return life


def survivors(
    folder: Path, moments: list[Moment], patch: pytest.MonkeyPatch, begin_with: SharedState | None = None
) -> int:
    """Hold that each of the moments is survived; how many different ones there were."""
    patch.setattr(os, "fsync", lambda fd: None)  # thousands of real ones would take long
    patch.setattr(log, "flush", lambda fd: None)
    seen: dict[tuple[tuple[str, bytes], ...], Contents] = {}
    for left, legal in moments:
        files = tuple(sorted(left.items()))
        if files not in seen:
            seen[files] = opened(write_folder(folder, left), begin_with, goes_on=len(seen) % 4 == 0)
        assert seen[files] in legal, sorted(left)
    return len(seen)


def opened(path: Path, begin_with: SharedState | None, goes_on: bool) -> Contents:
    """What a start finds there; whether it ``goes_on`` is tried, too."""
    options: dict[str, Any] = {} if begin_with is None else {"shared": lambda: begin_with}
    storage = LoggedStorage(path, SPECS, **options)
    found = contents(storage.state)
    assert begin_with is not None or storage.fresh == (found == {})
    if goes_on:
        storage.commit(transaction(1))
        expected = contents(storage.state)
        storage.close()
        storage = LoggedStorage(path, SPECS)
        assert contents(storage.state) == expected
    storage.discard()
    return found


def test_a_kill_at_any_moment_loses_nothing_and_halves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        life = live(tmp_path / "life", patch, "os")
    assert survivors(tmp_path / "left", life.kills, monkeypatch) > 100


def test_a_loss_of_power_at_any_moment_loses_nothing_in_fsync_mode(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        life = live(tmp_path / "life", patch, "fsync")
    assert survivors(tmp_path / "left", life.power_losses, monkeypatch) > 100


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
@pytest.mark.parametrize("durability", ["os", "fsync"])
def test_one_that_begins_with_what_others_share_survives_every_moment_of_its_resets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: Durability, large: bool
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        life = live_with_shared(tmp_path / "life", patch, durability, large)
    moments = life.kills if durability == "os" else life.power_losses
    assert survivors(tmp_path / "left", moments, monkeypatch, shared()) > 100
