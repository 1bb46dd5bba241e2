"""``python -m benchmarks.several``: several emulators on one state in PostgreSQL, against one on files."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from pathlib import Path
from statistics import median
from typing import NamedTuple

import click

from benchmarks.load import Load, Pressure, put_load
from benchmarks.mixes import NEW_TOKEN, write_script
from benchmarks.servers import Emulator, processor_seconds
from benchmarks.stored import write_fixtures
from tests.postgres import Postgres, running

_numbers = count(1)


class Case(NamedTuple):
    """One load: so many emulators, clients of each, and whether they share one workspace."""

    title: str
    emulators: int
    clients: int
    state: str = "postgresql"
    shared: bool = True


CASES = (
    Case("files (os), 1 client", 1, 1, "os"),
    Case("files (fsync), 1 client", 1, 1, "fsync"),
    Case("PostgreSQL, 1 client", 1, 1),
    Case("files (os), 32 clients", 1, 32, "os"),
    Case("files (fsync), 32 clients", 1, 32, "fsync"),
    Case("PostgreSQL, 32 clients", 1, 32),
    Case("2 emulators, one workspace", 2, 16),
    Case("2 emulators, own workspaces", 2, 16, shared=False),
    Case("3 emulators, one workspace", 3, 11),
    Case("3 emulators, own workspaces", 3, 11, shared=False),
    Case("4 emulators, one workspace", 4, 8),
)


class Measured(NamedTuple):
    """Requests a second of all emulators; p50 and p99 in milliseconds, p99 of the worst and the best of them;
    CPU microseconds of a request in the emulators and in the database."""

    per_second: float
    p50: float
    p99_best: float
    p99_worst: float
    emulator_us: float
    database_us: float


class Bench:
    """The emulators that are there: on files, and on one database."""

    def __init__(self, folder: Path, stack: ExitStack, postgres: Postgres) -> None:
        self._folder = folder
        self._postgres = postgres
        fixtures = folder / "fixtures"
        write_fixtures(fixtures, 0)
        database = postgres.database()
        self._of = {
            state: [stack.enter_context(Emulator(folder / state, fixtures=fixtures, durability=state))]
            for state in ("os", "fsync")
        }
        most = max(case.emulators for case in CASES)
        self._of["postgresql"] = [
            stack.enter_context(Emulator(folder / f"shared-{i}", fixtures=fixtures, database=database))
            for i in range(most)
        ]

    def measure(self, case: Case, seconds: int) -> Measured:
        """Put the load on, in workspaces of its own."""
        chosen = self._of[case.state][: case.emulators]
        run = f"run-{next(_numbers)}"
        names = [run if case.shared else f"{run}-{i}" for i in range(case.emulators)]
        emulators, database = [one.server.process.pid for one in chosen], [self._postgres.pid]
        before = processor_seconds(emulators), processor_seconds(database)
        with ThreadPoolExecutor(case.emulators) as pool:
            loads = list(
                pool.map(
                    lambda pair: self._load(*pair, case.clients, seconds), zip(chosen, names, strict=True)
                )
            )
        after = processor_seconds(emulators), processor_seconds(database)
        requests = sum(load.requests for load in loads)
        return Measured(
            sum(load.per_second for load in loads),
            median(load.p50 for load in loads),
            min(load.p99 for load in loads),
            max(load.p99 for load in loads),
            (after[0] - before[0]) / requests * 1e6,
            (after[1] - before[1]) / requests * 1e6 if case.state == "postgresql" else 0.0,
        )

    def _load(self, emulator: Emulator, workspace: str, clients: int, seconds: int) -> Load:
        headers = {**NEW_TOKEN.headers, "X-Emulator-Workspace": workspace}
        script = self._folder / f"{workspace}-{emulator.server.port}.lua"
        write_script(replace(NEW_TOKEN, headers=headers), script)
        load = put_load(emulator.server.url, script, Pressure(seconds, clients))
        if not load.clean:
            raise RuntimeError(f"{workspace}: {load}")
        return load


def table(rows: Sequence[tuple[Case, Measured]]) -> str:
    """The measures as Markdown, the rates as parts of that of files (os) with as many clients."""
    base = {case.clients: row.per_second for case, row in rows if case.state == "os"}
    lines = [
        "| load | requests/s | of files | p50 ms | p99 ms, best to worst | CPU µs: emulator, database |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for case, row in rows:
        part = row.per_second / base[1 if case.clients == 1 else 32]
        lines.append(
            f"| {case.title} | {row.per_second:,.0f} | {part:.2f} | {row.p50:.2f} |"
            f" {row.p99_best:.1f} – {row.p99_worst:.1f} | {row.emulator_us:.0f}, {row.database_us:.0f} |"
        )
    return "\n".join(lines)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 20))
@click.option("--seconds", default=3, show_default=True, type=click.IntRange(1, 60))
def main(rounds: int, seconds: int) -> None:
    """Measure every load in each round, and print the medians."""
    with tempfile.TemporaryDirectory() as folder, running() as postgres, ExitStack() as stack:
        bench = Bench(Path(folder), stack, postgres)
        for case in CASES:
            bench.measure(case, 1)
        found = [[bench.measure(case, seconds) for case in CASES] for _ in range(rounds)]
    columns = zip(*found, strict=True)
    medians = [Measured(*map(median, zip(*column, strict=True))) for column in columns]
    click.echo(table(list(zip(CASES, medians, strict=True))))


if __name__ == "__main__":
    main()
