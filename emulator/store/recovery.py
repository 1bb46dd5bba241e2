"""The opening of a state on the disk: the snapshot, then every log that follows it."""

import gc
import os
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec.structs import replace

from emulator.loop.gc_pause import collections_paused
from emulator.loop.pacing import Steps, at_once
from emulator.store import log_format, snapshot
from emulator.store.errors import DamagedState, ForeignFile, StateError
from emulator.store.files import is_readable
from emulator.store.state import Op, State, TableSpec, TableState

_OPS = msgspec.json.Decoder(list[tuple[str, int | None, msgspec.Raw]])


#: The name of a workspace's state file without ``.json``.
STEM = re.compile(r"[a-z0-9_-]{1,64}")
_STATE = re.compile(rf"{STEM.pattern}\.json")
_LOG = re.compile(r"([0-9]+)\.journal")
_LOG_OF = re.compile(rf"({STEM.pattern})\.{_LOG.pattern}")


@dataclass
class Recovered:
    """A state read from disk.

    ``logs``: the logs after the snapshot, oldest first. ``header``: the snapshot's, with the generation and
    the number that the first of them continues. ``beside``: all logs of this name, by generation.
    """

    state: State
    header: snapshot.SnapshotHeader
    logs: list[Path]
    last: log_format.LogReport
    beside: Mapping[int, Path]


def log_path(path: Path, generation: int) -> Path:
    """The log that follows snapshot ``generation`` of the state file ``path``."""
    return path.with_name(f"{path.stem}.{generation}.journal")


def deleted_path(path: Path) -> Path:
    """The name of the state file ``path`` after the removal of its state."""
    return path.with_name(f"{path.name}.deleted")


def stored_states(folder: Path) -> list[Path]:
    """The state files of a folder: those whose names and beginnings are ours. Raises :class:`OSError`."""
    found = [folder / name for name in named_states(folder)]
    return sorted(path for path in found if is_readable(snapshot.is_snapshot, path))


def named_states(folder: Path) -> list[str]:
    """The files of a folder whose names are those of state files; none if this user may not read it.

    Raises :class:`OSError`.
    """
    with suppress(PermissionError):
        return [name for name in _names(folder) if _STATE.fullmatch(name)]
    return []


def stems_of_logs(folder: Path) -> set[str]:
    """The names of the states that logs in a folder belong to."""
    return {match[1] for match in map(_LOG_OF.fullmatch, _names(folder)) if match is not None}


def find_logs(path: Path) -> dict[int, Path]:
    """The logs beside a state file, by generation, in ascending order."""
    start, found = path.stem + ".", {}
    for name in _names(path.parent):  # there may be thousands
        match = _LOG.fullmatch(name, len(start)) if name.startswith(start) else None
        if match is not None:
            found[int(match[1])] = path.with_name(name)
    return dict(sorted(found.items()))


def _names(folder: Path) -> list[str]:
    """The names of the files in a folder, if there is one. Raises :class:`OSError`."""
    try:
        return os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []


def nothing_stored(path: Path) -> bool:
    """Whether there is no state: no snapshot, and no log except the first, empty one of an aborted start.

    Raises :class:`DamagedState` for a log without its snapshot, :class:`StateError` for a foreign file in
    place of the snapshot or of a log, and :class:`OSError` for one that cannot be read.
    """
    if os.path.lexists(path):
        if not snapshot.is_snapshot(path) and not any(map(log_format.is_log, find_logs(path).values())):
            raise ForeignFile(path)
        return False
    if snapshot.is_snapshot(deleted_path(path)):
        return True
    for generation, found in find_logs(path).items():
        if not log_format.is_log(found):
            raise ForeignFile(found)
        report = log_format.LogReport()
        if generation != 1 or any(True for _ in log_format.read_log(found, report)) or report.torn_bytes:
            raise DamagedState(found, 0, f"the snapshot {path.name} that it follows is missing")
    return True


def recover(path: Path, specs: Mapping[str, TableSpec]) -> Recovered:
    """The state on disk. Changes nothing there. Raises :class:`StateError`."""
    with collections_paused():
        return at_once(recovering(path, specs))


