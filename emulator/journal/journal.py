"""Journals: bounded by count and by bytes; the oldest entries are evicted first."""

import asyncio
import secrets
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import accumulate, takewhile
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from emulator.journal.entry import Entry, Packed, Reading
from emulator.journal.matching import Criteria
from emulator.rules.model import Changes, Decided, Profile, Subscription
from emulator.settings import JOURNAL_BYTES, JOURNAL_COUNT

T = TypeVar("T")
#: The most decisions, changes and outcomes of one entry; further ones are counted.
MOST_KEPT = 1000
#: The most bytes of an answer.
MOST_ANSWER = 1 << 20
#: The most characters of the tokens and field values in the changes.
MOST_TEXT = 1 << 18
#: The most characters of a number or a version.
_OTHER_VALUE = 400
#: The most bytes, beside the request's body, of an entry that is kept whole.
_WHOLE = 1 << 17


def bound(entry: Entry) -> None:
    """Cut the parts of an entry that are too long.

    The first decisions stay, followed by the number of further ones by rule; the first outcomes, followed by
    each different further one; as many changes as fit both limits (the decisions say how many there were);
    the beginning of the answer, followed by the number of bytes left out.
    """
    decided, outcomes, changes, answer = entry.decided, entry.outcomes, entry.changes, entry.answer_bytes
    if len(decided) > MOST_KEPT:
        rest = Counter(one.rule for one in decided[MOST_KEPT:])
        more = [Decided(rule, None, "more", (count,)) for rule, count in rest.items()]
        entry.decided = decided[:MOST_KEPT] + more
    if len(outcomes) > MOST_KEPT:
        entry.outcomes = outcomes[:MOST_KEPT] + list(dict.fromkeys(outcomes[MOST_KEPT:]))
    if changes is not None:
        entry.changes = Changes(
            _first(changes.profiles, _length),
            _first(changes.subscriptions, _length),
            _first(changes.changed_profiles, _length),
            _first(changes.moved, lambda one: _length(one.before) + _length(one.after)),
        )
    if len(answer) > MOST_ANSWER:
        entry.answer_bytes = answer[:MOST_ANSWER] + f"… and {len(answer) - MOST_ANSWER} more bytes".encode()


def _length(one: Profile | Subscription) -> int:
    length = len(one.subscription_id) if isinstance(one, Subscription) else 0
    for value in one.fields.values():
        length += len(value) if isinstance(value, str) else _OTHER_VALUE
    return length


def _first(records: list[T], length: Callable[[T], int]) -> list[T]:
    """The first records, at most :data:`MOST_KEPT` that have :data:`MOST_TEXT` characters together."""
    fitting = takewhile(MOST_TEXT.__ge__, accumulate(map(length, records[:MOST_KEPT])))
    return records[: sum(1 for _ in fitting)]


#: A buffer that has grown larger than this many bytes is not used again.
_LARGEST_BUFFER = 64 << 10

_encode_into = msgspec.msgpack.Encoder().encode_into


class _Packing(threading.local):
    """The buffer in which a thread packs the entries of all journals."""

    def __init__(self) -> None:
        self.buffer = bytearray()


_packing = _Packing()


def _pack(entry: object) -> bytes:
    buffer = _packing.buffer
    _encode_into(entry, buffer)
    if len(buffer) > _LARGEST_BUFFER:
        _packing.buffer = bytearray()
    return bytes(buffer)  # as large as it must be, which an encoder's own bytes are not


#: Called with the id of each new entry that matches, and with ``None`` when the journal is emptied.
Tell = Callable[[int | None], object]


class _Numbered(Protocol):
    id: int


E = TypeVar("E", bound=_Numbered)
R = TypeVar("R", bound=Packed[Any])


