"""``python -m benchmarks.import_speed``: how fast a file of new tokens is imported, and with what memory.

Each way of matching starts in a process of its own from a fresh state of the default fixtures, on the disk
(durability ``os``): read the file, rules, state in memory, journal. Rows/s are told by the clock and by the
process's own CPU time. Afterwards a request for one of the tokens must be answered with the bare item (S7),
and a second import of the file must change nothing.
"""

from __future__ import annotations

import csv
import resource
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import NamedTuple

import click
from faker import Factory

from benchmarks.quiet import undisturbed
from benchmarks.results import Results
from benchmarks.rounds import Plan, Say
from emulator.fake import PushTokens
from emulator.fixtures.load import load_fixtures
from emulator.importer.checking import check_plan
from emulator.importer.execution import Import
from emulator.importer.plan import ImportPlan, parse_match
from emulator.importer.report import Description
from emulator.importer.sources import Source
from emulator.rules.decide import decide
from emulator.rules.model import PushRequest, SubscriptionRequest
from emulator.settings import DEFAULT_FIXTURES, Settings
from emulator.workspaces.workspace import Workspace

_RESOURCE = "3LXP2FRcRxJ-7b14db88ec937f14"
_PROVIDER = "android-firebase"
_ROWS = 200_000
_MATCHES = {"push": "push", "id": "id:profile", "field": "field:CustomNumber1=number"}


class Measured(NamedTuple):
    """One import: rows, seconds by the clock and of CPU, MiB resident before and at most."""

    rows: int
    seconds: float
    cpu_s: float
    before_mib: float
    most_mib: float

    def __str__(self) -> str:
        return (
            f"{self.rows / self.seconds:>9,.0f} rows/s  {self.rows / self.cpu_s:>9,.0f} rows/CPU s  "
            f"{self.seconds:6.1f} s  {self.before_mib:5.0f} → {self.most_mib:5.0f} MiB"
        )


def write_table(path: Path, rows: int) -> str:
    """Write a table of new tokens with an id and a number each; the last token."""
    generator = Factory.create()
    generator.seed_instance(7)
    tokens = PushTokens(generator)
    token = ""
    with path.open("w", encoding="ascii", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("profile", "number", "token"))
        for number in range(rows):
            token = tokens.push_token(_PROVIDER)
            writer.writerow((f"{number * 7919:024x}", number + 10_000, token))
    return token


def measure(
    workspace: Workspace, table: Path, match: str, dry_run: bool = False
) -> tuple[Measured, Description]:
    """Import the table. Raises :class:`RuntimeError` if it does not come to its end."""
    plan = ImportPlan(_RESOURCE, _PROVIDER, parse_match(_MATCHES[match]), "token", dry_run=dry_run)
    before, since, cpu = _resident_mib(), perf_counter(), process_time()
    importing = Import(check_plan(plan, Source(table), workspace.store), workspace)
    most = before
    step = 0
    while importing.step():
        step += 1
        if step % 50 == 0:
            most = max(most, _resident_mib())
    seconds, cpu_s = perf_counter() - since, process_time() - cpu
    report = importing.description
    if report.state != "finished" or report.counts["refused"]:
        raise RuntimeError(f"the import {report.state}: {report.problem or report.refusals[:3]}")
    return Measured(report.counts["rows"], seconds, cpu_s, before, max(most, _resident_mib())), report


def import_twice(table: Path, last_token: str, match: str, folder: Path) -> list[str]:
    """Measure an import, and the same again."""
    with _fresh(folder) as workspace:
        first, report = measure(workspace, table, match)
        again, repeated = measure(workspace, table, match)
        if report.counts["added"] != first.rows or repeated.counts["unchanged"] != first.rows:
            raise RuntimeError("not every token was new, or not every one unchanged the second time")
        items = _ask(workspace, last_token)
    return [f"new tokens  {first}", f"again       {again}", f"a request for the last token: {items}"]


def measure_import(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """Rows/s of CPU of an import of new tokens, by the way of matching."""
    say("import:")
    own = folder / "import"
    own.mkdir()
    table = own / "tokens.csv"
    last_token = write_table(table, _ROWS)
    for match in _MATCHES:
        rows = undisturbed(partial(_rows_alone, table, last_token, match, own))
        results.import_rows[match] = rows
        say(f"  {match}: {rows:,.0f} rows/CPU s")


def _rows_alone(table: Path, last_token: str, match: str, folder: Path) -> float:
    """Import once in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as alone, TemporaryDirectory(dir=folder) as own:
        return alone.submit(rows_a_cpu_second, table, last_token, match, Path(own, "state")).result()


def rows_a_cpu_second(table: Path, last_token: str, match: str, folder: Path) -> float:
    """Import once."""
    with _fresh(folder) as workspace:
        measured, _ = measure(workspace, table, match)
        _ask(workspace, last_token)
    return measured.rows / measured.cpu_s


def rehearse(table: Path, last_token: str, match: str, folder: Path) -> list[str]:
    """Measure a dry run."""
    with _fresh(folder) as workspace:
        measured, _ = measure(workspace, table, match, dry_run=True)
    return [f"dry run     {measured}"]


@contextmanager
def _fresh(folder: Path) -> Iterator[Workspace]:
    folder.mkdir()
    settings = Settings(state=folder, min_log_bytes=1 << 30)
    workspace = Workspace("default", settings, load_fixtures(DEFAULT_FIXTURES))
    try:
        yield workspace
    finally:
        workspace.close()


def _ask(workspace: Workspace, token: str) -> Sequence[object]:
    request = PushRequest(_RESOURCE, [SubscriptionRequest(_PROVIDER, token)])
    outcome = decide(request, workspace.store, workspace.settings.policies, workspace.clock, workspace.ids)
    if "subscription_id" in outcome.items[0]:
        raise RuntimeError(f"the imported token is not there: {outcome.items}")
    return outcome.items


def _resident_mib() -> float:
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * resource.getpagesize() / (1 << 20)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20) if sys.platform == "darwin" else peak / 1024


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rows", default=_ROWS, show_default=True, type=click.IntRange(1000, 5_000_000))
@click.option("--only", type=click.Choice(list(_MATCHES)), help="One way of matching.")
def main(rows: int, only: str | None) -> None:
    """Import a table of new tokens with each way of matching, and say how long it took."""
    with TemporaryDirectory() as folder:
        table = Path(folder, "tokens.csv")
        last_token = write_table(table, rows)
        click.echo(f"{rows:,} rows, {table.stat().st_size / (1 << 20):.0f} MiB")
        for match in [only] if only else _MATCHES:
            for part in (import_twice, rehearse):
                with ProcessPoolExecutor(1, get_context("spawn")) as alone:
                    place = Path(folder, f"{match}-{part.__name__}")
                    for line in alone.submit(part, table, last_token, match, place).result():
                        click.echo(f"{match:6} {line}")


if __name__ == "__main__":
    main()
