"""What a state and a long change keep is little work for the garbage collector, which holds everybody up."""

import gc
from collections.abc import Iterator
from itertools import pairwise

import pytest

from emulator.loop.pacing import at_once
from emulator.rules.model import Database, FieldType, Resource
from emulator.store import freeing
from emulator.store.fixture_set import FixtureSet, ProfileEntry, SubscriptionEntry
from emulator.store.long_list import LongList
from emulator.store.state import Op
from emulator.store.tinydb_store import made_from

MANY = 5000


@pytest.fixture(autouse=True)
def _no_collection() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def test_profiles_and_subscriptions_are_no_objects_of_the_garbage_collector() -> None:
    fields = {"n": FieldType("int"), "name": FieldType("string")}
    entries = [
        ProfileEntry(
            17, f"p{n}", {"n": n, "name": f"name {n}"}, [SubscriptionEntry(5, "android-firebase", f"t{n}")]
        )
        for n in range(MANY)
    ]
    fixtures = FixtureSet([Database(17, "Main", fields)], [Resource(5, "App", "secret", [17])], entries)
    before = len(gc.get_objects())
    store = at_once(made_from(fixtures, "2026-01-31T12:00:00Z", str))
    assert store.profile_count == store.subscription_count == MANY
    assert len(gc.get_objects()) - before < MANY


def test_a_long_list_is_walked_once() -> None:
    steps = LongList[Op]()
    steps.extend(Op("profiles", number, b"{}") for number in range(MANY))
    gc.collect()
    lists = [one for one in gc.get_referents(steps) if isinstance(one, list)]
    assert all(len(one) < freeing.PIECE for one in lists)
    assert not any(map(gc.is_tracked, (one for several in lists for one in several)))


def test_a_long_list_has_everything_in_order() -> None:
    steps = LongList[Op]()
    for size in (0, 1, freeing.PIECE, freeing.PIECE + 1, MANY):
        steps.extend(Op("profiles", number, None) for number in range(len(steps), size))
        assert len(steps) == size
        assert [one.doc_id for one in steps] == list(range(size))
        assert all(one.doc_id > other.doc_id for one, other in pairwise(reversed(steps)))
        assert sum(1 for _ in reversed(steps)) == size
    steps.free()
    assert list(steps) == []
