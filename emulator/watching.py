"""``--watch``: the fixtures are used anew whenever their files have changed, if they are good."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from emulator.fixtures.load import DATABASES, PROFILES, RESOURCES, FixtureError, load_fixtures
from emulator.fixtures.model import FixtureSet

#: Seconds between two looks at the files.
EVERY_S = 0.5

#: Of each file its time, size and identity; ``None`` for one that is missing.
Stamp = tuple[tuple[int, int, int] | None, ...]


def read_stamp(folder: Path) -> Stamp:
    """What tells that a file of the set has changed."""
    return tuple(_read_one(folder / name) for name in (DATABASES, RESOURCES, PROFILES))


def _read_one(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class FixtureWatch:
    """Looks whether the files of ``folder`` have changed.

    ``use`` gets a changed set that is good. ``say`` gets what there is to tell, a line at a time: what is
    wrong with a set that is not, for then nothing is changed. ``stamp`` is that of the set in use.
    """

    def __init__(
        self,
        folder: Path,
        stamp: Stamp,
        use: Callable[[FixtureSet], object],
        say: Callable[[str], object],
        settle_s: float = EVERY_S / 5,
    ) -> None:
        self._folder = folder
        self._seen = stamp
        self._use = use
        self._say = say
        self._settle_s = settle_s

    async def look(self) -> None:
        """Look once: a changed set is used if it is good. Raises what ``use`` and the disk raise."""
        stamp = read_stamp(self._folder)
        if stamp == self._seen:
            return
        while True:  # an editor may be writing still
            await asyncio.sleep(self._settle_s)
            settled = read_stamp(self._folder)
            if settled == stamp:
                break
            stamp = settled
        self._seen = stamp
        loop = asyncio.get_running_loop()
        try:
            fixtures = await loop.run_in_executor(None, load_fixtures, self._folder)
        except FixtureError as error:
            for problem in error.problems:
                self._say(str(problem))
            self._say(f"the changed fixtures in {self._folder} cannot be used; everything stays as it was")
        else:
            if read_stamp(self._folder) == stamp:  # else the next look reads the newest
                self._use(fixtures)
