"""A workspace's time: real, frozen or moved."""

from __future__ import annotations

import time

from msgspec import Struct

from emulator.timestamps import iso


class ClockSetting(Struct, frozen=True):
    """The setting of a clock: frozen at a time, or an offset from real time; both in milliseconds."""

    frozen_ms: int | None = None
    offset_ms: int = 0

    def advanced(self, milliseconds: int) -> ClockSetting:
        """The setting moved by this many milliseconds, frozen or not; a negative number moves it back."""
        if self.frozen_ms is not None:
            return ClockSetting(self.frozen_ms + milliseconds)
        return ClockSetting(None, self.offset_ms + milliseconds)


#: The setting of a clock in real time.
REAL_TIME = ClockSetting()


class WorkspaceClock:
    """The time of one workspace: real time plus an offset, or frozen."""

    def __init__(self, setting: ClockSetting = REAL_TIME) -> None:
        self.setting = setting
        self._told_ms, self._told = -1, ""

    @property
    def frozen(self) -> bool:
        return self.setting.frozen_ms is not None

    def now_ms(self) -> int:
        """Milliseconds since 1970."""
        setting = self.setting
        if setting.frozen_ms is not None:
            return setting.frozen_ms
        return time.time_ns() // 1_000_000 + setting.offset_ms

    def timestamp(self) -> str:
        """Now, as ISO 8601 in UTC with milliseconds."""
        now_ms = self.now_ms()
        if now_ms != self._told_ms:  # many requests come in one millisecond
            self._told_ms, self._told = now_ms, iso(now_ms)
        return self._told
