"""Files that appear whole or not at all, those that a user names, and the recognition of our own."""

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping
from errno import EINVAL, EISDIR, ELOOP, ENOENT
from io import RawIOBase
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeVar

import msgspec
import orjson

from emulator.store.errors import DamagedState, StateError
from emulator.store.freeing import close_later

T = TypeVar("T")

#: Follows no link and, on Windows, writes a newline as one byte.
OPEN_FLAGS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
#: Bytes of a file whose space is not freed in a moment.
_LARGE = 1 << 20
#: Errors of the system for a path that is no file of ours.
_NO_FILE_OF_OURS = (ENOENT, ELOOP, EISDIR)


def replace_file(path: Path, chunks: Iterable[bytes], sync: bool = True) -> None:
    """Write a file beside ``path`` and put it in its place; ``sync``: wait for the disk in between.

    Raises :class:`OSError`; then ``path`` is as before and nothing is left beside it.
    """
    # No other program can put a file or a link in the place of this name.
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.tmp")
    created = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | OPEN_FLAGS, 0o666)
    try:
        with os.fdopen(created, "wb", buffering=0) as file:
            for chunk in chunks:
                _write(file, chunk)
            if sync:
                os.fsync(file.fileno())
        with freed_later(path):
            os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@contextlib.contextmanager
def freed_later(path: Path) -> Iterator[None]:
    """Have another thread free the space of a large file that is removed or replaced inside.

    400 MB take some 0.1 s. When a file is replaced, Linux frees the former one while the directory is locked:
    whoever looks for a missing name there waits.
    """
    found = None
    if os.name != "nt":  # Windows replaces no open file
        with contextlib.suppress(OSError):
            if os.lstat(path).st_size > _LARGE:
                found = os.open(path, os.O_RDONLY | OPEN_FLAGS | os.O_NONBLOCK)
    try:
        yield
    finally:
        if found is not None:
            close_later(found)


def remove_file(path: Path) -> None:
    """Remove a file, if it is there. Raises :class:`OSError`."""
    with freed_later(path):
        path.unlink(missing_ok=True)


def _write(file: RawIOBase, data: bytes) -> None:
    left = memoryview(data)
    while left:  # a nearly full disk writes a part, without an error
        left = left[file.write(left) or 0 :]


def begins_with(path: Path, pattern: re.Pattern[bytes]) -> bool:
    """Whether a regular file, not a link to one, begins like this; False if there is none.

    Raises :class:`OSError` if that is unknown.
    """
    try:
        if not hasattr(os, "O_NOFOLLOW") and path.is_symlink():
            return False
        found = os.open(path, os.O_RDONLY | OPEN_FLAGS | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        if error.errno in _NO_FILE_OF_OURS:
            return False
        raise
    try:
        return stat.S_ISREG(os.fstat(found).st_mode) and pattern.match(os.read(found, 100)) is not None
    finally:
        os.close(found)


def is_readable(is_ours: Callable[[Path], bool], path: Path) -> bool:
    """Whether a file is ours; False for one that this user may not read: it may be anybody's."""
    try:
        return is_ours(path)
    except PermissionError:
        return False


def read_head(path: Path, document: bytes, kind: type[T], member: str, known: int) -> T:
    """The first line of a file, decoded; ``member``: its key for the format, ``known``: the latest format.

    Raises :class:`DamagedState`, and :class:`StateError` for a file that a later version wrote.
    """
    try:
        version = msgspec.convert(msgspec.json.decode(document, type=dict[str, Any])[member], int)
        if version <= known:
            return msgspec.json.decode(document, type=kind)
    except (KeyError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedState(path, 0, f"unreadable header ({error})") from error
    what = "log" if member == "journal" else "state"
    text = f"written by a newer emulator ({what} format {version}, this one reads {known})"
    raise StateError(f"{path}: {text}. Use that version, or another --state directory")


def fsync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if os.name == "nt":  # Windows cannot open a folder
        return
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def open_given(path: Path, pipe: bool = False) -> BinaryIO:
    """Open a file that a user names, at once; ``pipe``: it may be one. Raises :class:`OSError`."""

    def open_now(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))

    file = open(path, "rb", opener=open_now)  # noqa: SIM115 (the caller closes it)
    mode = os.fstat(file.fileno()).st_mode
    if pipe and stat.S_ISFIFO(mode):
        os.set_blocking(file.fileno(), True)
    elif not stat.S_ISREG(mode):
        file.close()
        raise OSError(EINVAL, "it is a device" if pipe else "it is a pipe or a device", str(path))
    return file


def read_given(path: Path) -> bytes:
    """The bytes of a file or pipe that a user names. Raises :class:`OSError`."""
    with open_given(path, pipe=True) as file:
        content = file.read()
        if not content and stat.S_ISFIFO(os.fstat(file.fileno()).st_mode):
            raise OSError(EINVAL, "it is a pipe that no program writes to", str(path))
    return content


class Identity(NamedTuple):
    """What differs for another file in a file's place."""

    number: int
    changed_ns: int
    size: int


def identity(path: Path | str) -> Identity | None:
    """The identity of a file; ``None`` if there is no file."""
    try:
        found = os.lstat(path)
    except OSError:
        return None
    return Identity(found.st_ino, found.st_mtime_ns, found.st_size)


class NotWritten(Exception):
    """Why no file was written, in one line for the person who asked for it."""


def write_arrays(out: Path, contents: Mapping[str, Iterable[object]]) -> None:
    """Write files of JSON arrays, all or none, into ``out``, a new or an empty directory.

    The files are written in their order. Raises :class:`NotWritten`.
    """
    missing: list[Path] = []
    written: list[Path] = []
    try:
        missing += [path for path in (out, *out.parents) if not path.exists()]
        out.mkdir(parents=True, exist_ok=True)
        found = min((path.name for path in out.iterdir()), default=None)
        if found is not None:
            raise NotWritten(f'{out} is not empty (it holds "{found}"): name a new or an empty directory')
        for name, entries in contents.items():
            # Only this run's own files: another one may be writing into the same directory.
            with (out / name).open("xb", buffering=1 << 20) as file:
                written.append(out / name)
                _write_array(file, entries)
    except BaseException as error:
        for path in written:
            path.unlink(missing_ok=True)
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()
        if isinstance(error, OSError):
            raise NotWritten(f"{out} cannot be written: {error.strerror or error}") from error
        raise


def _write_array(file: BinaryIO, entries: Iterable[object]) -> None:
    separator = b"[\n"
    for entry in entries:
        file.write(separator + orjson.dumps(entry))
        separator = b",\n"
    file.write(b"\n]\n" if separator == b",\n" else b"[]\n")
