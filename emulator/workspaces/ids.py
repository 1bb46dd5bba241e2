"""Profile ids: 24 lower-case hex digits shaped like MongoDB's ObjectIds (time, process, counter)."""

from __future__ import annotations

import random
import secrets

from emulator.workspaces.clock import WorkspaceClock

#: The time part of seeded ids while the clock runs: 2026-01-01T00:00:00Z, seconds since 1970.
SEEDED_SECOND = 1_767_225_600
_COUNTER_SIZE = 1 << 24


class ObjectIds:
    """Ids for new profiles.

    With a ``seed`` the ids of a workspace are the same in every run: process and counter come from the
    seed, and the time part is constant unless the test freezes the clock.
    """

    def __init__(self, clock: WorkspaceClock, seed: int | None = None) -> None:
        self._clock = clock
        self._seed = seed
        self._second = -1
        self._prefix = ""
        if seed is None:
            self._process = secrets.token_hex(5)
            self._first = secrets.randbelow(_COUNTER_SIZE)
        else:
            source = random.Random(seed)
            self._process = f"{source.getrandbits(40):010x}"
            self._first = source.randrange(_COUNTER_SIZE)
        self._counter = self._first

    def after(self, made: int) -> ObjectIds:
        """Continue after this number of profiles of the workspace.

        With a seed the next id depends on the state alone: a restart, a reset or a refused request makes no
        difference. Without a seed the sequence continues.
        """
        if self._seed is not None:
            self._counter = self._first + made
        return self

    def profile_id(self) -> str:
        """A new id."""
        self._counter = (self._counter + 1) % _COUNTER_SIZE
        if self._seed is not None and not self._clock.frozen:
            second = SEEDED_SECOND
        else:
            second = self._clock.now_ms() // 1000
        if second != self._second:
            self._second, self._prefix = second, f"{second & 0xFFFFFFFF:08x}{self._process}"
        return f"{self._prefix}{self._counter:06x}"
