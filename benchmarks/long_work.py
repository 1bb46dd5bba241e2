"""Long work in one workspace, and what another one notices of it."""

from __future__ import annotations

import http.client
import json
import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Event
from time import perf_counter, sleep

from benchmarks.load import Load, middle, put_load
from benchmarks.mixes import NEW_TOKEN, write_script
from benchmarks.quiet import quietest
from benchmarks.results import LongWork, Results
from benchmarks.rounds import Plan, Say
from benchmarks.running import Running
from benchmarks.servers import Emulator, fill_journal, settle
from benchmarks.stored import FIELD, ONE_DATABASE, firebase_token, write_fixtures

#: The workspace that is measured gets the usual request for a new token.
_MIX = replace(NEW_TOKEN, headers={**NEW_TOKEN.headers, "X-Emulator-Workspace": "other"})
_BOUNDARY = "a-file-of-tokens"
_ROWS = 100_000
#: Loads before the work, and as many after it, that say what the rate is without it.
_QUIET_LOADS = 3


@dataclass(frozen=True)
class _Kind:
    """One kind of work. ``again``: it is repeated as long as the load lasts."""

    name: str
    work: Callable[[Running], object]
    again: bool = False


def measure_long_work(plan: Plan, folder: Path, results: Results, say: Say) -> None:
    """New tokens in one workspace while another one with the most profiles does each kind of long work."""
    profiles = max(plan.profiles)
    say(f"another workspace's requests beside long work with {profiles:,} profiles:")
    own = folder / "long-work"
    write_fixtures(own / "fixtures", 0)
    document = _snapshot(own, profiles)
    with Emulator(own, fixtures=own / "fixtures") as emulator:
        _call(emulator.server, "PUT", "/__admin/snapshot", document)
        fill_journal(emulator.server, "busy")
        beside = _Beside(emulator, plan, own, profiles, results, say)
        for kind in _kinds(document):
            if kind.name == "opens":
                emulator.restart()
                _call(emulator.server, "GET", "/__admin/profiles?limit=1", workspace="other")
            beside.measure(kind)
    # A reset brings back the fixtures, so these have as many profiles.
    with Emulator(folder / "long-reset", fixtures=own / "large") as emulator:
        _call(emulator.server, "DELETE", "/__admin/databases/34?cascade=true")
        _Beside(emulator, plan, own, profiles, results, say).measure(
            _Kind("resets", lambda server: _call(server, "POST", "/__admin/reset"), again=True)
        )


class _Beside:
    """The load of one workspace beside another one's work."""

    def __init__(
        self, emulator: Emulator, plan: Plan, folder: Path, profiles: int, results: Results, say: Say
    ) -> None:
        self._emulator, self._plan, self._folder = emulator, plan, folder
        self._profiles, self._results, self._say = profiles, results, say

    def measure(self, kind: _Kind) -> None:
        """The load beside one kind of work, and just before and after it."""
        server = self._emulator.server
        before = self._quiet()
        with _doing(kind, server) as took:
            load = quietest(self._load) if kind.again else self._load_until(took)
        quiet = middle([*before, *self._quiet()])
        one = LongWork(kind.name, self._profiles, took[0], load, quiet)
        self._results.long_work.append(one)
        self._say(
            f"  {one.kind} ({one.seconds:.2f} s): {load.per_second:,.0f}/s, {one.ratio:.2f} of the quiet rate"
            f", p99 {load.p99:.2f} ms, slowest {load.slowest:.1f} ms"
        )
        if not load.clean:
            self._results.problems.append(f"beside a workspace that {one.kind}: {load.refused} bad answers")

    def _quiet(self) -> list[Load]:
        settle([self._emulator.server])
        return [quietest(self._load) for _ in range(_QUIET_LOADS)]

    def _load_until(self, took: Sequence[float]) -> Load:
        """Loads until the work is done, as one; of the last one, which may outlast it, only the slowest."""
        loads = [self._load()]
        while not took:
            loads.append(self._load())
        return replace(middle(loads[:-1] or loads), slowest=max(one.slowest for one in loads))

    def _load(self) -> Load:
        script = write_script(_MIX, self._folder / "load.lua")
        return put_load(self._emulator.server.url, script, self._plan.pressure())


