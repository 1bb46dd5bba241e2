"""What a run of the benchmark found, as data: the report and the plot are made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median

import orjson

from benchmarks.load import Load, middle
from benchmarks.servers import EMULATOR, UNRECORDED


@dataclass
class Series:
    """The loads of one kind on one server, a load for each round.

    ``profiles``: how many it had stored; None: it stores none. ``beside``: the bare Flask's loads of the same
    rounds.
    """

    server: str
    mix: str
    profiles: int | None = None
    connections: int = 8
    loads: list[Load] = field(default_factory=list)
    beside: list[Load] = field(default_factory=list)

    @property
    def middle(self) -> Load:
        """The medians over the rounds."""
        return middle(self.loads)

    @property
    def ratio(self) -> float:
        """Requests/s over the bare Flask's in the same round; the median over the rounds."""
        return median(
            mine.per_second / bare.per_second for mine, bare in zip(self.loads, self.beside, strict=True)
        )


@dataclass
class Size:
    """The emulator with so many profiles. Times in seconds, memory in bytes.

    ``seeded_s``: from the start to the first 200 with the fixtures to be read; ``loaded_s``: with the state
    of the run before; ``memory``: after that; ``memory_after``: after all loads.
    """

    profiles: int
    seeded_s: float = 0.0
    loaded_s: float = 0.0
    stopped_s: float = 0.0
    memory: int = 0
    memory_after: int = 0


@dataclass
class Peer:
    """A peer under the same load."""

    series: Series
    version: str
    does: str
    started_s: float
    memory_after: int


@dataclass
class Results:
    """Everything of one run."""

    machine: dict[str, str] = field(default_factory=dict)
    how: dict[str, str] = field(default_factory=dict)
    stored: list[Series] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    durability: list[Series] = field(default_factory=list)
    journal: list[Series] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)
    peers: list[Peer] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def write(self, file: Path) -> None:
        """Write everything as JSON, for those who want to draw their own picture."""
        file.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2) + b"\n")


def find(series: Iterable[Series], server: str, mix: str, profiles: int | None = None) -> Series | None:
    """The series of this server, mix and number of profiles, or None."""
    for one in series:
        if (one.server, one.mix, one.profiles) == (server, mix, profiles):
            return one
    return None


def journal_share(series: Sequence[Series]) -> float | None:
    """The request journal's share of a request: what is saved without it; the median over the rounds."""
    kept, saved = find(series, EMULATOR, "new", 0), find(series, UNRECORDED, "new", 0)
    if kept is None or saved is None:
        return None
    pairs = zip(kept.loads, saved.loads, strict=True)
    return median(1 - recorded.per_second / free.per_second for recorded, free in pairs)


def profile_bytes(sizes: Sequence[Size]) -> float | None:
    """Bytes of memory that a stored profile costs: the largest size against the smallest."""
    by_size = sorted(sizes, key=lambda size: size.profiles)
    if len(by_size) < 2:
        return None
    least, most = by_size[0], by_size[-1]
    return (most.memory - least.memory) / (most.profiles - least.profiles)
