"""The format of the state's log, and reading one.

A log is an append-only file, one transaction a line, each with its number and checksum.
A line is ``CRC32 NUMBER JSON\\n``: the checksum, in 8 hex digits, covers ``NUMBER JSON``. The first line's
JSON is the header; every other line's is a transaction. Numbers are consecutive, over all logs of a
state, so that a lost line is noticed. The last line of a log that another log follows says so, so that a lost
log is noticed.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zlib import crc32

import msgspec

from emulator.store.errors import DamagedState
from emulator.store.files import begins_with, read_head

FORMAT = 1
#: The start of every log, in every version of the format.
HEAD = re.compile(rb'[0-9a-f]{8} [0-9]{1,18} \{"journal":')
_LINE = re.compile(rb"([0-9a-f]{8}) (([0-9]{1,18}) (.*))", re.S)


class LogHeader(msgspec.Struct, omit_defaults=True):
    """A log's first line. ``generation``: the snapshot that it follows; ``state``: the id of its state.

    ``begins``: the state begins here, with the shared start state of that id: no earlier log counts.
    """

    journal: int
    generation: int
    state: str = ""
    begins: bool = False


#: The last line of a log that another log follows.
CLOSED = b'{"closed":true}'


def format_line(number: int, payload: bytes) -> bytes:
    """One line of the file."""
    text = b"%d " % number + payload
    return b"".join((b"%08x " % crc32(text), text, b"\n"))


def parse_line(line: bytes) -> tuple[int, bytes] | None:
    """The number and payload of a line (without its newline), or ``None`` if the checksum does not hold."""
    match = _LINE.fullmatch(line)
    if match is None or int(match[1], 16) != crc32(match[2]):
        return None
    return int(match[3]), match[4]


def is_log(path: Path) -> bool:
    """Whether a file begins as a log of ours. Raises :class:`OSError`."""
    return begins_with(path, HEAD)


@dataclass
class LogReport:
    """The result of reading a log: its state, its end, the bytes of a torn last line.

    ``closed``: its last line says that another log follows. ``begins``: as in its header.
    ``first_number``: the number of the transaction before its first one; ``number``: of its last one.
    """

    generation: int = 0
    state: str = ""
    first_number: int = 0
    number: int = 0
    size: int = 0
    torn_bytes: int = 0
    closed: bool = False
    begins: bool = False


def read_log(path: Path, report: LogReport) -> Iterator[bytes]:
    """The payload of every transaction, in order; fills ``report``.

    The log may end in a torn line: the start of a line, without its newline. Raises :class:`DamagedState`
    for any other difference from what was written.
    """
    with path.open("rb") as file:
        yield from _read_lines(path, file, report)


def read_start(path: Path) -> LogReport:
    """The report on a log as far as its first line. Raises :class:`DamagedState`."""
    report = LogReport()
    with path.open("rb") as file:
        for _ in _read_lines(path, islice(file, 1), report):
            pass
    return report


def _read_lines(path: Path, lines: Iterable[bytes], report: LogReport) -> Iterator[bytes]:
    for line in lines:
        whole = line.endswith(b"\n")
        parsed = parse_line(line[:-1]) if whole else None
        if parsed is None:
            # A line whose only fault is another byte in place of the newline was changed, not torn.
            if not whole and report.size and not report.closed and parse_line(line[:-1]) is None:
                report.torn_bytes = len(line)
                return
            raise DamagedState(path, report.size, "a line's checksum does not hold")
        number, payload = parsed
        if report.size == 0:
            header = read_head(path, payload, LogHeader, "journal", FORMAT)
            report.generation, report.state, report.begins = header.generation, header.state, header.begins
            report.first_number = number
        else:
            if payload == CLOSED and number == report.number and not report.closed:
                report.closed = True
                report.size += len(line)
                continue
            if number != report.number + 1 or report.closed:
                raise DamagedState(path, report.size, f"transaction {number} follows {report.number}")
            yield payload
        report.number = number
        report.size += len(line)
    if report.size == 0:
        raise DamagedState(path, 0, "the log's first line is missing")
