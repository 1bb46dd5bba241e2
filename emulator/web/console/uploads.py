"""Files that people have sent to the import wizard and not imported yet."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from werkzeug.datastructures import FileStorage

from emulator.importer.plan import ImportPlan

#: Files that wait at a time; one more, and the oldest goes.
MOST_WAITING = 8


class Upload(NamedTuple):
    """A file: what the person calls it, where it lies, whose it is, and what for.

    ``written``: how the person says that it is written, as :func:`~emulator.importer.layout.read_layout`
    takes it. ``shown``: the plans whose remarks the person has seen.
    """

    id: str
    name: str
    path: Path
    workspace: str
    resource_id: int
    provider: str
    written: dict[str, Any]
    shown: set[ImportPlan]


class Uploads:
    """The waiting files, the oldest first. They go when the server stops, or with the next start."""

    def __init__(self) -> None:
        self._waiting: dict[str, Upload] = {}

    def __iter__(self) -> Iterator[Upload]:
        return iter(list(self._waiting.values()))

    def keep(self, sent: FileStorage, path: Path, workspace: str, resource_id: int, provider: str) -> Upload:
        """Write a file down at ``path``. Raises :class:`OSError`; then nothing is left there."""
        _write_or_remove(path, sent.save)
        upload_id, name = secrets.token_hex(8), sent.filename or "file"
        kept = Upload(upload_id, name, path, workspace, resource_id, provider, {}, set())
        self._waiting[kept.id] = kept
        while len(self._waiting) > MOST_WAITING:
            self.forget(next(iter(self._waiting)))
        return kept

    def get(self, upload_id: str, workspace: str) -> Upload | None:
        """A workspace's file."""
        found = self._waiting.get(upload_id)
        return found if found is not None and found.workspace == workspace else None

    def correct(self, upload: Upload, written: dict[str, Any]) -> None:
        """Keep how the person says the file is written."""
        self._waiting[upload.id] = upload._replace(written=written)

    def copy(self, upload: Upload, to: Path) -> Path:
        """The same file once more, for an import that removes what it has read. Raises :class:`OSError`."""
        try:
            to.hardlink_to(upload.path)
        except OSError:  # a file system without links
            _write_or_remove(to, lambda path: shutil.copyfile(upload.path, path))
        return to

    def forget_all_of(self, workspace: str) -> None:
        """Remove the files of a workspace that is deleted."""
        for upload in [one for one in self if one.workspace == workspace]:
            self.forget(upload.id)

    def forget(self, upload_id: str) -> None:
        """Remove a file."""
        self._waiting.pop(upload_id).path.unlink(missing_ok=True)


def _write_or_remove(path: Path, write: Callable[[Path], object]) -> None:
    try:
        write(path)
    except BaseException:
        with suppress(OSError):
            path.unlink(missing_ok=True)
        raise
