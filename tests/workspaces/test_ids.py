"""Profile ids: shaped like ObjectIds, never the same one twice, with a seed the same in every run."""

from __future__ import annotations

import re

from emulator.workspaces.clock import ClockSetting, WorkspaceClock
from emulator.workspaces.ids import ObjectIds

SECOND = 1_769_860_800


def clock_at(second: int) -> WorkspaceClock:
    return WorkspaceClock(ClockSetting(second * 1000))


def some(ids: ObjectIds, count: int = 5) -> list[str]:
    return [ids.profile_id() for _ in range(count)]


def test_24_lower_case_hex_digits() -> None:
    for profile_id in [*some(ObjectIds(WorkspaceClock())), *some(ObjectIds(WorkspaceClock(), seed=1))]:
        assert re.fullmatch("[0-9a-f]{24}", profile_id)


def test_time_process_counter() -> None:
    first, second = some(ObjectIds(clock_at(SECOND)), 2)
    assert first[:8] == second[:8] == f"{SECOND:08x}"
    assert first[8:18] == second[8:18]
    assert (int(first[18:], 16) + 1) % (1 << 24) == int(second[18:], 16)


def test_no_id_twice() -> None:
    ids = ObjectIds(WorkspaceClock(), seed=7)
    assert len(set(some(ids, 10_000))) == 10_000


def test_a_seed_makes_the_same_ids_in_every_run() -> None:
    assert some(ObjectIds(WorkspaceClock(), seed=42)) == some(ObjectIds(WorkspaceClock(), seed=42))
    assert some(ObjectIds(WorkspaceClock(), seed=42)) != some(ObjectIds(WorkspaceClock(), seed=43))


def test_without_a_seed_no_two_runs_are_alike() -> None:
    assert some(ObjectIds(clock_at(SECOND))) != some(ObjectIds(clock_at(SECOND)))


def test_with_a_seed_the_next_id_depends_on_how_many_profiles_there_were() -> None:
    whole = some(ObjectIds(WorkspaceClock(), seed=42), 8)
    assert some(ObjectIds(WorkspaceClock(), seed=42).after(5), 3) == whole[5:]


def test_without_a_seed_an_id_that_was_given_out_never_comes_again() -> None:
    ids = ObjectIds(clock_at(SECOND))
    assert len({ids.after(5).profile_id() for _ in range(100)}) == 100


def test_the_counter_wraps() -> None:
    ids = ObjectIds(WorkspaceClock(), seed=42).after((1 << 24) - 1)
    ids.profile_id()
    assert some(ids) == some(ObjectIds(WorkspaceClock(), seed=42))