def _kinds(document: bytes) -> Iterator[_Kind]:
    """Every kind; the last one leaves nothing to work on."""
    table, texts = _form(), json.dumps({"fields": {FIELD: "string"}}).encode()
    missed = json.dumps({"match": {"subscription_id": "nobody"}}).encode()
    yield _Kind(
        "searches a full journal", lambda server: _call(server, "GET", "/__admin/requests?q=nobody"), True
    )
    yield _Kind(
        "verifies in vain",
        lambda server: _call(server, "POST", "/__admin/requests/verify", missed, good=(422,)),
        True,
    )
    yield _Kind("opens", lambda server: _call(server, "GET", "/__admin/profiles?limit=1"))
    yield _Kind("exports", lambda server: _call(server, "GET", "/__admin/snapshot"), again=True)
    yield _Kind("restores", lambda server: _call(server, "PUT", "/__admin/snapshot", document), again=True)
    yield _Kind("imports", lambda server: _import(server, table), again=True)
    yield _Kind(
        "changes a field's type", lambda server: _call(server, "PATCH", "/__admin/databases/17", texts)
    )
    yield _Kind(
        "deletes a database", lambda server: _call(server, "DELETE", "/__admin/databases/17?cascade=true")
    )


@contextmanager
def _doing(kind: _Kind, server: Running) -> Iterator[list[float]]:
    """Do the work beside what is inside; at the end the list has the seconds that the first time took."""
    took: list[float] = []
    over = Event()

    def work() -> None:
        while not took or (kind.again and not over.is_set()):
            begun = perf_counter()
            kind.work(server)
            took.append(perf_counter() - begun)

    with ThreadPoolExecutor(1) as beside:
        working = beside.submit(work)
        try:
            yield took
        finally:
            over.set()
        working.result()


def _call(
    server: Running,
    method: str,
    path: str,
    body: bytes | None = None,
    kind: str = "",
    workspace: str = "busy",
    good: tuple[int, ...] = (200, 201, 202, 204),
) -> bytes:
    """The body of a good answer. Raises :class:`RuntimeError` for a bad one."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=600)
    try:
        connection.request(
            method, f"/w/{workspace}{path}", body, {"Content-Type": kind or "application/json"}
        )
        answer = connection.getresponse()
        found = answer.read()
    finally:
        connection.close()
    if answer.status not in good:
        raise RuntimeError(f"{method} {path}: HTTP {answer.status}: {found[:200]!r}")
    return found


def _import(server: Running, form: bytes) -> None:
    sent = _call(server, "POST", "/__admin/import", form, f"multipart/form-data; boundary={_BOUNDARY}")
    path = f"/__admin/imports/{json.loads(sent)['id']}"
    while json.loads(_call(server, "GET", path))["state"] == "running":
        sleep(0.05)


def _form() -> bytes:
    chance = random.Random(11)
    plan = {
        "resource": ONE_DATABASE,
        "provider": "android-firebase",
        "match": "push",
        "token_column": "token",
    }
    lines = "\n".join(["token", *(firebase_token(chance) for _ in range(_ROWS)), ""])
    parts = (("plan", "", json.dumps(plan)), ("file", '; filename="tokens.csv"', lines))
    head = "".join(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n{text}\r\n'
        for name, more, text in parts
    )
    return f"{head}--{_BOUNDARY}--\r\n".encode()


def _snapshot(folder: Path, profiles: int) -> bytes:
    """A workspace with so many profiles as one document."""
    write_fixtures(folder / "large", profiles)
    names = ("databases", "resources", "profiles")
    members = [b'"%s":%s' % (one.encode(), (folder / "large" / f"{one}.json").read_bytes()) for one in names]
    return b'{"format":1,' + b",".join(members) + b"}"
