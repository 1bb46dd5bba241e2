"""What every engine of a store has to do: one body, given a factory for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tinydb import where

from emulator.loop.pacing import at_once
from emulator.postgres.opening import open_shared
from emulator.rules.errors import Refused
from emulator.rules.model import Changes, Database, FieldType, Held, Profile, PushKey, Resource
from emulator.rules.model import Subscription as Record
from emulator.settings import Settings
from emulator.store import configuring, editing
from emulator.store.documents import Documents
from emulator.store.fixture_set import FixtureSet, ProfileEntry, SubscriptionEntry, give_hash_ids
from emulator.store.interface import Store
from emulator.store.records import RecordCriteria, list_profiles, list_subscriptions
from emulator.store.tinydb_store import TinyDBStore, made_from

#: Makes the store of a directory, the same one again after it was closed.
Factory = Callable[[Any], TinyDBStore]
NOW = "2026-01-01T00:00:00.000Z"


def on_files(folder: Path) -> TinyDBStore:
    return TinyDBStore(folder / "default.json")


def on_files_with_fsync(folder: Path) -> TinyDBStore:
    return TinyDBStore(folder / "default.json", "fsync")


def in_memory(folder: Path) -> TinyDBStore:
    return TinyDBStore(None, "none")


def in_a_database(url: str) -> TinyDBStore:
    """The state of the workspace that is called default, which is written when the store is closed."""
    shared = open_shared(Settings(database=url), FixtureSet())
    store = shared.workspaces.default.store

    async def write() -> None:
        await shared.turns.run("default", nothing)
        await shared.turns.close()

    async def nothing() -> None:
        return None

    store.close = store.discard = lambda *_: asyncio.run(write())  # type: ignore[method-assign]
    store.storage.fresh = not store.database_table.search(where("id").exists())
    return store


ENGINES: list[Factory] = [on_files, on_files_with_fsync, in_memory, in_a_database]
#: Those that have everything again after the end of the process.
LASTING = [on_files, on_files_with_fsync, in_a_database]


@pytest.fixture
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Factory], Any]:
    """Where the states of an engine are in this test."""
    return lambda factory: request.getfixturevalue("database") if factory is in_a_database else tmp_path


def fixtures() -> FixtureSet:
    """Two profiles, of which the first has the token ``t1`` active."""
    number = {"number": FieldType("int")}
    own = [SubscriptionEntry(5, "android-firebase", "t1")]
    return FixtureSet(
        [Database(17, "Main", number), Database(18, "Other")],
        [Resource(5, "App", "secret", [17, 18])],
        [ProfileEntry(17, "ada", {"number": 1}, own), ProfileEntry(17, "bob", {"number": 1})],
    )


def key(token: str) -> PushKey:
    return PushKey(17, 5, "android-firebase", token)


def record(profile_id: str, token: str, status: str = "subscribed") -> Record:
    one = Record("", 17, profile_id, 5, "android-firebase", token, "subscribed", NOW, NOW)
    return msgspec.structs.replace(one, status=status)


def fill(store: TinyDBStore, fixtures: FixtureSet, remembered: dict[str, bytes] | None = None) -> None:
    """Put a fixture set in place of everything."""
    at_once(store.take(at_once(made_from(fixtures, NOW, str, remembered))))


def contents(store: Store) -> list[tuple[Profile, list[Record]]]:
    """All profiles with their subscriptions."""
    return [(profile, list(own)) for profile, own in store.whole()]


@pytest.fixture(params=ENGINES, ids=lambda factory: factory.__name__)
def store(request: pytest.FixtureRequest, place: Callable[[Factory], Any]) -> Iterator[TinyDBStore]:
    made: TinyDBStore = request.param(place(request.param))
    assert made.storage.fresh
    fill(made, fixtures())
    yield made
    made.close()


def test_the_rules_find_what_the_fixtures_say(store: TinyDBStore) -> None:
    assert [one.id for one in store.databases()] == [17, 18]
    resource = store.find_resource("secret")
    assert resource == Resource(5, "App", "secret", [17, 18])
    assert store.find_resource("another") is None
    assert store.database(18).name == "Other"
    ada, bob = store.find_profile(17, "ada"), store.find_profile(17, "bob")
    assert store.find_by_field(17, "number", 1) == [ada, bob]
    assert store.find_by_field(17, "number", 1, newest=True) == [bob, ada]
    assert store.find_profile(18, "ada") is None
    held = store.find_by_push(key("t1"))
    assert held.active is not None
    assert (held.active.profile_id, held.others, held.hash_id) == ("ada", False, held.active.hash_id)
    assert store.find_own(key("t1"), "ada") == held.active == store.find_all(key("t1"))[0]
    assert store.find_own(key("t1"), "bob") is None
    assert store.find_by_push(key("T1")) == Held(other_case=held.active)
    assert held.other_case is store.find_by_push(key("t2")).other_case is None
    assert store.hash_taken(held.active.hash_id)
    assert list(store.find_by_hash(held.active.hash_id)) == [held.active]
    assert (store.profile_count, store.subscription_count, store.profiles_made) == (2, 1, 2)


def test_records_whose_keys_have_one_number_are_told_apart(store: TinyDBStore) -> None:
    assert hash((-1, "ada")) == hash((-2, "ada"))
    own = [SubscriptionEntry(5, "android-firebase", "t1")]
    databases = [Database(-1, "Main"), Database(-2, "Other")]
    profiles = [ProfileEntry(one.id, "ada", {}, own) for one in databases]
    fill(store, FixtureSet(databases, [Resource(5, "App", "secret", [-1, -2])], profiles))
    (one, _), (other, its) = contents(store)
    assert (one.db_id, other.db_id, [each.db_id for each in its]) == (-1, -2, [-2])
    assert [store.find_profile(db_id, "ada") for db_id in (-1, -2)] == [one, other]
    assert store.find_by_push(PushKey(-2, 5, "android-firebase", "t1")).active == its[0]
    assert store.subscriptions_of(other) == store.find_all(its[0].key) == its
    store.apply(Changes(changed_profiles=[msgspec.structs.replace(other, is_test=True)]))
    assert store.delete_profile(other) == 1
    assert store.find_profile(-2, "ada") is None
    assert [(one, [each.db_id for each in left]) for one, left in contents(store)] == [(one, [-1])]


@pytest.mark.parametrize("status", ["subscribed", "unsubscribed"])
def test_the_oldest_token_in_any_other_case_is_found_from_each_case(store: TinyDBStore, status: str) -> None:
    added = [
        record("ada", "mix-Q7", status),
        record("bob", "mix-q7", status),
        record("bob", "MIX-q8", status),
    ]
    give_hash_ids(store, added)
    store.apply(Changes([], added))
    assert store.find_by_push(key("MIX-Q7")) == Held(other_case=added[0])
    assert store.find_by_push(key("mix-q8")) == store.find_by_push(key("Mix-q8")) == Held(other_case=added[2])
    store.delete_subscription(added[0])
    assert store.find_by_push(key("MIX-Q7")) == Held(other_case=added[1])
    assert store.find_by_push(key("mix-q7")).other_case is None


@pytest.mark.parametrize("status", ["subscribed", "unsubscribed"])
@pytest.mark.parametrize("token", ["abcdefgh", "абвгдежз"])
def test_tokens_that_differ_only_in_case_are_told_apart(store: TinyDBStore, status: str, token: str) -> None:
    cases = [
        "".join(letter.upper() if number >> at & 1 else letter for at, letter in enumerate(token))
        for number in range(256)
    ]
    first, last = cases[0], cases[-1]
    stored = [record("ada", one, status) for one in cases[:-1]] + [record("bob", first, "unsubscribed")]
    give_hash_ids(store, stored)
    store.apply(Changes([], stored))
    for one in stored[:-1]:
        held = store.find_by_push(one.key)
        assert held.hash_id == one.hash_id
        assert held.active == (one if status == "subscribed" else None)
        assert store.find_own(one.key, "ada") == one
        assert store.has_others(one) is (one is stored[0])
        assert [found.profile_id for found in store.find_all(one.key)] == ["ada", "bob"][
            : 1 + (one is stored[0])
        ]
    assert store.find_by_push(key(last)) == Held(other_case=stored[0])
    assert store.find_own(key(last), "ada") is None
    assert store.find_all(key(last)) == list(store.find_active(key(last))) == []
    with store.at_once():
        assert [one.profile_id for one in store.holders("android-firebase", first)] == ["ada", "bob"]


def test_a_token_is_found_among_many_other_cases_of_it_by_few_reads(store: TinyDBStore) -> None:
    letters = "abcdefghij"
    cases = ["".join(pair) for pair in product(*((one, one.upper()) for one in letters))]
    stored = [record("ada", one) for one in cases[:-1]]
    give_hash_ids(store, stored)
    store.apply(Changes([], stored))
    store.subscriptions.state.documents.__class__ = _Counted
    _Counted.read = 0
    assert store.find_by_push(stored[-1].key).active == stored[-1]
    assert store.find_by_push(key(cases[-1])) == Held(other_case=stored[0])
    assert _Counted.read == 2


class _Counted(Documents):
    """Documents that count how many are read."""

    __slots__ = ()
    read = 0

    def __getitem__(self, doc_id: int) -> bytes:
        _Counted.read += 1
        return super().__getitem__(doc_id)


def test_changes_are_found_at_once_and_one_record_of_a_key_on_a_profile_stays_one(store: TinyDBStore) -> None:
    before = store.commits
    added = [record("cid", "t2"), record("bob", "t1", "unsubscribed")]
    give_hash_ids(store, added)
    store.apply(Changes([Profile("cid", 17, {"number": 2}, NOW)], added))
    assert store.commits > before
    assert added[1].hash_id == store.find_by_push(key("t1")).hash_id, "A5: one key, one hash"
    assert [one.profile_id for one in store.find_all(key("t1"))] == ["ada", "bob"]
    off = msgspec.structs.replace(added[0], status="unsubscribed")
    store.apply(Changes([], [off]))
    assert store.find_own(key("t2"), "cid") == off
    assert store.find_by_push(key("t2")) == Held(None, True, off.hash_id)
    assert (store.profile_count, store.subscription_count) == (3, 3)


def test_a_batch_is_whole_or_undone(store: TinyDBStore) -> None:
    before = contents(store)

    def fails() -> None:
        with store.batch(), store.at_once():
            store.apply(Changes([Profile(f"many-{number}", 17, {"number": 7}, NOW) for number in range(20)]))
            store.apply(Changes([Profile("cid", 17, {}, NOW)]))
            store.remember("clock", b'{"now":null}')
            assert store.find_profile(17, "cid") is not None
            assert [one.id for one in store.find_by_field(17, "number", 7)] == ["many-0", "many-1"]
            raise LookupError

    with pytest.raises(LookupError):
        fails()
    assert contents(store) == before
    assert (store.find_by_field(17, "number", 7), store.profiles_made) == ([], 2)
    assert store.recall("clock") is None
    with store.batch():
        store.apply(Changes([Profile("cid", 17, {}, NOW)]))
    assert store.profile_count == 3


def test_what_is_removed_is_found_no_more_and_its_id_is_not_made_again(store: TinyDBStore) -> None:
    ada = editing.find_profile(store, 17, "ada")
    assert store.delete_profile(ada) == 1
    assert store.find_profile(17, "ada") is None
    assert store.find_by_push(key("t1")) == Held()
    assert (store.profile_count, store.subscription_count, store.profiles_made) == (1, 0, 2)
    bob = editing.find_profile(store, 17, "bob")
    editing.change_profile(store, bob, {"number": None})
    assert store.find_by_field(17, "number", 1) == []
    added = editing.add_subscription(store, 17, "bob", SubscriptionEntry(5, "android-firebase", "t3"), NOW)
    store.delete_subscription(added)
    assert store.subscriptions_of(bob) == []


def test_databases_and_resources_are_changed_with_what_hangs_on_them(store: TinyDBStore) -> None:
    async def work() -> None:
        configuring.add_database(store, Database(19, "Third"))
        configuring.add_resource(store, Resource(6, "Web", "another", [19]))
        with pytest.raises(Refused, match="is there already"):
            configuring.add_database(store, Database(19, "Again"))
        main = store.database(17)
        changed = await configuring.change_database(store, main, "New", {"number": FieldType("string")})
        assert (changed.name, store.database(17)) == ("New", changed)
        assert store.find_by_field(17, "number", "1") != []
        with pytest.raises(Refused, match="in use"):
            await configuring.delete_database(store, changed)
        assert store.profile_count == 2
        gone = await configuring.delete_database(store, changed, cascade=True)
        assert gone == {"profiles": 2, "subscriptions": 1}
        assert [one.id for one in store.databases()] == [18, 19]
        assert configuring.find_resource(store, 5).db_ids == [18]
        await configuring.delete_resource(store, configuring.find_resource(store, 6))
        assert store.find_resource("another") is None

    asyncio.run(work())


def test_lists_come_in_pages_and_walks_see_everything(store: TinyDBStore) -> None:
    class Place(msgspec.Struct):
        db_id: int

    async def work() -> None:
        page = await list_profiles(store, RecordCriteria(db_id=17), 1)
        assert ([one.id for one in page.records], page.total) == (["ada"], 2)
        page = await list_profiles(store, RecordCriteria(db_id=17), 1, page.next)
        assert ([one.id for one in page.records], page.next) == (["bob"], None)
        found = await list_subscriptions(store, RecordCriteria(fields={"number": "1"}), 10)
        assert [one.subscription_id for one in found.records] == ["t1"]
        assert [one.db_id async for one in store.walk("profiles", Place)] == [17, 17]

    asyncio.run(work())


def test_a_whole_state_is_as_of_the_call_and_another_takes_its_place(store: TinyDBStore) -> None:
    whole = store.whole()
    store.delete_profile(editing.find_profile(store, 17, "ada"))
    assert [one[0].id for one in whole] == ["ada", "bob"]
    store.remember("settings", b'{"strict":true}')
    fill(store, replace(fixtures(), profiles=[]), {"clock": b"{}"})
    assert (store.profile_count, store.recall("settings"), store.recall("clock")) == (0, None, b"{}")


def active(store: TinyDBStore, token: str) -> list[str]:
    return [one.profile_id for one in store.find_active(key(token))]


def test_a_fork_and_the_store_change_apart(store: TinyDBStore) -> None:
    fork = store.fork()
    before = contents(store)
    assert contents(fork) == before
    fork.apply(Changes([Profile("eve", 17)], [record("eve", "t2"), record("ada", "t1", "unsubscribed")]))
    assert contents(store) == before
    assert [active(store, "t2"), active(store, "t1")] == [[], ["ada"]]
    store.apply(Changes([Profile("max", 17)], [record("max", "t3")]))
    assert fork.find_profile(17, "max") is None
    assert active(fork, "t2") == ["eve"]
    assert active(fork, "t1") == active(fork, "t3") == []


def test_an_answer_awaits_what_the_store_says_and_then_nothing(store: TinyDBStore) -> None:
    async def work() -> None:
        store.apply(Changes([Profile("cid", 17, {}, NOW)]))
        durable = store.durable()
        if durable is not None:
            await durable
        assert store.durable() is None

    asyncio.run(work())
    assert store.probe()
    assert store.failure is None


@pytest.mark.parametrize("factory", LASTING, ids=lambda factory: factory.__name__)
@pytest.mark.parametrize("end", ["close", "discard"])
def test_everything_is_there_after_reopening(
    factory: Factory, end: str, place: Callable[[Factory], Any]
) -> None:
    store = factory(place(factory))
    fill(store, fixtures())
    store.apply(Changes([Profile("cid", 17, {}, NOW)]))
    store.remember("clock", b'{"now":null}')
    store.delete_profile(editing.find_profile(store, 17, "bob"))
    configuring.add_database(store, Database(19, "Third"))
    before, databases = contents(store), store.databases()
    store.sync()
    store.close() if end == "close" else store.discard()
    again = factory(place(factory))
    assert not again.storage.fresh
    assert (contents(again), again.databases(), again.recall("clock")) == (before, databases, b'{"now":null}')
    assert again.profiles_made == 3
    again.close()
