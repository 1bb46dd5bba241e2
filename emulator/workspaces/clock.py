"""A workspace's time: the real one, or one that the tests hold still or move."""

from __future__ import annotations

import time

from msgspec import Struct

from emulator.timestamps import iso


class ClockSetting(Struct, frozen=True):
    """How a clock stands: frozen at a time, or off real time by so much; both in milliseconds."""

    frozen_ms: int | None = None
    offset_ms: int = 0

    def advanced(self, milliseconds: int) -> ClockSetting:
        """Moved by this much, frozen or not; negative moves back."""
        if self.frozen_ms is not None:
            return ClockSetting(self.frozen_ms + milliseconds)
        return ClockSetting(None, self.offset_ms + milliseconds)


#: A clock that nobody has set.
REAL_TIME = ClockSetting()


class WorkspaceClock:
    """The time of one workspace: real time plus an offset, or frozen."""

    def __init__(self, setting: ClockSetting = REAL_TIME) -> None:
        self.setting = setting

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
        return iso(self.now_ms())
