"""A small state directory with known contents after each of its transactions, to be damaged."""

from __future__ import annotations

from pathlib import Path

from emulator.store.errors import StateError
from emulator.store.generations import RETRY_S
from emulator.store.log_format import format_line
from emulator.store.recovery import log_path
from emulator.store.state import Op, State, TableSpec
from emulator.store.storage import LoggedStorage
from tests.store.databases import check_indexes

Contents = dict[str, dict[int, bytes]]
Folder = dict[str, bytes]

SPECS = {
    "people": TableSpec(["name"], lambda document: [("name", document["name"])]),
    "tokens": TableSpec(["owner"], lambda document: [("owner", document["of"])]),
}
NAME = "default.json"


def ready_again(storage: LoggedStorage) -> None:
    """The second is over after which the disk is tried again."""
    moment = storage.clock() + RETRY_S
    storage.clock = lambda: moment


class Scene:
    """A snapshot of three transactions, a closed log with three more and a last log with three more.

    That is what a kill during a snapshot leaves. ``after`` has the contents after each transaction that the
    snapshot does not hold.
    """

    def __init__(self, folder: Path) -> None:
        self.path = folder / NAME
        storage = LoggedStorage(self.path, SPECS, min_log_bytes=1 << 30)
        for number in range(3):
            storage.commit(transaction(number))
        storage.close()
        storage = LoggedStorage(self.path, SPECS, min_log_bytes=1 << 30)
        self.after = [contents(storage.state)]
        for number in range(3, 6):
            storage.commit(transaction(number))
            self.after.append(contents(storage.state))
        # As a snapshot begins: the log is closed and the next one follows.
        assert storage.files is not None
        storage.files.begin_next()
        for number in range(6, 9):
            storage.commit(transaction(number))
            self.after.append(contents(storage.state))
        storage.discard()
        self.closed = log_path(self.path, 2)
        self.last = log_path(self.path, 3)
        self.files = read_folder(folder)
        assert set(self.files) == {NAME, self.closed.name, self.last.name}

    def last_lines(self) -> list[int]:
        """The offsets at which the lines of the last log end, the header's first."""
        data, ends = self.files[self.last.name], [0]
        while ends[-1] < len(data):
            ends.append(data.index(b"\n", ends[-1]) + 1)
        return ends[1:]


def transaction(number: int) -> list[Op]:
    """A person with two tokens; each second one also changes or removes what is there."""
    ops = [
        Op("people", number + 1, b'{"name":"p%d \xd0\xaf"}' % (number % 4)),
        Op("tokens", 2 * number + 1, b'{"of":"p%d","t":"aaaa"}' % number),
        Op("tokens", 2 * number + 2, b'{"of":"p%d","t":"bb\\"b"}' % number),
    ]
    if number % 2:
        ops += [Op("tokens", 2 * number - 1, None), Op("people", number, b'{"name":"renamed"}')]
    return ops


def contents(state: State) -> Contents:
    """All documents, by table and id."""
    return {name: dict(table.documents) for name, table in state.tables.items()}


def read_folder(folder: Path) -> Folder:
    """Every file's bytes."""
    return {file.name: file.read_bytes() for file in sorted(folder.iterdir())}


def write_folder(folder: Path, files: Folder) -> Path:
    """Make a folder hold just these files; the state file's path."""
    folder.mkdir(exist_ok=True)
    for file in folder.iterdir():
        if files.get(file.name) is None:
            file.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder / NAME


def open_damaged(path: Path) -> tuple[Contents, int] | StateError:
    """What opening makes of a folder: the contents and the torn bytes, or the refusal.

    Holds that a refusal touches nothing and names a file, and that what is opened can be opened again.
    """
    before = read_folder(path.parent)
    try:
        storage = LoggedStorage(path, SPECS)
    except StateError as error:
        refusal = error
    else:
        return _look_twice(storage, path)
    assert read_folder(path.parent) == before
    assert str(path.parent) in str(refusal)
    return refusal


def _look_twice(storage: LoggedStorage, path: Path) -> tuple[Contents, int]:
    check_indexes(storage.state)
    found, torn = contents(storage.state), storage.torn_bytes
    storage.commit([])
    storage.discard()
    again = LoggedStorage(path, SPECS)
    assert (contents(again.state), again.torn_bytes) == (found, 0)
    again.discard()
    return found, torn


def log_line(number: int, payload: bytes) -> bytes:
    """A line whose checksum holds."""
    return format_line(number, payload)
