"""What our table has beside TinyDB's contract: indexes, ids for good, a commit that is all or nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tinydb import TinyDB, where
from tinydb.table import Document

from emulator.store.state import TableSpec
from emulator.store.storage import LoggedStorage
from emulator.store.table import IndexedTable
from tests.store.databases import OurDatabase, check_indexes, contents, open_ours, plain


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db.json"


def table_of(db: TinyDB, name: str = "people") -> IndexedTable:
    table = db.table(name)
    assert isinstance(table, IndexedTable)
    return table


def test_find_asks_a_declared_index_and_answers_the_oldest_first(path: Path) -> None:
    with open_ours(path) as db:
        people = table_of(db)
        people.insert_multiple(
            [{"name": "Li"}, {"name": "Ada", "tags": ["x"]}, {"name": "Li", "tags": ["x"]}]
        )
        assert [d.doc_id for d in people.find("name", "Li")] == [1, 3]
        assert people.find("tags", "x") == [{"name": "Ada", "tags": ["x"]}, {"name": "Li", "tags": ["x"]}]
        people.update({"name": "Ada"}, doc_ids=[1])
        assert [d.doc_id for d in people.find("name", "Ada")] == [1, 2]
        assert people.find("name", "nobody") == []
        with pytest.raises(KeyError):
            people.find("age", 1)


def test_find_in_a_table_that_does_not_exist_makes_none(path: Path) -> None:
    with open_ours(path) as db:
        assert table_of(db).find("name", "Li") == []
        assert db.tables() == set()


def test_indexes_are_there_after_reopening(path: Path) -> None:
    with open_ours(path) as db:
        table_of(db).insert_multiple({"name": f"n{i % 7}"} for i in range(100))
    with open_ours(path) as db:
        assert len(table_of(db).find("name", "n3")) == 14


def test_an_id_is_never_given_twice_not_even_after_reopening(path: Path) -> None:
    with open_ours(path) as db:
        db.insert_multiple([{}, {}, {}])
        db.remove(doc_ids=[3])
    with open_ours(path) as db:
        assert db.insert({}) == 4


def test_a_document_that_an_index_cannot_take_is_refused_and_nothing_changes(path: Path) -> None:
    specs = {"people": TableSpec(["name"], lambda document: [("name", document["name"])])}
    with OurDatabase(path, specs=specs) as db:
        people = db.table("people")
        people.insert({"name": "Ada"})
        with pytest.raises(KeyError):
            people.insert({"no": "name"})
        with pytest.raises(TypeError):
            people.update({"name": ["not", "hashable"]})
        with pytest.raises(KeyError):
            people.insert_multiple([{"name": "good"}, {"bad": 1}])
        assert plain(people) == {1: {"name": "Ada"}}
        db.storage.discard()
    with OurDatabase(path, specs=specs) as db:
        assert plain(db.table("people")) == {1: {"name": "Ada"}}


def test_nan_is_refused_for_it_is_not_json(path: Path) -> None:
    with open_ours(path) as db:
        with pytest.raises(ValueError, match="JSON"):
            db.insert({"x": float("nan")})
        assert len(db) == 0


def test_a_tables_name_that_json_cannot_hold_is_refused_and_nothing_changes(path: Path) -> None:
    with open_ours(path) as db:
        db.insert({"x": 1})
        with pytest.raises(ValueError, match="surrogates"):
            db.table("\ud800").insert({})
        assert db.tables() == {"_default"}
        db.storage.discard()
    with open_ours(path) as db:
        assert plain(db) == {1: {"x": 1}}


@pytest.mark.parametrize("name", ["emulator", "checksum"])
def test_the_names_of_the_file_formats_own_tables_are_refused(path: Path, name: str) -> None:
    with open_ours(path) as db, pytest.raises(ValueError, match="file format"):
        db.table(name)


def test_ids_below_one_and_far_apart_are_kept(path: Path) -> None:
    ids = [5, -3, 0, 10**12]
    with open_ours(path) as db:
        db.insert_multiple(Document({"id": i}, i) for i in ids)
    with open_ours(path) as db:
        assert plain(db) == {i: {"id": i} for i in ids}
        assert db.insert({}) == 10**12 + 1


def test_two_handles_on_one_table_see_each_others_writes(path: Path) -> None:
    with open_ours(path) as db:
        mine = db.table("people")
        other = IndexedTable(db.storage, "people")
        query = where("name") == "Ada"
        assert mine.search(query) == other.search(query) == []
        other.insert({"name": "Ada"})
        assert mine.count(query) == 1
        mine.remove(query)
        assert other.count(query) == 0
        assert (mine.insert({}), other.insert({})) == (2, 3)


def test_memory_only_keeps_no_file(tmp_path: Path) -> None:
    for storage in (LoggedStorage(), LoggedStorage(tmp_path / "db.json", durability="none")):
        storage.write({"_default": {"1": {"x": 1}}})
        assert storage.read() == {"_default": {"1": {"x": 1}}}
        storage.close()
    assert list(tmp_path.iterdir()) == []


_values: Any = st.dictionaries(
    st.sampled_from(["name", "tags", "n"]),
    st.text(max_size=3) | st.integers(-2, 2),
    max_size=2,
).map(lambda d: {**d, "tags": [str(d["tags"])]} if "tags" in d else d)
_ids = st.integers(1, 12)
_operations: Any = st.lists(
    st.one_of(
        st.tuples(st.just("insert"), _values),
        st.tuples(st.just("insert_multiple"), st.lists(_values, max_size=3)),
        st.tuples(st.just("put"), _ids, _values),
        st.tuples(st.just("upsert"), _ids, _values),
        st.tuples(st.just("update"), _values, st.lists(_ids, max_size=3)),
        st.tuples(st.just("update_where"), _values, st.integers(-2, 2)),
        st.tuples(st.just("delete_key"), st.sampled_from(["name", "tags"])),
        st.tuples(st.just("remove"), st.lists(_ids, max_size=3)),
        st.tuples(st.just("remove_where"), st.integers(-2, 2)),
        st.tuples(st.just("truncate")),
        st.tuples(st.just("drop")),
        st.tuples(st.just("search"), st.integers(-2, 2)),
    ),
    max_size=25,
)


def _carry_out(db: TinyDB, operation: tuple[Any, ...], first_id: int) -> Any:
    # New documents come with ids: stock TinyDB gives those of removed documents out again.
    table = db.table("people")
    verb, *rest = operation
    try:
        if verb == "insert":
            return table.insert(Document(rest[0], first_id))
        if verb == "insert_multiple":
            return table.insert_multiple(Document(d, first_id + i) for i, d in enumerate(rest[0]))
        if verb == "put":
            return table.insert(Document(rest[1], rest[0]))
        if verb == "upsert":
            return table.upsert(Document(rest[1], rest[0]))
        if verb == "update":
            return table.update(rest[0], doc_ids=rest[1])
        if verb == "update_where":
            return table.update(rest[0], where("n") == rest[1])
        if verb == "delete_key":
            return table.update(lambda document: document.pop(rest[0], None))
        if verb == "remove":
            return table.remove(doc_ids=list(dict.fromkeys(rest[0])))
        if verb == "remove_where":
            return table.remove(where("n") == rest[0])
        if verb == "search":
            return plain(table.search(where("n") == rest[0]))
        if verb == "truncate":
            return table.truncate()
        return db.drop_table("people")
    except ValueError as error:
        return str(error)


@given(_operations)
@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_operations_answer_and_leave_what_stock_tinydb_does(
    tmp_path_factory: pytest.TempPathFactory, operations: list[tuple[Any, ...]]
) -> None:
    folder = tmp_path_factory.mktemp("db")
    with TinyDB(folder / "stock.json") as stock, open_ours(folder / "ours.json") as ours:
        for step, operation in enumerate(operations, 3):
            assert _carry_out(ours, operation, 5 * step) == _carry_out(stock, operation, 5 * step)
            assert contents(ours) == contents(stock)
            check_indexes(ours.storage.state)
        expected = contents(stock)
        crashed = folder / "crashed"
        crashed.mkdir()
        for file in folder.glob("ours.*"):
            (crashed / file.name).write_bytes(file.read_bytes())
    for path in (folder / "ours.json", crashed / "ours.json"):
        with open_ours(path) as again:
            assert contents(again) == expected
            check_indexes(again.storage.state)


def test_a_document_class_of_ones_own_is_used(path: Path) -> None:
    class Person(Document):
        pass

    class People(IndexedTable):
        document_class = Person

    with open_ours(path) as db:
        people = People(db.storage, "people")
        people.insert({"name": "Ada"})
        found = [people.get(doc_id=1), *people.get(doc_ids=[1]), *people.find("name", "Ada"), *people.all()]
        assert {type(one) for one in found} == {Person}
