"""Files that appear whole or not at all."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable
from io import RawIOBase
from pathlib import Path


def replace_file(path: Path, chunks: Iterable[bytes]) -> None:
    """Write a file beside ``path``, wait for the disk, and put it in its place.

    Raises :class:`OSError`; then ``path`` is as before and nothing is left beside it.
    """
    temporary = path.with_name(path.name + ".tmp")
    try:
        with temporary.open("wb", buffering=0) as file:
            for chunk in chunks:
                _write(file, chunk)
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def _write(file: RawIOBase, data: bytes) -> None:
    left = memoryview(data)
    while left:  # a disk that is nearly full takes a part, without an error
        left = left[file.write(left) or 0 :]


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name == "nt":  # Windows cannot open a folder
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def identity(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from another one put in its place; ``None`` if there is no file."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
