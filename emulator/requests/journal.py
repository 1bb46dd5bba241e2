"""The journal itself: bounded by count and by bytes, the oldest go first."""

from __future__ import annotations

import asyncio
import secrets
from collections import deque
from collections.abc import Iterator

import msgspec

from emulator.requests.entry import Entry

DEFAULT_COUNT = 10_000
DEFAULT_BYTES = 64 << 20

#: How a body spells ASCII that it escapes: there a needle cannot be looked for.
_ESCAPED_ASCII = rb"\u00"

#: Bytes of memory that are taken at a time.
_BLOCK = 64 << 10
#: A longer entry that does not fit gets memory of its own: at most so much of a block is left unused.
_LONG = _BLOCK // 8

_encode_into = msgspec.msgpack.Encoder().encode_into
_decode = msgspec.msgpack.Decoder(Entry).decode

#: A block, and where in it an entry begins and ends.
_Place = tuple[bytearray, int, int]


class RequestJournal:
    """The last requests of a workspace.

    Each entry is kept packed: exact to count in bytes, small, and nothing to the garbage collector. Entries
    stand one behind the other in blocks, which are only ever added to; the memory of a block is freed with
    its last entry. ``recorded`` counts all that ever came, ``dropped`` those that had to go for newer ones;
    ``epoch`` is another one whenever all entries have been forgotten.
    """

    def __init__(self, max_count: int = DEFAULT_COUNT, max_bytes: int = DEFAULT_BYTES) -> None:
        self._places: deque[_Place] = deque()
        self._block = bytearray()
        self._end = 0
        self._packed = bytearray()
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._waiting: list[asyncio.Future[None]] = []
        self.epoch = secrets.token_hex(4)
        self.bytes = 0
        self.recorded = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._places)

    def record(self, entry: Entry) -> None:
        """Take an entry in, giving it its id; whoever waits for news is told."""
        entry.id = self.recorded + 1
        packed, places = self._packed, self._places
        _encode_into(entry, packed)
        size = len(packed)
        start = self._end
        end = start + size
        if end <= len(self._block):
            self._block[start:end] = packed
            self._end = end
            places.append((self._block, start, end))
        else:
            places.append(self._elsewhere(packed))
        self.recorded = entry.id
        kept = self.bytes + size
        while len(places) > self._max_count or kept > self._max_bytes:
            _, start, end = places.popleft()
            kept -= end - start
            self.dropped += 1
        self.bytes = kept
        if self._waiting:
            self._tell()

    def _elsewhere(self, packed: bytearray) -> _Place:
        size = len(packed)
        if size > _LONG:
            self._packed = bytearray()  # the old one has grown, and would stay as large
            return bytearray(packed), 0, size
        self._block = bytearray(_BLOCK)
        self._block[:size] = packed
        self._end = size
        return self._block, 0, size

    def get(self, entry_id: int) -> Entry | None:
        """The entry with this id, if it is still kept."""
        position = entry_id - self._oldest_id
        return _read(self._places[position]) if 0 <= position < len(self._places) else None

    def newest_first(self, before: int | None = None, needle: bytes | None = None) -> Iterator[Entry]:
        """The entries, newest first, those with an id below ``before``.

        ``needle``, ASCII letters and digits, skips entries that do not contain it without unpacking them.
        """
        places = list(self._places)
        if before is not None:
            del places[max(0, before - self._oldest_id) :]
        for place in reversed(places):
            if needle is None or _has(place, needle) or _has(place, _ESCAPED_ASCII):
                yield _read(place)

    def clear(self) -> None:
        """Forget all entries; ids go on."""
        self._places.clear()
        self._block = bytearray()
        self._end = 0
        self.epoch = secrets.token_hex(4)
        self.bytes = 0
        self.dropped = 0
        self._tell()

    def restart(self) -> None:
        """Forget that there ever was an entry: the next one is the first. Whoever waits for news is told."""
        self.recorded = 0
        self.clear()

    @property
    def _oldest_id(self) -> int:
        return self.recorded - len(self._places) + 1  # ids are consecutive

    async def news(self, timeout_s: float) -> bool:
        """Wait for the next entry (or for :meth:`clear`), this long at most; whether there was one."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await asyncio.wait_for(future, timeout_s)
        except asyncio.TimeoutError:
            return False
        finally:
            if future in self._waiting:
                self._waiting.remove(future)
        return True

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)


def _has(place: _Place, needle: bytes) -> bool:
    block, start, end = place
    return block.find(needle, start, end) >= 0


def _read(place: _Place) -> Entry:
    block, start, end = place
    return _decode(memoryview(block)[start:end])
