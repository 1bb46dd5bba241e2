"""``python -m tests.contract [EXAMPLES] [--seed N]``: 1,000 examples an operation unless said otherwise.

schemathesis makes its examples in one thread, so the operations are shared out among processes, one subject
(an OpenAPI tag) at a time, each against a server of its own; the stateful phase, which goes from one subject
to another by links, is a part by itself. All of the phases and checks are schemathesis' defaults.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import count
from pathlib import Path
from typing import NamedTuple

from emulator.web.openapi.document import openapi_document
from tests.contract.running import check

_ALONE = ("--phases", "examples,coverage,fuzzing")
_CASES = re.compile(r"^  (\d+) generated", re.MULTILINE)
_SCENARIOS = re.compile(r"^     Scenarios: +(\d+)", re.MULTILINE)
_DROPPED = re.compile(r"^Filtered: (\d+)", re.MULTILINE)


class Part(NamedTuple):
    """What one process runs: its name, how many operations it has, the options that choose them."""

    name: str
    operations: int
    options: tuple[str, ...]


class Outcome(NamedTuple):
    """What came of a part: all that schemathesis wrote, and the seconds it took."""

    part: Part
    failed: bool
    output: str
    took_s: float

    @property
    def cases(self) -> int:
        return sum(map(int, _CASES.findall(self.output)))

    @property
    def scenarios(self) -> int:
        return sum(map(int, _SCENARIOS.findall(self.output)))

    @property
    def dropped(self) -> int:
        return sum(map(int, _DROPPED.findall(self.output)))

    def __str__(self) -> str:
        said = "FAILED" if self.failed else "passed"
        what = f"{self.part.operations} operations, {self.cases:,} cases in {self.took_s:.0f} s"
        what += f", {self.scenarios:,} scenarios" if self.scenarios else ""
        return f"{self.part.name:<15} {said}  {what}; {self.dropped:,} refusals beyond schemas"


def parts() -> list[Part]:
    """The parts of a whole run, the longest first."""
    paths = openapi_document()["paths"].values()
    tags = [operation["tags"][0] for methods in paths for operation in methods.values()]
    return [
        Part("stateful", len(tags), ("--phases", "stateful")),
        *(Part(tag, tags.count(tag), ("--include-tag", tag, *_ALONE)) for tag in dict.fromkeys(tags)),
    ]


def run(part: Part, examples: int, seed: int, options: list[str]) -> Outcome:
    """Run one part to its end.

    The stateful phase gives up, and says that all is well, as soon as a scenario that it plays again meets
    another state. So it is begun again, with the next seed and a fresh server, up to the wanted scenarios.
    """
    started = time.monotonic()
    output, failed, scenarios = "", False, 0
    for turn in count(seed):
        with tempfile.TemporaryDirectory() as folder:
            chosen = (*part.options, "--seed", str(turn), *options)
            done = check(Path(folder), examples, *chosen, patience_s=None)
        output += done.stdout + done.stderr
        failed = done.returncode != 0
        played = sum(map(int, _SCENARIOS.findall(done.stdout)))
        scenarios += played
        if failed or not played or scenarios >= examples:
            break
    return Outcome(part, failed, output, time.monotonic() - started)


def outcomes(examples: int, seed: int, processes: int, options: list[str]) -> Iterator[Outcome]:
    """The outcomes of all parts, as they come."""
    with ThreadPoolExecutor(processes) as pool:
        running = [pool.submit(run, part, examples, seed, options) for part in parts()]
        yield from (one.result() for one in as_completed(running))


def main() -> int:
    """Run all parts, say what came of each; 1 if any failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__)
    parser.add_argument("examples", nargs="?", type=int, default=1000, help="for each operation")
    parser.add_argument("--seed", type=int, default=random.getrandbits(64), help="repeats a run")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    asked, options = parser.parse_known_args()
    print(f"{asked.examples:,} examples for each operation, --seed {asked.seed}", flush=True)
    started = time.monotonic()
    ended = []
    for outcome in outcomes(asked.examples, asked.seed, asked.processes, options):
        ended.append(outcome)
        if outcome.failed:
            print(outcome.output)
        print(outcome, flush=True)
    failed = [outcome.part.name for outcome in ended if outcome.failed]
    operations = next(outcome.part.operations for outcome in ended if outcome.part.name == "stateful")
    print(
        f"{operations} operations, {sum(outcome.cases for outcome in ended):,} cases, "
        f"{'failed: ' + ', '.join(failed) if failed else 'no failures'}, "
        f"{(time.monotonic() - started) / 60:.0f} minutes, --seed {asked.seed}"
    )
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