def recovering(path: Path, specs: Mapping[str, TableSpec]) -> Steps[Recovered]:
    """:func:`recover` in steps."""
    header = snapshot.read_header(path)
    state = State(specs)
    with ThreadPoolExecutor(1) as beside:  # a checksum leaves the interpreter to others
        verified = beside.submit(snapshot.verify, path)
        try:
            yield from _load_rows(path, state)
        finally:
            verified.result()  # what it finds says more than a row that cannot be read
    for name, last_id in header.last_ids.items():
        state.table(name).last_id = max(last_id, state.table(name).last_id)
    logs = find_logs(path)
    header, found = _logs_after(logs, header)
    followed, report = yield from _replay(path, header, found, state)
    gc.freeze()  # what was loaded lives as long as the process: never walk it again
    return Recovered(state, header, followed, report, logs)


def _load_rows(path: Path, state: State) -> Steps[None]:
    for name, rows in snapshot.read_blocks(path):
        yield
        table = state.table(name)
        doc_ids = [int(doc_id) for doc_id, _ in rows]
        documents = [document for _, document in rows]
        try:
            table.fill(doc_ids, documents)
        except Exception as error:  # an index or a decoder may raise anything for an invalid document
            doc_id = _first_unreadable(table, doc_ids, documents)
            text = f"document {doc_id} of table {name} is unreadable ({error})"
            raise DamagedState(path, 0, text) from error


def _first_unreadable(table: TableState, doc_ids: list[int], documents: list[bytes]) -> int | None:
    for doc_id, document in zip(doc_ids, documents, strict=True):
        try:
            table.put(doc_id, document)
        except Exception:
            return doc_id
    return None


def _logs_after(
    beside: Mapping[int, Path], header: snapshot.SnapshotHeader
) -> tuple[snapshot.SnapshotHeader, dict[int, Path]]:
    """The logs that count, and the snapshot's header as they continue it.

    A log with which another state was to begin does not count: that state's snapshot did not follow.
    """
    least = header.generation
    found = {g: p for g, p in beside.items() if g >= least}
    for generation, start in [(g, log_format.read_start(p)) for g, p in found.items()]:
        if start.begins and header.shared and start.state == header.state:
            header = replace(header, generation=generation, number=start.first_number)
        elif start.begins and generation > least and start.size == found[generation].stat().st_size:
            del found[generation]
    return header, {g: p for g, p in found.items() if g >= header.generation}


def _replay(
    path: Path, header: snapshot.SnapshotHeader, found: Mapping[int, Path], state: State
) -> Steps[tuple[list[Path], log_format.LogReport]]:
    if header.generation not in found:
        missing = log_path(path, header.generation)
        raise DamagedState(missing, 0, f"the log that follows {path.name} is missing")
    report = log_format.LogReport(header.generation - 1, number=header.number, closed=True)
    followed: list[Path] = []
    for generation, log_file in found.items():
        before, report = report, log_format.LogReport()
        if generation != before.generation + 1:
            missing = log_path(path, before.generation + 1)
            raise DamagedState(missing, 0, "a log is missing from the sequence")
        yield from _replay_one(log_file, report, state)
        if report.state != header.state:
            raise DamagedState(log_file, 0, f"the log of another state than {path.name}")
        if report.generation == generation and _never_begun(before, report) and generation == max(found):
            return followed, before
        if (report.generation, report.first_number) != (generation, before.number):
            raise DamagedState(log_file, 0, "the log does not follow what comes before it")
        followed.append(log_file)
    if report.closed:
        missing = log_path(path, report.generation + 1)
        raise DamagedState(missing, 0, "a log is missing from the sequence")
    return followed, report


def _never_begun(before: log_format.LogReport, report: log_format.LogReport) -> bool:
    """Whether the previous log continued because the disk refused the start of this one."""
    empty = report.number == report.first_number and not report.torn_bytes and not report.closed
    return empty and not before.closed and report.first_number < before.number


def _replay_one(path: Path, report: log_format.LogReport, state: State) -> Steps[None]:
    try:
        for payload in log_format.read_log(path, report):
            yield from state.applying(decode_ops(payload))
            yield
    except (StateError, OSError):
        raise
    except Exception as error:  # its checksum holds, but it does not fit the tables
        raise DamagedState(path, report.size, f"not a transaction of this state ({error})") from error


def decode_ops(payload: bytes) -> Iterator[Op]:
    """The steps of a log's transaction. Raises :class:`msgspec.MsgspecError`."""
    for name, doc_id, raw in _OPS.decode(payload):
        document = bytes(raw)
        yield Op(name, doc_id, None if document == b"null" else document)
