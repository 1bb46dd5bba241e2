"""One load: wrk with a script, for some seconds, and what it measured."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median

from benchmarks.quiet import watched

#: What the script's ``done`` prints before its JSON line.
RESULT_MARK = "benchmark-result "


class LoadError(Exception):
    """wrk ended with an error or printed no result; the text has what it said."""


@dataclass(frozen=True)
class Load:
    """What one load measured. Latencies are in milliseconds, as the client sees them."""

    requests: int
    seconds: float
    p50: float
    p99: float
    p999: float
    slowest: float
    refused: int  # answers with a status of 400 or more
    broken: int  # connections that failed, bytes that did not come, time-outs
    unexpected: int = 0  # answers with another `error` code than the mix has; counted by warm-ups only
    stolen: float = 0.0  # the share of the processors that the host of a virtual machine took meanwhile

    @property
    def per_second(self) -> float:
        """Requests answered in a second."""
        return self.requests / self.seconds if self.seconds else 0.0

    @property
    def clean(self) -> bool:
        """Whether every request was answered, and with a good status."""
        return self.requests > 0 and not (self.refused or self.broken or self.unexpected)


@dataclass(frozen=True)
class Pressure:
    """How hard a load presses: seconds, connections kept open, and threads of wrk."""

    seconds: int = 5
    connections: int = 8
    threads: int = 1


def put_load(url: str, script: Path, pressure: Pressure) -> Load:
    """Load ``url`` with the wrk script (see :mod:`benchmarks.mixes`). Raises :class:`LoadError`."""
    command = command_of(url, script, pressure)
    ended, stolen = watched(
        partial(subprocess.run, command, capture_output=True, text=True, timeout=pressure.seconds + 60)
    )
    if ended.returncode != 0:
        raise LoadError(
            f"wrk ended with status {ended.returncode}: {(ended.stderr or ended.stdout).strip()[-500:]}"
        )
    return replace(read_result(ended.stdout), stolen=stolen)


def command_of(url: str, script: Path, pressure: Pressure) -> list[str]:
    """The command of such a load."""
    shape = [f"-t{pressure.threads}", f"-c{pressure.connections}", f"-d{pressure.seconds}s"]
    return ["wrk", *shape, "--timeout=20s", "--latency", f"-s{script}", url]


def read_result(output: str) -> Load:
    """The numbers in what wrk printed. Raises :class:`LoadError` if there is no result line."""
    for line in output.splitlines():
        if line.startswith(RESULT_MARK):
            found = json.loads(line[len(RESULT_MARK) :])
            errors = found["errors"]
            return Load(
                requests=int(found["requests"]),
                seconds=found["duration_us"] / 1e6,
                p50=found["p50_us"] / 1e3,
                p99=found["p99_us"] / 1e3,
                p999=found["p999_us"] / 1e3,
                slowest=found["max_us"] / 1e3,
                refused=int(errors["status"]),
                broken=int(errors["connect"] + errors["read"] + errors["write"] + errors["timeout"]),
                unexpected=int(found["unexpected"]),
            )
    raise LoadError(f"wrk printed no result: {output.strip()[-500:]}")


def middle(loads: Sequence[Load]) -> Load:
    """The median of each measure over several loads of a kind; errors are added up: none is lost."""
    return Load(
        requests=round(median(each.per_second for each in loads) * 1000),
        seconds=1000.0,
        p50=median(each.p50 for each in loads),
        p99=median(each.p99 for each in loads),
        p999=median(each.p999 for each in loads),
        slowest=max(each.slowest for each in loads),
        refused=sum(each.refused for each in loads),
        broken=sum(each.broken for each in loads),
        unexpected=sum(each.unexpected for each in loads),
        stolen=max(each.stolen for each in loads),
    )
