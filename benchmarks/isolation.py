"""What isolation costs: fresh workspaces, resets and idle workspaces; the same of the peers that have it."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from random import Random
from statistics import median, quantiles
from time import perf_counter

import psutil

from benchmarks.quiet import undisturbed
from benchmarks.results import Idle, Results, Timing
from benchmarks.rounds import Plan, Say
from benchmarks.running import Running
from benchmarks.servers import EMULATOR, Emulator, bare_flask, settle
from benchmarks.stored import ONE_DATABASE, firebase_token, write_fixtures

FRESH = "first answer of a fresh workspace"
RESET = "reset after one push"
ROUND_TRIP = "the same push again"
#: How often each operation is timed.
_TIMES = 200
#: How many workspaces stand idle.
_IDLE = 2000
#: The profiles of the large fixtures.
LARGE = 100_000
_DEFAULT_TOKEN = "3LXP2FRcRxJ-7b14db88ec937f14"
_JSON = {"Content-Type": "application/json"}


class Caller:
    """A client with one kept connection."""

    def __init__(self, server: Running) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)

    def call(self, method: str, path: str, body: bytes | None = None) -> float:
        """The milliseconds until the answer is read. Raises :class:`RuntimeError` for a bad answer."""
        since = perf_counter()
        self._connection.request(method, path, body, _JSON)
        answer = self._connection.getresponse()
        found = answer.read()
        took = (perf_counter() - since) * 1000
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: HTTP {answer.status}: {found[:200]!r}")
        return took

    def close(self) -> None:
        self._connection.close()


def measure_isolation(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """Fresh workspaces and resets, with the default fixtures and with large ones; 2,000 idle workspaces."""
    say("isolation:")
    with Emulator(folder / "isolation") as emulator:
        _time(emulator.server, _DEFAULT_TOKEN, "default fixtures", results, say)
    beside = folder / "isolation-bare"
    beside.mkdir()
    with bare_flask(beside) as bare:
        time_calls(bare, {"an answer": ("POST", "/push_subscribe")}, results, say)
    with Emulator(folder / "idle", options=("--max-workspaces", str(_IDLE * 2))) as emulator:
        _idle(emulator.server, results, say)
    own = folder / "isolation-large"
    write_fixtures(own / "fixtures", LARGE)
    with Emulator(own, fixtures=own / "fixtures") as emulator:
        _time(emulator.server, ONE_DATABASE, f"{LARGE:,} profiles", results, say)


def _time(server: Running, token: str, fixtures: str, results: Results, say: Say) -> None:
    settle([server])
    for what, taken in undisturbed(partial(_time_workspaces, server, _push(token))).items():
        add_timing(results, say, EMULATOR, what, fixtures, taken)


def _time_workspaces(server: Running, body: bytes) -> dict[str, list[float]]:
    """The milliseconds of each operation, in workspaces that are deleted at once."""
    caller = Caller(server)  # of its own: a repetition may come after minutes
    caller.call("POST", "/w/warm-up/push_subscribe", body)
    caller.call("POST", "/w/warm-up/__admin/reset")
    times: dict[str, list[float]] = {FRESH: [], ROUND_TRIP: [], RESET: []}
    for number in range(_TIMES):
        # Named anew each time: no workspace is one that there was.
        push = f"/w/run-{number}/push_subscribe"
        times[FRESH].append(caller.call("POST", push, body))
        times[ROUND_TRIP].append(caller.call("POST", push, body))
        times[RESET].append(caller.call("POST", f"/w/run-{number}/__admin/reset"))
        caller.call("DELETE", f"/__admin/workspaces/run-{number}")
    caller.close()
    return times


def add_timing(results: Results, say: Say, server: str, what: str, state: str, taken: list[float]) -> None:
    """Add how long an operation took, in milliseconds, and say it."""
    one = Timing(server, what, state, median(taken), quantiles(taken, n=20)[-1])
    results.timings.append(one)
    say(f"  {server}, {what}, {state}: {one.median_ms:.2f} ms")


def _idle(server: Running, results: Results, say: Say) -> None:
    body, caller = _push(_DEFAULT_TOKEN), Caller(server)
    for number in range(50):  # what the first ones load, the others do not
        caller.call("POST", f"/w/first-{number}/push_subscribe", body)
    settle([server])
    memory, files = server.memory(), _files(server)
    for number in range(_IDLE):
        caller.call("POST", f"/w/idle-{number}/push_subscribe", body)
    caller.close()
    settle([server])
    each = (server.memory() - memory) / _IDLE
    results.idle = Idle(_IDLE, each, _files(server) - files)
    say(f"  {_IDLE:,} idle workspaces: {each / 1024:.1f} KiB each, {results.idle.files} more open files")


def _files(server: Running) -> int:
    return len(psutil.Process(server.process.pid).open_files())


def _push(token: str) -> bytes:
    subscription = {"provider": "android-firebase", "subscription_id": firebase_token(Random(3))}
    return json.dumps({"resource_token": token, "subscriptions": [subscription]}).encode()


def time_calls(server: Running, calls: Mapping[str, tuple[str, str]], results: Results, say: Say) -> None:
    """Time calls of another server: the words for each, its method and path."""
    for what, (method, path) in calls.items():
        taken = undisturbed(partial(_repeat, server, method, path))
        add_timing(results, say, server.name, what, "", taken)


def _repeat(server: Running, method: str, path: str) -> list[float]:
    caller = Caller(server)
    caller.call(method, path)  # connects
    taken = [caller.call(method, path) for _ in range(_TIMES)]
    caller.close()
    return taken
