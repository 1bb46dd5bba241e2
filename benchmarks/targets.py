"""The numbers to reach, each with what was measured and whether that reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.results import Peer, Results, Series, find, profile_bytes
from benchmarks.servers import BARE, BARE_WSGI, EMULATOR

_KIB = 1024.0


@dataclass(frozen=True)
class Target:
    """A number to reach. ``reached``: None where this run did not measure it."""

    what: str
    reach: str
    measured: str
    reached: bool | None


def judge(results: Results) -> list[Target]:
    """Every number to reach, judged by this run; what the run did not measure is left out."""
    return [*_speed(results), *_tail(results), *_cost(results), *_against_peers(results)]


def of_emulator(results: Results) -> list[Series]:
    """The emulator's series over stored profiles."""
    return [each for each in results.stored if each.server == EMULATOR]


def _speed(results: Results) -> Iterator[Target]:
    series = of_emulator(results)
    if not series:
        return
    least, most = min(series, key=lambda each: each.ratio), max(series, key=lambda each: each.ratio)
    said = f"{least.ratio:.2f} ({_label(least)}) to {most.ratio:.2f} ({_label(most)})"
    yield Target(
        "requests/s over bare Flask on the same server, every mix and size",
        "≥ 0.80",
        said,
        least.ratio >= 0.8,
    )
    yield Target("the same, stretch", "≥ 2.0", said, least.ratio >= 2.0)
    drifts = [(abs(each.ratio / at_none.ratio - 1), each) for each, at_none in _beside_none(series)]
    if drifts:
        drift, one = max(drifts, key=lambda each: each[0])
        yield Target(
            "requests/s at any number of profiles, against none",
            "within 10 %",
            f"{drift:.1%} ({_label(one)})",
            drift <= 0.1,
        )


def _tail(results: Results) -> Iterator[Target]:
    series = of_emulator(results)
    pairs = _beside_none(series)
    if pairs:
        biggest = max(each.profiles or 0 for each in series)
        growths = [
            (each.middle.p99 / none.middle.p99, each) for each, none in pairs if each.profiles == biggest
        ]
        growth, one = max(growths, key=lambda each: each[0])
        yield Target(
            f"p99 at {biggest:,} profiles over p99 at none",
            "≤ 2",
            f"{growth:.2f} ({_label(one)})",
            growth <= 2,
        )
    for name, share, reach in (("p99", _p99_share, 2.0), ("p99.9", _p999_share, 8.0)):
        worst = max(series, key=share, default=None)
        if worst is not None:
            yield Target(
                f"{name} over bare Flask's p99 of the same rounds",
                f"≤ {reach:.0f}",
                f"{share(worst):.2f} ({_label(worst)})",
                share(worst) <= reach,
            )


def _cost(results: Results) -> Iterator[Target]:
    if results.journal is not None:
        share = results.journal.share
        yield Target("the request journal's share of a request", "≤ 10 %", f"{share:.1%}", share <= 0.1)
    if results.waiting is not None:
        ratio = results.waiting.ratio
        yield Target("requests/s beside ten waiting verify, over none", "≥ 0.9", f"{ratio:.2f}", ratio >= 0.9)
    for one in results.long_work:
        what = f"while another workspace of {one.profiles:,} profiles {one.kind}"
        p99 = one.load.p99
        yield Target(f"p99 {what}", "≤ 20 ms", f"{p99:.1f} ms", p99 <= 20)
        yield Target(f"requests/s {what}, over none", "≥ 0.5", f"{one.ratio:.2f}", one.ratio >= 0.5)
    if results.starts_s:
        start = median(results.starts_s)
        yield Target("start to first 200, default fixtures", "≤ 0.5 s", f"{start:.2f} s", start <= 0.5)
    biggest = max(results.sizes, key=lambda each: each.profiles, default=None)
    each_bytes = profile_bytes(results.sizes)
    if biggest is None or each_bytes is None:
        return
    # The numbers are for a million; a quicker run is judged by its share of it.
    part = biggest.profiles / 1_000_000
    for stretch, seconds, kib in (("", 8.0, 2.0), (", stretch", 4.0, 1.3)):
        yield Target(
            f"load of {biggest.profiles:,} profiles{stretch}",
            f"≤ {seconds * part:g} s",
            f"{biggest.loaded_s:.2f} s",
            biggest.loaded_s <= seconds * part,
        )
        yield Target(
            f"memory of a stored profile{stretch}",
            f"≤ {kib:g} KiB",
            f"{each_bytes / _KIB:.2f} KiB",
            each_bytes <= kib * _KIB,
        )


def _against_peers(results: Results) -> Iterator[Target]:
    mine = next((each for each in results.peers if each.series.server == EMULATOR), None)
    others = [each for each in results.peers if each.series.server not in (EMULATOR, BARE, BARE_WSGI)]
    if mine is None or not others:
        return
    fastest = max(others, key=lambda each: each.series.middle.per_second)
    lead = mine.series.middle.per_second / fastest.series.middle.per_second
    yield Target("requests/s over the fastest peer", "> 1", f"{lead:.2f} ({fastest.series.server})", lead > 1)
    wiremock = next((each for each in others if each.series.server == "WireMock"), None)
    if wiremock is not None:
        for what, share in _shares(mine, wiremock):
            yield Target(f"{what} over WireMock's", "≤ 0.1", f"{share:.3f}", share <= 0.1)


def _shares(mine: Peer, other: Peer) -> Iterator[tuple[str, float]]:
    yield "p99", mine.series.middle.p99 / other.series.middle.p99
    yield "memory after the load", mine.memory_after / other.memory_after


def _beside_none(series: list[Series]) -> list[tuple[Series, Series]]:
    """Each series with stored profiles, beside that of the same mix with none."""
    pairs = [(each, find(series, each.server, each.mix, 0)) for each in series if each.profiles]
    return [(each, none) for each, none in pairs if none is not None]


def _p99_share(series: Series) -> float:
    return series.middle.p99 / _bare_p99(series)


def _p999_share(series: Series) -> float:
    return series.middle.p999 / _bare_p99(series)


def _bare_p99(series: Series) -> float:
    return median(each.p99 for each in series.beside)


def _label(series: Series) -> str:
    return f"{series.mix}, {series.profiles:,}"
