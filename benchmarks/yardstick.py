"""The machine's speed while something is timed: the rate of a bare Flask just before and just after it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.load import Load, Pressure, middle, put_load
from benchmarks.mixes import NEW_TOKEN, write_script
from benchmarks.quiet import quietest
from benchmarks.results import Results
from benchmarks.rounds import Say
from benchmarks.servers import bare_flask

#: One load, and the one before it, with which the server warms up.
_LOAD, _WARM_UP = Pressure(2, 8, 1), Pressure(1, 8, 1)


@contextmanager
def beside_bare(part: str, folder: Path, results: Results, say: Say) -> Iterator[None]:
    """Time inside what belongs to this part of the results."""
    before = _rate(folder / f"bare-before-{part}")
    yield
    rate = middle([before, _rate(folder / f"bare-after-{part}")]).per_second
    results.bare_rates[part] = rate
    say(f"  beside it, a bare Flask: {rate:,.0f}/s")


def _rate(folder: Path) -> Load:
    with bare_flask(folder) as server:
        script = write_script(NEW_TOKEN, folder / "load.lua")
        put_load(server.url, script, _WARM_UP)
        return quietest(lambda: put_load(server.url, script, _LOAD))
