"""The snapshot: a whole state as one plain TinyDB JSON file, one document a line, with a checksum.

Its first line is the table ``emulator`` (format, generation, last transaction, ids given out), its last
the table ``checksum``, which covers every byte before that line.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from time import monotonic
from typing import BinaryIO
from zlib import crc32

import msgspec

from emulator.store.documents import Documents
from emulator.store.errors import DamagedState
from emulator.store.files import begins_with, read_head

#: Format 1 had no logs that begin with a shared state.
FORMAT = 2
HEADER_TABLE, CHECKSUM_TABLE = "emulator", "checksum"
CHUNK = 200  # documents a step: about 0.1 ms of work between two releases of the interpreter
#: Bytes that are read in a step: some hundred documents.
_BLOCK = 1 << 16
#: Bytes of a step of the checksum: few of them, for each waits for the interpreter.
_VERIFIED = 1 << 24
_HEADER = re.compile(rb'\{"emulator": \{"1": (\{.*\})\}(,?)\n')
#: The start of every state file, in every version of the format.
HEAD = re.compile(rb'\{"emulator": \{"1": \{"format":')
_TABLE = re.compile(rb'("(?:[^"\\]|\\.)*"): \{\n')
_ROW = re.compile(rb'"(-?[0-9]+)": (\{.*\}),?\n')
#: The bytes of a row beside the id and the document: two quotes, a colon, a space, a comma, the newline.
_ROW_EXTRA = 6
_CHECKSUM = re.compile(rb'"checksum": \{"1": \{"crc32":"([0-9a-f]{8})","bytes":([0-9]+)\}\}\}\n')


class SnapshotHeader(msgspec.Struct, omit_defaults=True):
    """The snapshot's first line.

    ``number``: the last transaction it is sure to hold. ``last_ids``: the highest id that each table has
    given out. ``state``: a random id of the state, or of the start state that it shares: files of two states
    are not mixed up. ``shared``: it is that start state itself.
    """

    format: int
    generation: int
    number: int
    last_ids: dict[str, int] = {}
    state: str = ""
    shared: bool = False


def write_chunks(header: SnapshotHeader, tables: Mapping[str, Documents]) -> Iterator[bytes]:
    """The file's bytes, in chunks small enough that another thread can work between two of them.

    The tables may change meanwhile: each page of documents is written as it is at that moment, so the result
    is a complete state only together with the log that began before.
    """
    crc = size = 0
    for chunk in _body_chunks(header, tables):
        crc = crc32(chunk, crc)
        size += len(chunk)
        yield chunk
    yield b'"checksum": {"1": {"crc32":"%08x","bytes":%d}}}\n' % (crc, size)


def _body_chunks(header: SnapshotHeader, tables: Mapping[str, Documents]) -> Iterator[bytes]:
    yield b'{"emulator": {"1": ' + msgspec.json.encode(header) + b"},\n"
    for name, documents in tables.items():
        yield msgspec.json.encode(name) + b": {\n"
        separator = b""
        for page in documents.pages():
            for at in range(0, len(page), CHUNK):
                yield separator + b",\n".join([b'"%d": %s' % one for one in page[at : at + CHUNK]])
                separator = b",\n"
        yield b"\n},\n" if separator else b"},\n"


def is_snapshot(path: Path) -> bool:
    """Whether a file begins as a state file of ours. Raises :class:`OSError`."""
    return begins_with(path, HEAD)


def read_header(path: Path) -> SnapshotHeader:
    """The snapshot's header. Raises :class:`StateError` for a foreign or newer file."""
    with path.open("rb") as file:
        match = _HEADER.fullmatch(file.readline())
    if match is None:
        raise DamagedState(path, 0, "not a state file as the emulator writes it")
    return read_head(path, match[1], SnapshotHeader, "format", FORMAT)


def verify(path: Path) -> None:
    """Check the file's checksum in one pass. Raises :class:`DamagedState`."""
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - 200))
        tail = file.read()
        last = tail[tail.rfind(b"\n", 0, len(tail) - 1) + 1 :]
        match = _CHECKSUM.fullmatch(last)
        if match is None:
            raise DamagedState(path, size - len(last), "the closing checksum line is missing: cut off?")
        end = size - len(last)
        if int(match[2]) != end:
            raise DamagedState(path, end, f"the file should have {int(match[2])} bytes before this line")
        file.seek(0)
        crc = 0
        left = end
        while left:
            block = file.read(min(_VERIFIED, left))
            crc = crc32(block, crc)
            left -= len(block)
    if crc != int(match[1], 16):
        raise DamagedState(path, 0, "the checksum does not hold: some byte was changed")


def read_blocks(path: Path) -> Iterator[tuple[str, list[tuple[bytes, bytes]]]]:
    """Every table of a snapshot in the file's order: its name without rows, then blocks of rows.

    A row is a document's id, as digits, and the document. Raises :class:`DamagedState` for a line of another
    form.
    """
    with path.open("rb") as file:
        file.readline()
        offset = file.tell()
        while not _CHECKSUM.fullmatch(line := file.readline()):
            table = _parse_table_name(path, offset, line)
            yield table, []
            for rows in _read_table(path, file):
                yield table, rows
            offset = file.tell()


def _read_table(path: Path, file: BinaryIO) -> Iterator[list[tuple[bytes, bytes]]]:
    closed = False
    while not closed:
        start = file.tell()
        block = file.read(_BLOCK) + file.readline()
        rows = _parse_rows(block) if block else None
        if rows is None:
            closed = True
            end = block.find(b"\n}") + 1 if block[:1] != b"}" else 0  # no row begins like this
            rows = _parse_rows(block[:end])
            if rows is None or block[end : end + 3] != b"},\n":
                raise DamagedState(path, start, "an unexpected line")
        yield rows
    file.seek(start + end + len(b"},\n"))


def _parse_rows(lines: bytes) -> list[tuple[bytes, bytes]] | None:
    """The rows, or ``None`` if there is anything else."""
    rows = _ROW.findall(lines)
    last_has_comma = not lines or lines.endswith(b",\n")
    size = sum(map(len, chain.from_iterable(rows))) + _ROW_EXTRA * len(rows) - (not last_has_comma)
    return rows if size == len(lines) else None


def _parse_table_name(path: Path, offset: int, line: bytes) -> str:
    match = _TABLE.fullmatch(line)
    if match is None:
        raise DamagedState(path, offset, "an unexpected line")
    try:
        return msgspec.json.decode(match[1], type=str)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DamagedState(path, offset, "an unreadable table name") from error


def until(end: float, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The chunks of a file before ``end`` (:func:`time.monotonic`). Raises :class:`TimeoutError` after it."""
    for chunk in chunks:
        if monotonic() > end:
            raise TimeoutError("the snapshot takes too long")
        yield chunk
