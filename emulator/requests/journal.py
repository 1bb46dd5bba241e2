"""The journal itself: bounded by count and by bytes, the oldest go first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

import msgspec

from emulator.requests.entry import Entry

DEFAULT_COUNT = 10_000
DEFAULT_BYTES = 64 << 20

#: How a body spells ASCII that it escapes: there a needle cannot be looked for.
_ESCAPED_ASCII = rb"\u00"

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Entry).decode


class RequestJournal:
    """The last requests of a workspace.

    Each entry is kept packed: exact to count in bytes, small, and nothing to the garbage collector.
    ``recorded`` counts all that ever came, ``dropped`` those that had to go for newer ones.
    """

    def __init__(self, max_count: int = DEFAULT_COUNT, max_bytes: int = DEFAULT_BYTES) -> None:
        self._entries: deque[tuple[int, bytes]] = deque()
        self._max_count = max_count
        self._max_bytes = max_bytes
        self._waiting: list[asyncio.Future[None]] = []
        self.bytes = 0
        self.recorded = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._entries)

    def record(self, entry: Entry) -> None:
        """Take an entry in, giving it its id; whoever waits for news is told."""
        self.recorded += 1
        entry.id = self.recorded
        encoded = _encode(entry)
        self._entries.append((entry.id, encoded))
        self.bytes += len(encoded)
        while len(self._entries) > self._max_count or self.bytes > self._max_bytes:
            _, oldest = self._entries.popleft()
            self.bytes -= len(oldest)
            self.dropped += 1
        if self._waiting:
            self._tell()

    def get(self, entry_id: int) -> Entry | None:
        """The entry with this id, if it is still kept."""
        if not self._entries:
            return None
        position = entry_id - self._entries[0][0]  # ids are consecutive
        if 0 <= position < len(self._entries):
            return _decode(self._entries[position][1])
        return None

    def newest_first(self, before: int | None = None, needle: bytes | None = None) -> Iterator[Entry]:
        """The entries, newest first, those with an id below ``before``.

        ``needle``, ASCII letters and digits, skips entries that do not contain it without unpacking them.
        """
        for entry_id, encoded in reversed(list(self._entries)):
            if (before is None or entry_id < before) and (
                needle is None or needle in encoded or _ESCAPED_ASCII in encoded
            ):
                yield _decode(encoded)

    def clear(self) -> None:
        """Forget all entries; ids go on."""
        self._entries.clear()
        self.bytes = 0
        self.dropped = 0
        self._tell()

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