class Journal(Generic[E, R]):
    """The last entries of a workspace; ``reading`` of a subclass is how searches read them.

    Each entry is kept packed: small, of a known size, and ignored by the garbage collector. ``recorded``
    counts all that came; ``epoch`` changes whenever the journal is emptied, except by a :meth:`restart` that
    names it; ``generation`` counts how often it was emptied.
    ``recorder`` gets each entry, packed, and ``None`` when the journal is emptied.
    """

    reading_type: ClassVar[Any]

    def __init__(self, max_count: int = JOURNAL_COUNT, max_bytes: int = JOURNAL_BYTES) -> None:
        self._entries: deque[bytes] = deque()
        self._max_count = max_count
        self._max_bytes = max_bytes
        #: The watchers, by the bytes that the body of an entry for them contains.
        self._watches: dict[bytes, list[tuple[Tell, Criteria[R] | None]]] = {}
        self._held: list[R | None] | None = None
        self.recorder: Callable[[bytes | None], object] | None = None
        self._told: int | None = None
        self.epoch = secrets.token_hex(4)
        self.generation = 0
        self.bytes = 0
        self.recorded = 0
        self._first_id = 1

    def __len__(self) -> int:
        return len(self._entries)

    def record(self, entry: E) -> None:
        """Add an entry, give it its id, and tell the watchers."""
        entry.id = self.recorded + 1
        self.keep(_pack(entry), entry)

    def keep(self, packed: bytes, entry: E | None = None) -> None:
        """Add an entry that is packed already, with the next id, and tell the watchers."""
        entries = self._entries
        entries.append(packed)
        self.recorded += 1
        kept = self.bytes + len(packed)
        if len(entries) > self._max_count:
            kept -= len(entries.popleft())
        while kept > self._max_bytes:
            kept -= len(entries.popleft())
        self.bytes = kept
        if self.recorder is not None:
            self.recorder(packed)
        if self._watches:
            self._tell(self.reading_type(self.recorded, packed, entry))

    def get(self, entry_id: int) -> E | None:
        """The entry with this id, if it is still kept."""
        reading = self.reading(entry_id)
        return reading.entry if reading is not None else None

    def reading(self, entry_id: int) -> R | None:
        """The entry with this id as searches read it, if it is still kept."""
        position = entry_id - self.oldest_id
        if not 0 <= position < len(self._entries):
            return None
        found: R = self.reading_type(entry_id, self._entries[position])
        return found

    def readings(self, before: int | None = None) -> Iterator[R]:
        """The present entries as searches read them, newest first; only ids below ``before``."""
        entries, oldest = list(self._entries), self.oldest_id
        if before is not None:
            del entries[max(0, before - oldest) :]
        while entries:
            packed = entries.pop()
            yield self.reading_type(oldest + len(entries), packed)

    def clear(self) -> int:
        """Delete all entries; later ids continue. Returns their number."""
        cleared = len(self._entries)
        self._entries.clear()
        self.epoch = secrets.token_hex(4)
        self.generation += 1
        self.bytes = 0
        self._first_id = self.recorded + 1
        if self.recorder is not None:
            self.recorder(None)
        self._tell(None)
        return cleared

    def packed(self) -> list[bytes]:
        """The present entries as they are kept, the oldest first."""
        return list(self._entries)

    def refill(self, entries: Iterable[bytes], recorded: int, epoch: str) -> None:
        """Replace all entries by these; the last has the id ``recorded``. Tells the watchers."""
        kept = list(entries)
        self.restart(epoch, recorded - len(kept))
        for entry in kept:
            self.keep(entry)
        self._first_id = self.oldest_id

    def restart(self, epoch: str | None = None, recorded: int = 0) -> None:
        """Delete all entries, also held ones, restart the ids after ``recorded``, and tell the watchers.

        ``epoch``: the one to have; a new one by default.
        """
        self.recorded, self._told = recorded, None
        self.clear()
        self.epoch = epoch or self.epoch

    @property
    def told(self) -> int:
        """The last id that is not held: further entries may be undone."""
        return self.recorded if self._told is None else self._told

    @property
    def oldest_id(self) -> int:
        """The lowest id that is kept; the next id, if the journal is empty."""
        return self.recorded - len(self._entries) + 1  # ids are consecutive

    @property
    def dropped(self) -> int:
        """How many were evicted since the journal was last emptied."""
        return self.oldest_id - self._first_id

    @contextmanager
    def watched(self, tell: Tell, match: Criteria[R] | None = None) -> Iterator[None]:
        """Call ``tell`` for each new entry that matches (``None``: any), while it is recorded."""
        needed = b"" if match is None else match.needed
        watches, watch = self._watches.setdefault(needed, []), (tell, match)
        watches.append(watch)
        try:
            yield
        finally:
            watches.remove(watch)
            if not watches:
                del self._watches[needed]

    @property
    def is_watched(self) -> bool:
        """Whether somebody waits for news."""
        return bool(self._watches)

    async def news(self, timeout_s: float) -> bool:
        """Wait for the next entry (or for :meth:`clear`), at most this long; whether it came."""
        told = asyncio.Event()
        with self.watched(lambda _: told.set()):
            try:
                await asyncio.wait_for(told.wait(), timeout_s)
            except asyncio.TimeoutError:
                return False
        return True

    @contextmanager
    def held(self) -> Iterator[None]:
        """Hold news back until the end; after an exception there is none, and the journal must restart."""
        self._held, self._told = [], self.recorded
        try:
            yield
            held, self._told = self._held, None
        finally:
            self._held = None
        for reading in held:
            self._tell(reading)

    def _tell(self, reading: R | None) -> None:
        if self._held is not None:
            self._held.append(reading)
            return
        escapes: bool | None = None
        for needed, watches in self._watches.items():
            if needed and reading is not None and needed not in reading.body:
                # Most entries are ruled out by this look at their bytes, for all who wait for the same.
                escapes = reading.escapes if escapes is None else escapes
                if not escapes:
                    continue
            for tell, match in watches:
                if reading is None:
                    tell(None)
                elif match is None or match.meets(reading):
                    tell(reading.id)


class RequestJournal(Journal[Entry, Reading]):
    """The last requests of a workspace; with ``recording`` false the endpoint records nothing."""

    reading_type = Reading
    recording = True

    def record(self, entry: Entry) -> None:
        """Add a request with its parts bounded, give it its id, and tell the watchers."""
        entry.id = self.recorded + 1
        # What has so many parts, or a long answer and so much else, is not worth packing.
        is_long = len(entry.answer_bytes) > _WHOLE or len(entry.decided) > MOST_KEPT
        packed = b"" if is_long else _pack(entry)
        if not packed or len(packed) > len(entry.body_bytes) + _WHOLE:
            bound(entry)
            packed = _pack(entry)
        self.keep(packed, entry)
