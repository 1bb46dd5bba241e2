"""Indexes and documents stay what a plain dictionary would be while they grow, and grow in small steps."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import msgspec
import pytest

from emulator.rules.model import FieldValue, Profile, Status, Subscription
from emulator.store.documents import Documents
from emulator.store.indexes import Index
from emulator.store.state import TableState
from emulator.store.tables import PROFILES, SPECS, SUBSCRIPTIONS

Document = list[str]


def entries(index: Index) -> dict[str, tuple[int, ...]]:
    """Every key with its ids."""
    return {str(key): tuple(ids) for key, ids in index.entries()}


def expected(documents: dict[int, Document]) -> dict[str, tuple[int, ...]]:
    """What an index of these documents says."""
    by_key: dict[str, list[int]] = {}
    for doc_id in sorted(documents):
        for key in documents[doc_id]:
            by_key.setdefault(key, []).append(doc_id)
    return {key: tuple(ids) for key, ids in by_key.items()}


def some_keys(chance: Random) -> Document:
    """A key of its own and, mostly, one that other documents may have too."""
    own = f"own {chance.random()}"
    return [own] if chance.random() < 0.3 else [f"{chance.randrange(chance.choice((300, 20_000)))}", own]


def add(index: Index, keys: Document, doc_id: int) -> None:
    for key in keys:
        index.add(key, doc_id)


def remove(index: Index, keys: Document, doc_id: int) -> None:
    for key in keys:
        index.remove(key, doc_id)


@pytest.mark.parametrize("filled", [0, 3000])
def test_index_says_what_its_documents_make_through_adds_changes_and_removals(filled: int) -> None:
    chance = Random(filled)
    documents = {doc_id: some_keys(chance) for doc_id in range(1, filled + 1)}
    index = Index()
    index.fill((key, doc_id) for doc_id, keys in documents.items() for key in keys)
    for doc_id in range(filled + 1, filled + 12_000):
        documents[doc_id] = some_keys(chance)
        add(index, documents[doc_id], doc_id)
        old = chance.choice((doc_id, chance.randrange(1, doc_id + 1)))
        if old in documents and chance.random() < 0.3:
            remove(index, documents.pop(old), old)
        elif old in documents and chance.random() < 0.3:
            remove(index, documents[old], old)
            documents[old] = some_keys(chance)
            add(index, documents[old], old)
    wanted = expected(documents)
    assert entries(index) == wanted
    assert all(tuple(index.find(key)) == ids and index.count(key) == len(ids) for key, ids in wanted.items())
    assert "nobody" not in index
    assert index.find("nobody") == ()


def test_filling_an_index_that_has_grown_already_loses_nothing() -> None:
    index = Index()
    for doc_id in range(1, 5000):
        index.add(f"{doc_id}", doc_id)
    index.fill([("4999", 5000), ("new", 5000), ("new", 5001)])
    assert (index.find("4999"), index.find("new"), len(entries(index))) == ((4999, 5000), (5000, 5001), 5000)


def test_keys_are_divided_among_more_parts_only_while_they_are_few() -> None:
    index, moved = Index(), []
    for doc_id in range(20_000):
        before = len(index.parts)
        index.add(f"{doc_id}", doc_id)
        if len(index.parts) > before:
            moved.append(len(entries(index)))
    assert len(moved) == 2
    assert max(moved) < 5000
    assert max(map(len, index.parts)) < 100


@pytest.mark.parametrize("filled", [0, 10_000])
def test_no_step_of_an_index_touches_more_than_a_small_dictionary(filled: int) -> None:
    index = Index()
    index.fill((f"{doc_id}", doc_id) for doc_id in range(filled))
    for doc_id in range(filled, filled + 60_000):
        index.add(f"{doc_id}", doc_id)
    assert max(map(len, index.parts)) < 3000


def test_tables_filled_at_once_find_what_tables_find_that_got_each_document_alone() -> None:
    chance = Random(3)
    fields: list[dict[str, FieldValue]] = [
        {},
        {"n": 1},
        {"n": 1, "phones": "+1"},
        {"phones": "+1, +2,+1"},
        {"phones": 5, "t": True},
    ]
    profiles = [Profile(f"{i // 2}", 17 + i % 2, chance.choice(fields)) for i in range(9000)]
    statuses: list[Status] = ["subscribed", "subscribed", "unsubscribed", "suspended"]
    subscriptions = [
        Subscription(f"{i // 3:x}", 17, f"{i // 2}", 5, "p", f"Token{i // 4}", chance.choice(statuses))
        for i in range(9000)
    ]
    without_entries = replace(SPECS[PROFILES], entries_of=None)
    for spec, records in (
        (SPECS[PROFILES], profiles),
        (SPECS[SUBSCRIPTIONS], subscriptions),
        (without_entries, profiles),
    ):
        documents = list(map(msgspec.json.encode, records))
        filled, alone = TableState(spec), TableState(spec)
        for at in range(0, 9000, 700):
            filled.fill(range(at + 1, at + 701)[: 9000 - at], documents[at : at + 700])
        for doc_id, document in enumerate(documents, 1):
            alone.put(doc_id, document)
        assert dict(filled.documents) == dict(alone.documents)
        for index in spec.indexes:
            found = dict(alone.indexes[index].entries())
            assert dict(filled.indexes[index].entries()) == found
            assert found


def test_a_table_filled_from_a_range_keeps_one_number_for_each_document() -> None:
    table = TableState(SPECS[PROFILES])
    profiles = [Profile(f"p{i}", 17, {"n": i}) for i in range(100)]
    table.fill(range(5001, 5101), list(map(msgspec.json.encode, profiles)), profiles)
    kept = {doc_id: doc_id for doc_id in table.documents}
    for index in table.indexes.values():
        found = [doc_id for _, ids in index.entries() for doc_id in ids]
        assert len(found) == 100
        assert all(doc_id is kept[doc_id] for doc_id in found)


def test_documents_are_what_a_dictionary_would_be() -> None:
    chance, documents, model = Random(7), Documents(), dict[int, bytes]()
    for _ in range(20_000):
        doc_id = chance.choice((chance.randrange(30_000), chance.randrange(-9000, 9), chance.randrange(50)))
        if chance.random() < 0.4:
            assert documents.pop(doc_id, None) == model.pop(doc_id, None)
        else:
            documents[doc_id] = model[doc_id] = b"%d" % chance.randrange(99)
        assert (doc_id in documents, documents.get(doc_id)) == (doc_id in model, model.get(doc_id))
    assert (dict(documents), len(documents), sorted(documents)) == (model, len(model), sorted(model))
    with pytest.raises(KeyError):
        documents[99_999]
    with pytest.raises(KeyError):
        del documents[99_999]
    assert 99_999 not in documents


def test_documents_come_in_the_order_in_which_their_ids_ascend() -> None:
    documents = Documents()
    documents.update(dict.fromkeys(range(1, 9000), b"1"))
    documents[9000] = b"2"
    assert list(documents) == list(range(1, 9001))
    assert list(documents.items())[-2:] == [(8999, b"1"), (9000, b"2")]


def test_copied_documents_stay_as_they_were() -> None:
    documents = Documents()
    documents.update({1: b"1", 5000: b"2"})
    copy = documents.copy()
    documents[1], documents[2] = b"3", b"4"
    del documents[5000]
    assert dict(copy) == {1: b"1", 5000: b"2"}
    again = documents.copy()
    copy[1] = b"5"
    documents.update({2: b"6", 3: b"7"})
    assert dict(copy) == {1: b"5", 5000: b"2"}
    assert dict(again) == {1: b"3", 2: b"4"}
    assert dict(documents) == {1: b"3", 2: b"6", 3: b"7"}


def test_documents_may_change_while_somebody_goes_through_them() -> None:
    documents = Documents()
    documents.update(dict.fromkeys(range(10_000), b""))
    seen = []
    for doc_id in documents:
        seen.append(doc_id)
        documents.pop(doc_id + 4096, None)
        documents[doc_id + 50_000] = b"late"
    assert seen[:4096] == list(range(4096))
