"""Other fixtures for all workspaces at once: what requests meanwhile see, and how long they wait."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emulator.loop import pacing
from emulator.loop.pacing import at_once, in_steps
from emulator.rules.model import Database
from emulator.rules.platform import Platform
from emulator.settings import Settings
from emulator.store import editing
from emulator.store.fixture_set import FixtureSet, ProfileEntry
from emulator.workspaces.clock import ClockSetting, WorkspaceClock
from emulator.workspaces.registry import Workspaces
from tests.store.test_long_work import by_turns

MANY = 1500
NOW = "2026-01-01T00:00:00.000Z"


def fixtures(name: str, profiles: int = MANY) -> FixtureSet:
    entries = [ProfileEntry(17, f"p{one}") for one in range(profiles)]
    return FixtureSet([Database(17, name, {})], [], entries)


@pytest.fixture
def found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workspaces]:
    """Workspaces with long work that yields whenever it may."""
    monkeypatch.setattr(pacing, "STEP_S", -1.0)
    monkeypatch.setattr(pacing, "BREAK_S", 0.0)
    settings = Settings(state=tmp_path, workspace_ttl=60)
    now = iter(range(0, 1 << 30, 100))  # every workspace was idle for long
    made = Workspaces(settings, fixtures("Old"), monotonic=lambda: next(now))
    yield made
    made.close()


def test_a_reset_under_way_ends_with_the_new_fixtures(found: Workspaces) -> None:
    one = found.get("one")
    one.set_clock(ClockSetting(frozen_ms=0))

    async def both() -> None:
        reset = asyncio.ensure_future(one.reset_in_steps(["clock"]))  # makes them anew, for its clock
        await asyncio.sleep(0)
        assert await found.use_fixtures(fixtures("New", 1)) == {}
        assert not reset.done()
        await reset

    asyncio.run(both())
    assert [database.name for database in one.store.databases()] == ["New"]


def test_a_workspace_that_is_made_anew_meanwhile_keeps_what_came_to_it(found: Workspaces) -> None:
    found.get("last").store.keep()

    async def both() -> None:
        async with found.default.store.alone():  # the first one that gets the new fixtures
            renewing = asyncio.ensure_future(found.use_fixtures(fixtures("New", 1)))
            while found.fixtures.databases[0].name != "New":
                await asyncio.sleep(0)
            assert found.delete("last")
            editing.add_profile(found.get("last").store, ProfileEntry(17, "pushed"), NOW, str)
        assert await renewing == {}

    asyncio.run(both())
    assert found.get("last").store.find_profile(17, "pushed") is not None


def test_the_state_of_the_fixtures_is_one_where_two_make_it_side_by_side(found: Workspaces) -> None:
    new = fixtures("New")

    async def both() -> list[object]:
        making = [in_steps(found.default.begun_from(new, WorkspaceClock())) for _ in range(2)]
        return list(await asyncio.gather(*making))

    first, second = asyncio.run(both())
    assert first is second is new.shared


def test_nobody_begins_with_fixtures_that_are_not_ready(found: Workspaces, tmp_path: Path) -> None:
    new = fixtures("New")
    former = set(tmp_path.glob("fixtures.json.*.tmp"))

    def unready() -> int:
        written = set(tmp_path.glob("fixtures.json.*.tmp")) - former
        return int(found.fixtures is new and (new.shared is None or not written))

    _, turns, most = by_turns(found.use_fixtures(new), unready)
    assert found.fixtures is new
    assert turns > MANY // 100
    assert most == 0


def test_what_identifies_fixtures_is_found_in_steps(found: Workspaces) -> None:
    digest, turns, _ = by_turns(in_steps(fixtures("New").digest()))
    assert turns >= MANY // 100
    same, renamed, fewer, seen = fixtures("New"), fixtures("Old"), fixtures("New", MANY - 1), fixtures("New")
    seen.platform = Platform("api.example.test", "2026-01-01")
    assert at_once(same.digest()) == digest
    assert len({at_once(one.digest()) for one in (same, renamed, fewer, seen)}) == 4


def test_others_get_their_turn_after_each_workspace(found: Workspaces) -> None:
    for number in range(40):
        found.get(f"w{number}").store.keep()

    def renewed() -> int:
        return sum(one.store.databases()[0].name == "New" for one in found)

    _, _, most = by_turns(found.use_fixtures(fixtures("New")), renewed)
    assert (renewed(), most) == (41, 1)
    _, _, most = by_turns(found.delete_idle([]), lambda: len(found.names()))
    assert (found.names(), most) == (["default"], 1)


def test_where_the_names_cannot_be_read_nothing_has_changed(
    found: Workspaces, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = found.fixtures

    def fail() -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(found, "names", fail)
    with pytest.raises(OSError, match="Input/output error"):
        asyncio.run(found.use_fixtures(fixtures("New")))
    assert found.fixtures is before
    monkeypatch.undo()


def test_a_name_that_was_only_looked_at_answers_as_the_new_platform(found: Workspaces) -> None:
    assert found.look("looked-at").settings.platform is None
    new = fixtures("New")
    new.platform = Platform("api.example.test", "2026-01-01")
    asyncio.run(found.use_fixtures(new))
    assert found.look("looked-at").settings.platform == new.platform


def test_a_stored_workspace_that_is_opened_meanwhile_gets_them_too(found: Workspaces, tmp_path: Path) -> None:
    found.get("last").store.keep()
    found.close()
    again = Workspaces(Settings(state=tmp_path), fixtures("Old"))

    async def both() -> dict[str, str]:
        async with again.default.store.alone():  # the first one that gets the new fixtures
            renewing = asyncio.ensure_future(again.use_fixtures(fixtures("New", 1)))
            while again.fixtures.databases[0].name != "New":
                await asyncio.sleep(0)
            assert again.get("last").store.databases()[0].name == "Old"
        return await renewing

    assert asyncio.run(both()) == {}
    assert again.get("last").store.databases()[0].name == "New"
    again.close()
