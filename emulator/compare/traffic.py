"""Files of recorded traffic, read an entry at a time: HAR, JSON lines, exports of the request journal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import ijson

from emulator.compare.recorded import NotCompared, RecordedCall, json_object, read_record
from emulator.rules.texts import Text, message
from emulator.schemas.json_members import BoundedNumbers
from emulator.store.files import open_given

_MARK = b"\xef\xbb\xbf"
#: The bytes that are searched for the first line of JSON lines, and the longest of them.
_HEAD, _LONGEST_LINE = 1 << 20, 64 << 20


class TrafficError(Exception):
    """A file that cannot be read as traffic; the text names it and says what it should be."""


@dataclass
class Traffic:
    """The calls in the order in which they were made, and what was left out.

    ``left_out``: how many records, by the reason in English; ``reasons``: the reason, and the first of them.
    """

    calls: list[RecordedCall] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, tuple[Text, Text]] = field(default_factory=dict)
    notes: list[Text] = field(default_factory=list)
    host: str = ""

    def add(self, records: Iterable[Any], name: str) -> None:
        """Add one source's calls, by their time where every call has one, else in the order of the source."""
        found: list[RecordedCall] = []
        at = 0
        try:
            for at, record in enumerate(records, 1):
                place = message("%(file)s, entry %(number)s", file=name, number=at)
                try:
                    found.append(read_record(record, place))
                except NotCompared as error:
                    self._leave_out(error.text, place)
        except (ijson.JSONError, ValueError, ArithmeticError) as error:
            if not at:
                said = " ".join(str(error).split())
                raise TrafficError(f"{name}: {_FORMS}; {said}") from error
            text = "%(file)s: breaks off or is damaged after entry %(number)s; what is before it counts"
            self.notes.append(message(text, file=name, number=at))
        if all(one.at is not None for one in found):
            found.sort(key=lambda one: one.at or 0)
        self.calls += found

    def keep_host(self, host: str) -> None:
        """Leave out the calls to other hosts."""
        mine = []
        for call in self.calls:
            if call.host in ("", host):
                mine.append(call)
            else:
                self._leave_out(message("to another host, %(host)s", host=call.host), call.place)
        self.host, self.calls = host, mine

    def _leave_out(self, reason: Text, place: Text) -> None:
        self.left_out[str(reason)] += 1
        self.reasons.setdefault(str(reason), (reason, place))


#: The members of which a record has one, and the lines that are searched for the first record.
_RECORD = {"request", "body"}
_FIRST_LINES = 20
_FORMS = "must be a HAR, JSON lines of {request, status, answer}, or what GET /__admin/requests answers"


def read_traffic(paths: Sequence[Path], host: str | None = None) -> Traffic:
    """The calls of these files, one file after the other.

    ``host``: only calls to this host and port; otherwise those to the host with the most calls, for one
    platform is compared. Raises :class:`TrafficError` and :class:`OSError`.
    """
    traffic = Traffic()
    for path in paths:
        with open_given(path) as file:
            traffic.add(_records(file), path.name)
    hosts = Counter(call.host for call in traffic.calls if call.host)
    traffic.keep_host(host.lower() if host else next((name for name, _ in hosts.most_common(1)), ""))
    return traffic


def _records(file: BinaryIO) -> Iterator[Any]:
    """JSON lines; or objects on many lines: those in an array, a HAR or ``items``, else each by itself."""
    head = file.read(_HEAD)
    start = len(_MARK) if head.startswith(_MARK) else 0
    head = head[start:].lstrip()
    file.seek(start)
    if any(map(_is_record, map(json_object, head.splitlines()[:_FIRST_LINES]))):
        while line := file.readline(_LONGEST_LINE):
            if line.strip():
                yield json_object(line)
        return
    found = False
    for array in ("item",) if head.startswith(b"[") else ("log.entries.item", "items.item", ""):
        file.seek(start)
        for record in ijson.items(BoundedNumbers(file), array, multiple_values=True):
            if array or _is_record(record):
                found = True
                yield record
        if found:
            return
    raise ValueError("it has no entries")


def _is_record(value: Any) -> bool:
    return isinstance(value, dict) and bool(_RECORD & value.keys())
