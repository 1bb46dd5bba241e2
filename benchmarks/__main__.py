"""``python -m benchmarks``: measure, print the tables, write RESULTS.md, results.json and the plots."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import nullcontext
from pathlib import Path
from types import FrameType

import click

from benchmarks.dearest import measure_dearest
from benchmarks.experiments import (
    measure_durability,
    measure_journal,
    measure_peers,
    measure_start,
    measure_stored,
    measure_waiting,
)
from benchmarks.guest_memory import memory_kept
from benchmarks.import_speed import measure_import
from benchmarks.isolation import measure_isolation
from benchmarks.load import LoadError
from benchmarks.long_work import measure_long_work
from benchmarks.machine import describe
from benchmarks.plot import PlotError, draw_long_work, draw_stored
from benchmarks.plugin import measure_plugin
from benchmarks.report import markdown, summary
from benchmarks.results import Results
from benchmarks.rounds import Plan
from benchmarks.running import StartError
from benchmarks.yardstick import beside_bare

PARTS = (
    "start",
    "isolation",
    "plugin",
    "stored",
    "durability",
    "journal",
    "waiting",
    "long",
    "dearest",
    "import",
    "peers",
)
#: Parts whose times are compared with a bare Flask's beside them; :func:`measure_stored` does so by itself.
_TIMED = ("start", "isolation", "plugin", "dearest", "import")
_QUICK = Plan(rounds=1, seconds=2, profiles=(0, 10_000, 100_000), starts=3)
#: What people have to say about the numbers: what limits them, what was tried. It becomes part of the report.
_NOTES = Path(__file__).with_name("NOTES.md")
_FAILURES = (StartError, LoadError, OSError, RuntimeError)


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "push-emulator-peers"


def _parts(context: click.Context, option: click.Parameter, names: str | None) -> tuple[str, ...]:
    if not names:
        return ()
    chosen = tuple(name.strip() for name in names.split(","))
    unknown = [name for name in chosen if name not in PARTS]
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}: choose from {', '.join(PARTS)}")
    return chosen


def _sizes(context: click.Context, option: click.Parameter, sizes: str | None) -> tuple[int, ...]:
    try:
        return tuple(int(size.replace("_", "")) for size in sizes.split(",")) if sizes else ()
    except ValueError as problem:
        raise click.BadParameter("whole numbers, separated by commas") from problem


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--quick", is_flag=True, help="About two minutes: one round, short loads, up to 100,000 profiles."
)
@click.option("--only", callback=_parts, metavar="NAME[,NAME]", help=f"Only these parts: {', '.join(PARTS)}.")
@click.option(
    "--profiles", callback=_sizes, metavar="N[,N]", help="How many profiles are stored, for each step."
)
@click.option("--peers", is_flag=True, help="Install the peers and measure them too.")
@click.option(
    "--peers-dir",
    type=click.Path(path_type=Path),
    default=_cache,
    help="Where the peers are installed: a cache folder.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(__file__).parent,
    help="Where RESULTS.md, results.json and the plots are written.",
)
@click.option("--rounds", type=click.IntRange(1, 20), help="Rounds of each load.")
@click.option("--seconds", type=click.IntRange(1, 60), help="Seconds of each load.")
def main(
    quick: bool,
    only: tuple[str, ...],
    profiles: tuple[int, ...],
    peers: bool,
    peers_dir: Path,
    out: Path,
    rounds: int | None,
    seconds: int | None,
) -> None:
    """Measure what the emulator costs: over stored profiles, by durability, against bare Flask and peers."""
    if shutil.which("wrk") is None:
        raise click.UsageError("the load tool wrk is not installed (Debian: apt-get install wrk)")
    usual = _QUICK if quick else Plan()
    plan = Plan(
        rounds or usual.rounds,
        seconds or usual.seconds,
        profiles=tuple(sorted(profiles or usual.profiles)),
        starts=usual.starts,
    )
    parts = only or tuple(part for part in PARTS if part != "peers" or peers)
    # A stop from outside must unwind, so that no server is left behind.
    signal.signal(signal.SIGTERM, _stop)
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="push-benchmarks-") as temporary, memory_kept():
        folder = Path(temporary)
        results = Results(describe(folder, "peers" in parts), _how(plan, parts))
        _measure(parts, plan, folder, peers_dir.resolve(), results)
    _publish(results, out)
    if results.problems:
        sys.exit(1)


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _how(plan: Plan, parts: tuple[str, ...]) -> dict[str, str]:
    return {
        "loads": f"{plan.rounds} rounds of {plan.seconds} s for each number, {plan.connections} connections, "
        f"{plan.threads} thread of wrk",
        "parts": ", ".join(parts),
    }


def _measure(parts: tuple[str, ...], plan: Plan, folder: Path, peers_dir: Path, results: Results) -> None:
    steps = {
        "start": lambda: measure_start(plan, folder, results, click.echo),
        "isolation": lambda: measure_isolation(plan, folder, results, click.echo),
        "plugin": lambda: measure_plugin(plan, folder, results, click.echo),
        "stored": lambda: measure_stored(plan, folder, results, click.echo),
        "durability": lambda: measure_durability(plan, folder, results, click.echo),
        "journal": lambda: measure_journal(plan, folder, results, click.echo),
        "waiting": lambda: measure_waiting(plan, folder, results, click.echo),
        "long": lambda: measure_long_work(plan, folder, results, click.echo),
        "dearest": lambda: measure_dearest(plan, folder, results, click.echo),
        "import": lambda: measure_import(plan, folder, results, click.echo),
        "peers": lambda: measure_peers(plan, folder, peers_dir, results, click.echo),
    }
    for part in parts:
        timed = beside_bare(part, folder, results, click.echo) if part in _TIMED else nullcontext()
        try:
            with timed:
                steps[part]()
        except _FAILURES as problem:
            results.problems.append(f"{part}: {problem}")
            click.echo(f"PROBLEM: {part}: {problem}", err=True)


def _publish(results: Results, out: Path) -> None:
    pictures = []
    for name, draw in (("stored.png", draw_stored), ("long_work.png", draw_long_work)):
        try:
            draw(results, out / name)
            pictures.append(name)
        except PlotError as problem:
            click.echo(f"no {name}: {problem}", err=True)
    notes = _NOTES.read_text(encoding="utf-8") if _NOTES.is_file() else ""
    text = markdown(results, pictures, notes)
    (out / "RESULTS.md").write_text(text, encoding="utf-8")
    results.write(out / "results.json")
    click.echo(f"\n{text}\n{summary(results)}")


if __name__ == "__main__":
    main()
