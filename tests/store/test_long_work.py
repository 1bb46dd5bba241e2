"""Long work stops nobody: it is done a few documents at a time, and still whole or not at all."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from errno import ENOSPC
from pathlib import Path
from typing import Any, TypeVar

import pytest
from msgspec.structs import replace

from emulator.loop import pacing
from emulator.loop.pacing import at_once
from emulator.loop.shared_loop import SharedLoop
from emulator.rules import keys
from emulator.rules.model import Changes, Database, FieldType, Resource
from emulator.settings import Settings
from emulator.store import configuring
from emulator.store.errors import Unavailable
from emulator.store.fixture_set import FixtureSet, ProfileEntry, SubscriptionEntry, give_hash_ids
from emulator.store.generations import Generations
from emulator.store.recovery import find_logs, log_path, recovering
from emulator.store.state import STEP, Op, State, TableSpec
from emulator.store.storage import LoggedStorage
from emulator.store.tables import SPECS
from emulator.store.tinydb_store import TinyDBStore, made_from
from emulator.workspaces.workspace import Workspace

T = TypeVar("T")
MANY = 1500
ONE = "android-firebase"


def entries() -> Iterator[ProfileEntry]:
    for number in range(MANY):
        own = [SubscriptionEntry(5, ONE, f"token-{number}")]
        yield ProfileEntry(17, f"p{number}", {"n": number}, own)


def fixture_set() -> FixtureSet:
    return FixtureSet(
        [Database(17, "Main", {"n": FieldType("int")}), Database(34, "Shop", {})],
        [Resource(5, "App", "secret", [17])],
        list(entries()),
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    made = Workspace("default", Settings(state=tmp_path), fixture_set())
    yield made
    made.close()


def counts(store: TinyDBStore) -> tuple[int, int]:
    return store.profile_count, store.subscription_count


def by_turns(work: Awaitable[T], look: Callable[[], int] = lambda: 0) -> tuple[T, int, int]:
    """What ``work`` returns, how many turns others got meanwhile, and how much they saw change at most."""

    async def run() -> tuple[T, int, int]:
        task = asyncio.ensure_future(work)
        turns, most, before = 0, 0, look()
        while not task.done():
            await asyncio.sleep(0)
            now = look()
            turns, most, before = turns + 1, max(most, abs(now - before)), now
        return task.result(), turns, most

    return asyncio.run(run())


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step is over whenever that is asked."""
    monkeypatch.setattr(pacing, "STEP_S", -1.0)
    monkeypatch.setattr(pacing, "BREAK_S", 0.0)


# Between two moments at which others may work


def test_a_state_is_opened_a_few_hundred_documents_at_a_time(tmp_path: Path) -> None:
    decoded = 0

    def decode(document: bytes) -> Any:
        nonlocal decoded
        decoded += 1
        return json.loads(document)

    specs = {"people": TableSpec(["name"], lambda one: [("name", one["name"])], decode)}
    storage = LoggedStorage(tmp_path / "default.json", specs)
    storage.commit([Op("people", i, b'{"name":"%d","more":"%0200d"}' % (i, i)) for i in range(1, MANY + 1)])
    storage.close()
    storage = LoggedStorage(tmp_path / "default.json", specs)
    storage.commit([Op("people", i, None) for i in range(1, MANY + 1)])
    storage.discard()
    decoded = before = most = 0
    for _ in recovering(tmp_path / "default.json", specs):
        most, before = max(most, decoded - before), decoded
    assert before > MANY
    assert most < 400


def test_a_state_is_made_from_fixtures_a_hundred_profiles_at_a_time() -> None:
    read = before = most = 0

    def counted() -> Iterator[ProfileEntry]:
        nonlocal read
        for one in entries():
            read += 1
            yield one

    fixtures = fixture_set()
    fixtures.profiles = counted()
    for _ in made_from(fixtures, "2026-01-01T00:00:00.000Z", str):
        most, before = max(most, read - before), read
    assert (read, most) == (MANY, STEP)


@pytest.mark.parametrize("digits", [8, 3, 2])
def test_a_state_made_in_steps_is_the_one_that_is_made_profile_by_profile(
    monkeypatch: pytest.MonkeyPatch, digits: int
) -> None:
    monkeypatch.setattr(keys, "HASH_DIGITS", digits)  # with two of them most keys share them with others
    fixtures = fixture_set()
    for number, one in enumerate(entries()):
        again = SubscriptionEntry(5, ONE, f"token-{number // 700}", "unsubscribed")  # on many profiles
        fixtures.profiles += [replace(one, id=f"more-{number}", subscriptions=[again])]
    now = "2026-01-01T00:00:00.000Z"
    made = at_once(made_from(fixtures, now, str))
    slowly = TinyDBStore(None, "none")
    slowly.storage.commit([Op(name, None, b"{}") for name in SPECS])
    for (profile,), subscriptions in fixtures.records(now, str, 1):
        give_hash_ids(slowly, subscriptions)
        slowly.apply(Changes([profile], subscriptions))
    for name in ("profiles", "subscriptions"):
        one, other = made.storage.state.tables[name], slowly.storage.state.tables[name]
        assert dict(one.documents) == dict(other.documents)
        assert one.last_id == other.last_id == 2 * MANY
        for index in one.indexes:
            assert dict(one.indexes[index].entries()) == dict(other.indexes[index].entries())


def test_a_transaction_of_many_steps_is_carried_out_a_hundred_at_a_time() -> None:
    state = State({})
    most = before = 0
    for _ in state.applying([Op("people", i, b"{}") for i in range(1, MANY + 1)]):
        now = len(state.table("people").documents)
        most, before = max(most, now - before), now
    assert len(state.table("people").documents) == MANY
    assert most == STEP


