"""Reads and writes over all emulators happen one after the other, whatever is killed meanwhile."""

from __future__ import annotations

import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from math import inf
from pathlib import Path
from random import Random
from time import monotonic

import pytest

from tests.postgres import Postgres
from tests.shared_state import Emulator, Line, emulators
from tests.shared_state.linearizable import Call, is_linearizable
from tests.waiting import until

CLIENTS, EACH, REGISTERS = 6, 50, 3
HISTORIES = {
    "write, then read": ([Call(0, 1, True, 1), Call(2, 3, False, 1)], True),
    "an old value": ([Call(0, 1, True, 1), Call(2, 3, False, 0)], False),
    "during a write either": ([Call(0, 5, True, 1), Call(1, 2, False, 0), Call(3, 4, False, 1)], True),
    "back again": ([Call(0, 5, True, 1), Call(1, 2, False, 1), Call(3, 4, False, 0)], False),
    "a write without answer that happened": ([Call(0, inf, True, 1), Call(2, 3, False, 1)], True),
    "a write without answer that did not": ([Call(0, inf, True, 1), Call(2, 3, False, 0)], True),
    "happened late": (
        [Call(0, inf, True, 1), Call(2, 3, False, 0), Call(4, 5, False, 1), Call(6, 7, False, 1)],
        True,
    ),
    "happened and is gone": ([Call(0, inf, True, 1), Call(2, 3, False, 1), Call(4, 5, False, 0)], False),
    "two orders": (
        [Call(0, 9, True, 1), Call(0, 9, True, 2), Call(1, 2, False, 2), Call(3, 4, False, 1)],
        True,
    ),
    "two orders at once": (
        [
            *(Call(0, 1, True, 1), Call(0, 1, True, 2)),
            *(Call(2, 3, False, 2), Call(2, 3, False, 1)),
        ],
        False,
    ),
}


@pytest.mark.parametrize("name", HISTORIES)
def test_the_checker_tells_what_can_have_happened(name: str) -> None:
    calls, expected = HISTORIES[name]
    assert is_linearizable(calls, 0) is expected


def test_reads_and_writes_happen_one_after_the_other(postgres: Postgres, tmp_path: Path) -> None:
    histories: dict[str, list[Call]] = defaultdict(list)
    lost: list[object] = []
    ended = threading.Event()

    def be_a_client(number: int) -> None:
        random = Random(number)
        for turn in range(EACH):
            line = Line(random.choice(running).url)
            profile = random.choice(profiles)
            path = f"/__admin/profiles/17/{profile}"
            writes, value, start = random.random() < 0.5, number * 1000 + turn, monotonic()
            document = {"fields": {"CustomNumber1": value}} if writes else None
            answer = line.call("PATCH" if writes else "GET", path, document)
            line.close()
            if answer is None or answer[0] != 200:
                lost.append(answer)
                assert answer is None or answer[0] == 503, answer
                end = inf
            else:
                end, value = monotonic(), answer[1]["fields"]["CustomNumber1"]
            histories[profile].append(Call(start, end, writes, value))

    def kill_some() -> None:
        while not ended.is_set():
            before = _count(histories)
            until(lambda before=before: ended.is_set() or _count(histories) > before + 70, every_s=0.005)
            victim = Random(before).choice(running[1:])
            victim.kill()
            victim.start()

    with emulators(tmp_path, postgres.database()) as running:
        profiles = [_register(running[0]) for _ in range(REGISTERS)]
        with ThreadPoolExecutor(CLIENTS + 1) as pool:
            killing = pool.submit(kill_some)
            try:
                list(pool.map(be_a_client, range(CLIENTS)))
            finally:
                ended.set()
            killing.result()
    assert sum(map(len, histories.values())) == CLIENTS * EACH
    assert len(lost) < CLIENTS * EACH / 2
    for calls in histories.values():
        assert is_linearizable(calls, 0), sorted(calls)


def _count(histories: dict[str, list[Call]]) -> int:
    return sum(map(len, list(histories.values())))


def _register(emulator: Emulator) -> str:
    made = emulator.post("/__admin/profiles", {"db_id": 17, "fields": {"CustomNumber1": 0}})
    assert made.status == 201, made.body
    found: str = made.json["id"]
    return found
