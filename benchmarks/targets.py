"""The numbers to reach, each with what was measured and whether that reaches it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from benchmarks.isolation import FRESH, LARGE, RESET
from benchmarks.results import Results, Series, profile_bytes
from benchmarks.servers import BARE, BARE_WSGI, EMULATOR

_KIB = 1024.0
#: Requests/s of a bare Flask on the machine that the times to reach are for.
BARE_RATE = 14_000
#: Open files that all workspaces of a server together may have.
MOST_OPEN = 64


@dataclass(frozen=True)
class Target:
    """A number to reach. ``reached``: None where this run did not measure it."""

    what: str
    reach: str
    measured: str
    reached: bool | None


def judge(results: Results) -> list[Target]:
    """Every number to reach, judged by this run; what the run did not measure is left out."""
    parts = (_speed, _tail, _cost, _isolation, _load, _against_peers)
    return [target for part in parts for target in part(results)]


def of_emulator(results: Results) -> list[Series]:
    """The emulator's series over stored profiles."""
    return [each for each in results.stored if each.server == EMULATOR]


def _within(
    results: Results, part: str, what: str, took: float, reach: float, unit: str, digits: int = 2
) -> Target:
    """A time of the processor: a slower machine may take longer.

    A quicker one has to take less where nearly all of the time is the processor's: in the loads.
    """
    rate = results.bare_rates.get(part)
    most = reach if rate is None else reach * BARE_RATE / rate
    if part != "stored":
        most = max(reach, most)
    text = f"≤ {reach:g} {unit}" if rate is None else f"≤ {most:.3g} {unit} ({reach:g})"
    return Target(what, text, f"{took:.{digits}f} {unit}", took <= most)


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


def _tail(results: Results) -> Iterator[Target]:
    series = of_emulator(results)
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
    if results.dearest is not None:
        dear = results.dearest
        what = f"the dearest request of 1 MiB ({dear.what})"
        yield _within(results, "dearest", what, dear.cost_ms, dear.bound_ms, "ms", 1)
    if results.import_rows:
        match, rows = min(results.import_rows.items(), key=lambda one: one[1])
        what = f"CSV import of 50,000 rows, one core ({match})"
        yield _within(results, "import", what, 50_000 / rows, 1.0, "s")


def _isolation(results: Results) -> Iterator[Target]:
    for what, state, reach in (
        (FRESH, "default fixtures", 1.0),
        (RESET, "default fixtures", 0.5),
        (RESET, f"{LARGE:,} profiles", 20.0),
    ):
        for one in results.timings:
            if (one.server, one.what, one.state) == (EMULATOR, what, state):
                yield _within(results, "isolation", f"{what}, {state}", one.median_ms, reach, "ms")
    if results.idle is not None:
        kib, files = results.idle.each_bytes / _KIB, results.idle.files
        of = f"{results.idle.workspaces:,} idle workspaces"
        yield Target(f"memory of each of {of}", "≤ 20 KiB", f"{kib:.1f} KiB", kib <= 20)
        yield Target(f"open files of {of}", "none for each", f"{files}", files <= MOST_OPEN)
    if results.plugin is not None:
        plugin = results.plugin
        for what, reach, unit, found in (
            ("the pytest fixture, per test", 1.0, "ms", plugin.per_test_ms),
            ("the pytest fixture, first test", 0.35, "s", plugin.first_s),
            ("the pytest plugin in a run that does not use it", 0.02, "s", plugin.unused_s),
        ):
            yield _within(results, "plugin", what, median(found), reach, unit, 3)
    if results.starts_s:
        start = median(results.starts_s)
        yield _within(results, "start", "start to first 200, default fixtures", start, 0.3, "s")


def _load(results: Results) -> Iterator[Target]:
    biggest = max(results.sizes, key=lambda each: each.profiles, default=None)
    each_bytes = profile_bytes(results.sizes)
    if biggest is None or each_bytes is None:
        return
    part = biggest.profiles / 1_000_000  # the times are for a million
    for where, seconds, took in (
        ("the state", 8 * part, biggest.loaded_s),
        ("fixtures", 15 * part, biggest.seeded_s),
    ):
        what = f"load of {biggest.profiles:,} profiles from {where}"
        yield _within(results, "stored", what, took, seconds, "s")
    kib = each_bytes / _KIB
    yield Target("memory of a stored profile", "≤ 2 KiB", f"{kib:.2f} KiB", kib <= 2)


def _against_peers(results: Results) -> Iterator[Target]:
    mine = next((each for each in results.peers if each.series.server == EMULATOR), None)
    others = [each for each in results.peers if each.series.server not in (EMULATOR, BARE, BARE_WSGI)]
    if mine is None or not others:
        return
    for when, rate in (
        ("right after the start", lambda peer: peer.first.per_second),
        ("all warm", lambda peer: peer.series.middle.per_second),
    ):
        fastest = max(others, key=rate)
        lead, name = rate(mine) / rate(fastest), fastest.series.server
        yield Target(
            f"requests/s over the fastest peer, {when}", "≥ 1.5", f"{lead:.2f} ({name})", lead >= 1.5
        )


def _p99_share(series: Series) -> float:
    return series.middle.p99 / _bare_p99(series)


def _p999_share(series: Series) -> float:
    return series.middle.p999 / _bare_p99(series)


def _bare_p99(series: Series) -> float:
    return median(each.p99 for each in series.beside)


def _label(series: Series) -> str:
    return f"{series.mix}, {series.profiles:,}"
