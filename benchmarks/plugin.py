"""What the pytest plugin costs: per test, for the first test, and for a run that does not use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks.results import Plugin, Results
from benchmarks.rounds import Plan, Say
from benchmarks.servers import ROOT

#: The tests of the long run and of the short one; how often each is made.
_TESTS, _FEW, _RUNS = 300, 20, 11
_TEST = "import pytest\n@pytest.mark.parametrize('n', range({tests}))\ndef test_one(n{fixture}): pass\n"


def measure_plugin(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """Whole runs of pytest, in turns: without the plugin, beside it, with one test that uses it and many.

    No other plugin is loaded: they take several times as long, and stray by more than this one takes.
    """
    say("pytest plugin:")
    own = folder / "plugin"
    own.mkdir()
    used, unused = ", push_emulator", ""
    files = {
        (fixture, tests): _write(own / f"test_{'used' if fixture else 'unused'}_{tests}.py", fixture, tests)
        for fixture in (used, unused)
        for tests in (1, _FEW, _TESTS)
    }
    found = Plugin()
    for _ in range(_RUNS):
        without = _run(files[unused, 1], plugin=False)
        beside = _run(files[unused, 1])
        first = _run(files[used, 1])
        few = _run(files[used, _FEW]) - _run(files[unused, _FEW])
        many = _run(files[used, _TESTS]) - _run(files[unused, _TESTS])
        found.unused_s.append(beside - without)
        found.first_s.append(first - beside)
        # Not from the first test on: the first admin call of a run waits until the server has loaded Flask.
        found.per_test_ms.append((many - few) / (_TESTS - _FEW) * 1000)
    results.plugin = found
    say(
        f"  a test {median(found.per_test_ms):.2f} ms, the first {median(found.first_s):.2f} s, "
        f"not used {median(found.unused_s):.3f} s"
    )


def _write(file: Path, fixture: str, tests: int) -> Path:
    file.write_text(_TEST.format(fixture=fixture, tests=tests))
    return file


def _run(file: Path, plugin: bool = True) -> float:
    loaded = ["-p", "push_emulator.pytest_plugin"] if plugin else []
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *loaded, str(file)]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "", "PYTHONPATH": str(ROOT)}
    environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    since = perf_counter()
    subprocess.run(
        command, cwd=file.parent, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=120
    )
    return perf_counter() - since
