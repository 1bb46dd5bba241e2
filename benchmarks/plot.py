"""The pictures: requests/s and p99 over stored profiles; another workspace's p99 beside long work."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.load import Load
from benchmarks.mixes import MIXES
from benchmarks.results import Results, Series
from benchmarks.servers import BARE, EMULATOR

try:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter
except ImportError:
    pyplot = None  # type: ignore[assignment]


class PlotError(Exception):
    """The picture cannot be drawn; the text says why."""


def draw_long_work(results: Results, file: Path) -> None:
    """Draw the p99 beside each kind of long work into ``file`` (PNG). Raises as :func:`draw_stored`."""
    _need_matplotlib()
    work = results.long_work
    if not work:
        raise PlotError("this run measured no long work")
    names = ["nothing", *[one.kind for one in work]]
    values = [median(one.quiet.p99 for one in work), *[one.load.p99 for one in work]]
    figure, axes = pyplot.subplots(figsize=(9, 4.2), layout="constrained")
    bars = axes.barh(names[::-1], values[::-1], color="#4a7ab0")
    axes.bar_label(bars, fmt="%.1f", padding=3)
    axes.axvline(20, color="black", linestyle="--", linewidth=1)
    axes.set_title(f"p99 of another workspace, ms, while one of {work[0].profiles:,} profiles …")
    axes.set_xlim(left=0, right=max(22, max(values) * 1.1))
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(file, dpi=130)
    pyplot.close(figure)


def _need_matplotlib() -> None:
    if pyplot is None:
        raise PlotError("matplotlib is not installed: pip install '.[bench]'")


def draw_stored(results: Results, file: Path) -> None:
    """Draw requests/s and p99 over stored profiles into ``file`` (PNG).

    Raises :class:`PlotError` where that is impossible.
    """
    _need_matplotlib()
    emulator = [each for each in results.stored if each.server == EMULATOR]
    sizes = sorted({each.profiles for each in emulator if each.profiles is not None})
    if not sizes:
        raise PlotError("this run measured nothing over stored profiles")
    bare = [each for each in results.stored if each.server == BARE]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    _panel(left, "requests/s", emulator, bare, sizes, lambda load: load.per_second)
    _panel(right, "p99, ms", emulator, bare, sizes, lambda load: load.p99)
    left.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    handles, labels = left.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False)
    figure.savefig(file, dpi=130)
    pyplot.close(figure)


def _panel(
    axes: Any,
    title: str,
    emulator: list[Series],
    bare: list[Series],
    sizes: list[int],
    value: Callable[[Load], float],
) -> None:
    # Even steps, not to scale: none has no place on a logarithmic axis.
    places = range(len(sizes))
    for mix in MIXES:
        by_size = {each.profiles: value(each.middle) for each in emulator if each.mix == mix.name}
        if by_size:
            axes.plot(
                places, [by_size.get(size) for size in sizes], marker="o", linewidth=1.8, label=mix.title
            )
    if bare:
        level = sum(value(each.middle) for each in bare) / len(bare)
        axes.axhline(level, color="black", linestyle="--", linewidth=1, label="bare Flask, same server")
    axes.set_xticks(places, [f"{size:,}" for size in sizes])
    axes.set_xlabel("stored profiles")
    axes.set_title(title)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
