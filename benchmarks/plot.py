"""The picture: requests/s and p99 over stored profiles."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
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


def draw(results: Results, file: Path) -> None:
    """Draw the picture into ``file`` (PNG). Raises :class:`PlotError` where that is impossible."""
    if pyplot is None:
        raise PlotError("matplotlib is not installed: pip install '.[bench]'")
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
