"""The removal of a state; after an interruption the rest can be removed or a new state begun."""

import contextlib
import os
import re
from collections.abc import Iterable
from errno import EEXIST
from pathlib import Path

from emulator.store.files import fsync_folder, is_readable, remove_file
from emulator.store.log_format import is_log
from emulator.store.recovery import deleted_path, find_logs
from emulator.store.snapshot import is_snapshot

#: The files that :func:`~emulator.store.files.replace_file` leaves when the process dies.
_TEMPORARY = re.compile(r".+\.(json|journal)(\.[0-9a-f]{16})?\.tmp")


def remove(path: Path, syncs: bool, logs: Iterable[Path] | None = None) -> None:
    """Remove the state file ``path`` and its ``logs``; ``syncs``: the removal survives a loss of power.

    ``logs``: ``None`` has them found, which takes long in a folder of thousands of files.

    The renaming of the state file decides; the next start removes files that cannot be removed now. A removal
    that the disk can neither sync nor undo counts as done. Raises :class:`OSError`; then nothing was changed.
    """
    clear_away(path)
    logs = list(find_logs(path).values() if logs is None else logs)
    for log in logs:
        is_log(log)  # raises for one that cannot be read: it would be left, and be in the way of a new state
    deleted = deleted_path(path)
    if os.path.lexists(deleted):
        raise FileExistsError(EEXIST, "another file is in the way", str(deleted))
    try:
        os.rename(path, deleted)
    except FileNotFoundError:  # another process removed it first
        remove_logs(logs)
        return
    try:
        if syncs:
            fsync_folder(path.parent)
    except OSError as error:
        try:
            os.rename(deleted, path)
        except OSError:  # then it is removed: the next start would find no state
            pass
        else:
            raise error
    with contextlib.suppress(OSError):
        remove_logs(logs)
        remove_file(deleted)


def clear_away(path: Path) -> None:
    """Remove the rest of an interrupted removal of a state. Raises :class:`OSError`."""
    deleted = deleted_path(path)
    if not is_readable(is_snapshot, deleted):
        return
    if not path.exists():
        remove_logs(find_logs(path).values())
    remove_file(deleted)


def remove_logs(logs: Iterable[Path]) -> None:
    """Remove those of these files that are logs of ours. Raises :class:`OSError`."""
    for log in logs:
        if is_readable(is_log, log):
            remove_file(log)


def clear_folder(folder: Path) -> None:
    """Remove the rests of interrupted removals and writes in a folder. Raises :class:`OSError`."""
    for name in os.listdir(folder):
        left = folder / name
        with contextlib.suppress(OSError):  # the file does no harm
            if name.endswith(".json.deleted"):
                clear_away(left.with_suffix(""))
            elif _TEMPORARY.fullmatch(name) and (is_snapshot(left) or is_log(left)):
                left.unlink(missing_ok=True)
