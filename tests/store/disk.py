"""A disk that can be stopped at every moment: what a kill, or a loss of power, would leave of a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.store import files, generations, log, removal, shared_state
from tests.store.scene import Folder, read_folder


class RecordedDisk:
    """Calls ``at_moment`` before and after each step that the store makes on the disk.

    What the system would still have after a loss of power is known too: a file's bytes as of its last
    fsync, a folder's names as of its last fsync.
    """

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, at_moment: Callable[[], None]) -> None:
        self.folder = folder
        self._at_moment = at_moment
        self._safe_names: dict[str, int] = {}
        self._safe_bytes: dict[int, bytes] = {}
        self._held: dict[int, int] = {}
        recorded = _RecordedOs(self)
        for module in (log, files, removal, shared_state):
            patch.setattr(module, "os", recorded)
        patch.setattr(log, "flush", recorded.fsync)
        patch.setattr(Path, "unlink", self._recorded_unlink(Path.unlink))
        for module in (log, generations, shared_state):
            patch.setattr(module, "replace_file", self._replace_file)

    def close(self) -> None:
        """Let go of the files."""
        for fd in self._held.values():
            os.close(fd)

    def now(self) -> Folder:
        """What a kill leaves."""
        return read_folder(self.folder)

    def after_power_loss(self) -> list[Folder]:
        """What may be left when the power goes: names and bytes as of now, or as of the last fsync."""
        by_inode = {os.stat(self.folder / name).st_ino: data for name, data in self.now().items()}
        names_now = {file.name: file.stat().st_ino for file in self.folder.iterdir()}
        left = []
        for names in (names_now, self._safe_names):
            left.append({name: self._safe_bytes.get(ino, b"") for name, ino in names.items()})
            left.append({n: by_inode.get(ino, self._safe_bytes.get(ino, b"")) for n, ino in names.items()})
        return left

    def moment(self) -> None:
        for file in self.folder.iterdir():
            inode = file.stat().st_ino
            if inode not in self._held:
                self._held[inode] = os.open(file, os.O_RDONLY)  # its number is given to no other file
        self._at_moment()

    def synced(self, inode: int) -> None:
        if inode == os.stat(self.folder).st_ino:
            self._safe_names = {file.name: file.stat().st_ino for file in self.folder.iterdir()}
            return
        for file in self.folder.iterdir():
            if file.stat().st_ino == inode:
                self._safe_bytes[inode] = file.read_bytes()

    def _recorded_unlink(self, unlink: Callable[..., None]) -> Callable[..., None]:
        def recorded(path: Path, missing_ok: bool = False) -> None:
            self.moment()
            unlink(path, missing_ok)
            self.moment()

        return recorded

    def _replace_file(self, path: Path, chunks: Iterable[bytes], sync: bool = True) -> None:
        files.replace_file(path, self._recorded_chunks(chunks), sync)

    def _recorded_chunks(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            half = len(chunk) // 2
            for part in (chunk[:half], chunk[half:]):
                yield part
                self.moment()


class _RecordedOs:
    """The ``os`` module with its steps recorded; a write is made in two."""

    def __init__(self, disk: RecordedDisk) -> None:
        self._disk = disk

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)

    def write(self, fd: int, data: bytes) -> int:
        self._disk.moment()
        half = len(data) // 2
        written = os.write(fd, data[:half])
        self._disk.moment()
        written += os.write(fd, data[half:])
        self._disk.moment()
        return written

    def fsync(self, fd: int) -> None:
        self._disk.moment()
        self._disk.synced(os.fstat(fd).st_ino)
        self._disk.moment()

    def replace(self, source: Path, target: Path) -> None:
        self._disk.moment()
        os.replace(source, target)
        self._disk.moment()

    def rename(self, source: Path, target: Path) -> None:
        self._disk.moment()
        os.rename(source, target)
        self._disk.moment()

    def link(self, source: Path, target: Path) -> None:
        self._disk.moment()
        os.link(source, target)
        self._disk.moment()

    def ftruncate(self, fd: int, size: int) -> None:
        self._disk.moment()
        os.ftruncate(fd, size)
        self._disk.moment()