@pytest.mark.usefixtures("no_time")
def test_a_database_is_deleted_a_hundred_documents_at_a_time(workspace: Workspace) -> None:
    store = workspace.store
    work = configuring.delete_database(store, store.database(17), cascade=True)
    _, turns, most = by_turns(work, lambda: sum(counts(store)))
    assert counts(store) == (0, 0)
    assert most <= STEP
    assert turns > 2 * MANY // STEP


@pytest.mark.usefixtures("no_time")
def test_others_get_their_turn_while_a_fields_type_changes(workspace: Workspace) -> None:
    store = workspace.store
    work = configuring.change_database(store, store.database(17), None, {"n": FieldType("string")})
    _, turns, _ = by_turns(work)
    assert len(store.find_by_field(17, "n", "7")) == 1
    assert turns > MANY // STEP


@pytest.mark.usefixtures("no_time")
def test_others_get_their_turn_while_a_table_is_walked(workspace: Workspace) -> None:
    async def walk() -> int:
        return len([doc_id async for doc_id, _ in workspace.store.profiles.walk()])

    walked, turns, _ = by_turns(walk())
    assert walked == MANY
    assert turns > MANY // STEP


@pytest.mark.usefixtures("no_time")
def test_others_get_their_turn_while_a_workspace_is_reset(workspace: Workspace) -> None:
    profile = workspace.store.find_profile(17, "p1")
    assert profile is not None
    workspace.store.delete_profile(profile)
    workspace.fixtures = fixture_set()  # others, which nobody has begun with yet
    _, turns, _ = by_turns(workspace.reset_in_steps())
    assert counts(workspace.store) == (MANY, MANY)
    assert turns >= MANY // STEP


def test_a_reset_to_fixtures_that_are_in_use_takes_no_step_a_profile(workspace: Workspace) -> None:
    profile = workspace.store.find_profile(17, "p1")
    assert profile is not None
    workspace.store.delete_profile(profile)
    _, turns, _ = by_turns(workspace.reset_in_steps())
    assert counts(workspace.store) == (MANY, MANY)
    assert turns < 10


@pytest.mark.parametrize("work", ["a snapshot in the background", "another state"])
def test_a_thread_that_writes_a_state_rests_each_two_hundred_documents_while_others_ask(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    storage = workspace.store.storage
    storage.keep()
    loop = SharedLoop()
    rests = []

    def a_millisecond_later() -> float:
        loop.visits += 1  # somebody asks all the time
        return loop.visits / 1000

    monkeypatch.setattr(pacing, "thread_time", a_millisecond_later)
    monkeypatch.setattr(pacing, "sleep", rests.append)

    async def write() -> None:
        if work == "another state":
            await storage.replace(storage.state.fork())
        else:
            storage.snapshot()
            while any(one.name == "snapshot" for one in threading.enumerate()):
                await asyncio.sleep(0.001)

    with closing(loop):
        loop.run_until_complete(write())
    assert storage.failure is None
    assert len(rests) > 2 * MANY // 200
    assert min(rests) >= 0.001


# Whole or not at all


def test_a_long_change_that_the_disk_refuses_is_undone_in_memory_and_on_disk(tmp_path: Path) -> None:
    workspace = Workspace("default", Settings(state=tmp_path), fixture_set())
    store = workspace.store
    store.keep()
    in_the_way = log_path(tmp_path / "default.json", max(find_logs(tmp_path / "default.json")) + 1)
    in_the_way.write_text("somebody else's")
    with pytest.raises(Unavailable, match="another file"):
        by_turns(configuring.delete_database(store, store.database(17), cascade=True))
    with pytest.raises(Unavailable, match="another file"):
        by_turns(workspace.restore(TinyDBStore(None, "none")))
    assert store.held is None
    assert counts(store) == (MANY, MANY)
    assert [one.id for one in store.databases()] == [17, 34]
    assert len(store.find_by_field(17, "n", 7)) == 1
    in_the_way.unlink()
    workspace.store.discard()
    assert counts(TinyDBStore.read(tmp_path / "default.json")) == (MANY, MANY)


@pytest.mark.usefixtures("no_time")
def test_a_refused_long_change_is_undone_a_hundred_documents_at_a_time(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = workspace.store
    store.keep()

    def full(*_: object) -> None:
        raise OSError(ENOSPC, "full")

    monkeypatch.setattr(Generations, "write_whole", full)

    async def refused() -> None:
        with pytest.raises(Unavailable, match="full"):
            await configuring.delete_database(store, store.database(17), cascade=True)

    _, turns, most = by_turns(refused(), lambda: sum(counts(store)))
    assert counts(store) == (MANY, MANY)
    assert most <= STEP
    assert turns > 4 * MANY // STEP


@pytest.mark.usefixtures("no_time")
def test_a_state_that_is_closed_amid_a_long_change_is_as_before(tmp_path: Path) -> None:
    workspace = Workspace("default", Settings(state=tmp_path), fixture_set())
    store = workspace.store
    store.keep()

    async def close_amid() -> None:
        work = configuring.delete_database(store, store.database(17), cascade=True)
        task = asyncio.ensure_future(work)
        while sum(counts(store)) == 2 * MANY:
            await asyncio.sleep(0)
        assert sum(counts(store)) > 0
        workspace.close()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(close_amid())
    assert counts(TinyDBStore.read(tmp_path / "default.json")) == (MANY, MANY)
