"""Files that people have sent to the import wizard and not imported yet."""

import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from emulator.importer.sources import Source

#: The most files that wait; with one more the oldest is removed.
MOST_WAITING = 8


class Upload(NamedTuple):
    """A file: its name and path, its workspace, and the resource and the provider of its import."""

    id: str
    name: str
    path: Path
    workspace: str
    resource_id: int
    provider: str

    def source(self) -> Source:
        """The file, to be read. Raises :class:`~emulator.importer.problem.ImportRefused`."""
        return Source(self.path, self.name)


class Uploads:
    """The waiting files, the oldest first. The server removes them when it stops or at its next start."""

    def __init__(self) -> None:
        self._waiting: dict[str, Upload] = {}

    def keep(self, path: Path, name: str, workspace: str, resource_id: int, provider: str) -> Upload:
        """Take charge of the file at ``path``."""
        return self._have(Upload(id_of(path), name, path, workspace, resource_id, provider))

    def get(self, upload_id: str, workspace: str) -> Upload | None:
        """A workspace's file."""
        found = self._waiting.get(upload_id)
        return found if found is not None and found.workspace == workspace else None

    def copy(self, upload: Upload) -> Path:
        """The same file once more, for an import that removes what it has read. Raises :class:`OSError`."""
        to = upload.path.with_name(f"{upload.id}.{secrets.token_hex(4)}.upload")
        try:
            try:
                to.hardlink_to(upload.path)
            except OSError:  # a file system without links
                shutil.copyfile(upload.path, to)
        except BaseException:
            with suppress(OSError):
                to.unlink(missing_ok=True)
            raise
        return to

    def forget_all_of(self, workspace: str) -> None:
        """Remove the files of a workspace that is deleted."""
        for upload in [one for one in self._waiting.values() if one.workspace == workspace]:
            self._forget(upload.id)

    def _have(self, upload: Upload) -> Upload:
        self._waiting[upload.id] = upload
        while len(self._waiting) > MOST_WAITING:
            self._forget(next(iter(self._waiting)))
        return upload

    def _forget(self, upload_id: str) -> None:
        self._waiting.pop(upload_id).path.unlink(missing_ok=True)


def id_of(path: Path) -> str:
    """The id of the file that lies at ``path``, or whose copy does."""
    return path.name.partition(".")[0]
