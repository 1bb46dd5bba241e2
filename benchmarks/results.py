"""What a run of the benchmark found, as data: the report and the plot are made of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median, quantiles

import orjson

from benchmarks.load import Load, middle


@dataclass
class Series:
    """The loads of one kind on one server, a load for each round.

    ``profiles``: how many it had stored; None: it stores none. ``beside``: the bare Flask's loads of the same
    rounds. ``ratios``: its requests/s over the bare Flask's, both in turns; none of the bare Flask itself.
    """

    server: str
    mix: str
    profiles: int | None = None
    connections: int = 8
    loads: list[Load] = field(default_factory=list)
    beside: list[Load] = field(default_factory=list)
    ratios: list[float] = field(default_factory=list)

    @property
    def middle(self) -> Load:
        """The medians over the rounds."""
        return middle(self.loads)

    @property
    def ratio(self) -> float:
        """Requests/s over the bare Flask's; the median over the rounds."""
        return median(self.ratios) if self.ratios else 1.0


@dataclass
class Size:
    """The emulator with so many profiles. Times in seconds, memory in bytes.

    ``seeded_s``: from the start to the first 200 with the fixtures to be read; ``loaded_s``: with the state
    of the run before; ``memory``: after that; ``memory_after``: after the last load.
    """

    profiles: int
    seeded_s: float = 0.0
    loaded_s: float = 0.0
    stopped_s: float = 0.0
    memory: int = 0
    memory_after: int = 0


@dataclass
class Peer:
    """A peer under the same load; ``first``: its very first one."""

    series: Series
    first: Load
    version: str
    does: str
    started_s: float
    memory_after: int


@dataclass
class JournalCost:
    """What the request journal costs: medians over pairs of neighbouring turns, with it and without it.

    ``recorded_us``, ``unrecorded_us``: what a request takes, in microseconds. ``share``: of a recorded
    request; half of the pairs are between ``lower`` and ``upper``.
    """

    pairs: int
    recorded_us: float
    unrecorded_us: float
    share: float
    lower: float
    upper: float

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, float]]) -> JournalCost:
        """Sum up what :mod:`benchmarks.journal_turns` wrote. Raises :class:`RuntimeError`: too little."""
        if len(pairs) < 2:
            raise RuntimeError("too few requests to see what the request journal costs")
        lower, share, upper = quantiles([1 - without / recorded for recorded, without in pairs], n=4)
        recorded_us, unrecorded_us = (median(column) for column in zip(*pairs, strict=True))
        return cls(len(pairs), recorded_us, unrecorded_us, share, lower, upper)


@dataclass
class Waiting:
    """Requests/s with nobody waiting, and beside ten who wait in verify: a pair for each round."""

    alone: list[float] = field(default_factory=list)
    beside: list[float] = field(default_factory=list)

    @property
    def ratio(self) -> float:
        """The rate beside those who wait over the rate alone; the median over the rounds."""
        return median(with_ten / none for with_ten, none in zip(self.beside, self.alone, strict=True))


@dataclass
class LongWork:
    """Requests of one workspace beside long work in another one that has so many profiles.

    ``kind``: what that one does; ``seconds``: how long it took. ``quiet``: the loads just before and after.
    """

    kind: str
    profiles: int
    seconds: float
    load: Load
    quiet: Load

    @property
    def ratio(self) -> float:
        """The rate over the quiet one."""
        return self.load.per_second / self.quiet.per_second


@dataclass
class Timing:
    """One small operation, timed by a client on one kept connection; ``state``: what the server holds."""

    server: str
    what: str
    state: str
    median_ms: float
    p95_ms: float


@dataclass
class Idle:
    """Workspaces that stand idle: their number, the bytes of memory of each, the files that all hold open."""

    workspaces: int
    each_bytes: float
    files: int


@dataclass
class Plugin:
    """What the pytest plugin adds: to a run that does not use it, for the first test, for each other test."""

    unused_s: list[float] = field(default_factory=list)
    first_s: list[float] = field(default_factory=list)
    per_test_ms: list[float] = field(default_factory=list)


@dataclass
class Dearest:
    """The request that costs most of its bound: the cost and the bound."""

    what: str
    cost_ms: float
    bound_ms: float


@dataclass
class Results:
    """Everything of one run.

    ``bare_rates``: requests/s of a bare Flask beside what is timed, by part.
    """

    machine: dict[str, str] = field(default_factory=dict)
    how: dict[str, str] = field(default_factory=dict)
    stored: list[Series] = field(default_factory=list)
    sizes: list[Size] = field(default_factory=list)
    durability: list[Series] = field(default_factory=list)
    journal: JournalCost | None = None
    waiting: Waiting | None = None
    long_work: list[LongWork] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)
    timings: list[Timing] = field(default_factory=list)
    idle: Idle | None = None
    plugin: Plugin | None = None
    dearest: Dearest | None = None
    import_rows: dict[str, float] = field(default_factory=dict)
    peers: list[Peer] = field(default_factory=list)
    bare_rates: dict[str, float] = field(default_factory=dict)
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


def profile_bytes(sizes: Sequence[Size]) -> float | None:
    """Bytes of memory that a stored profile costs: the largest size against the smallest."""
    by_size = sorted(sizes, key=lambda size: size.profiles)
    if len(by_size) < 2:
        return None
    least, most = by_size[0], by_size[-1]
    return (most.memory - least.memory) / (most.profiles - least.profiles)
