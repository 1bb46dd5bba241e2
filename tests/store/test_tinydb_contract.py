"""TinyDB's public contract, one body for stock TinyDB, for our storage under its own tables, and for ours."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from tinydb import Query, TinyDB, where
from tinydb.operations import add, decrement, delete, increment, subtract
from tinydb.operations import set as set_field
from tinydb.table import Document

from emulator.store.storage import LoggedStorage
from tests.store.databases import Open, contents, open_ours, plain


def open_our_storage(path: Path) -> TinyDB:
    return TinyDB(path, storage=LoggedStorage)


@pytest.fixture(params=[TinyDB, open_our_storage, open_ours], ids=["stock", "our_storage", "ours"])
def open_db(request: pytest.FixtureRequest) -> Open:
    opener: Open = request.param
    return opener


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "db.json"


@pytest.fixture
def db(open_db: Open, path: Path) -> Iterator[TinyDB]:
    with open_db(path) as database:
        database.insert_multiple({"int": 1, "char": c} for c in "abc")
        yield database


def test_insert_answers_ascending_ids(db: TinyDB) -> None:
    assert db.insert({"int": 2}) == 4
    assert db.insert_multiple([{"int": 3}, {"int": 4}]) == [5, 6]
    assert db.insert_multiple({"int": i} for i in range(2)) == [7, 8]
    assert len(db) == 8


def test_insert_takes_a_document_with_its_id(db: TinyDB) -> None:
    assert db.insert(Document({"x": 1}, doc_id=12)) == 12
    assert db.get(doc_id=12) == {"x": 1}
    assert db.insert({"x": 2}) == 13
    assert db.insert_multiple([Document({"y": 1}, 77), Document({"y": 2}, 20)]) == [77, 20]
    assert db.get(doc_id=20) == {"y": 2}


def test_insert_refuses_an_id_that_is_taken(db: TinyDB) -> None:
    before = plain(db)
    with pytest.raises(ValueError, match="already exists"):
        db.insert(Document({"x": 1}, doc_id=2))
    with pytest.raises(ValueError, match="already exists"):
        db.insert_multiple([{"new": 1}, Document({"x": 1}, doc_id=2)])
    assert plain(db) == before


@pytest.mark.parametrize("wrong", [[1], "text", 5, None])
def test_insert_refuses_what_is_no_mapping(db: TinyDB, wrong: Any) -> None:
    before = plain(db)
    with pytest.raises(ValueError, match="not a Mapping"):
        db.insert(wrong)
    with pytest.raises(ValueError, match="not a Mapping"):
        db.insert_multiple([{"good": 1}, wrong])
    assert plain(db) == before


def test_insert_takes_any_mapping_and_keeps_a_copy(db: TinyDB) -> None:
    class Odd(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return {"int": 7}[key]

        def __iter__(self) -> Iterator[str]:
            return iter(["int"])

        def __len__(self) -> int:
            return 1

    odd_id = db.insert(Odd())
    assert db.get(doc_id=odd_id) == {"int": 7}
    mine = {"list": [1]}
    doc_id = db.insert(mine)
    mine["list"].append(2)
    assert db.get(doc_id=doc_id) == {"list": [1]}


def test_what_json_cannot_say_is_refused_and_changes_nothing(db: TinyDB) -> None:
    before = plain(db)
    with pytest.raises(TypeError):
        db.insert({"set": {1, 2}})
    with pytest.raises(TypeError):
        db.update({"set": {1, 2}}, doc_ids=[1])
    assert plain(db) == before


def test_all_len_and_iteration(db: TinyDB) -> None:
    expected = [{"int": 1, "char": c} for c in "abc"]
    assert db.all() == expected
    assert list(db) == expected
    assert len(db) == 3
    assert [document.doc_id for document in db] == [1, 2, 3]


def test_search_count_contains_and_get_by_condition(db: TinyDB) -> None:
    assert [d.doc_id for d in db.search(where("int") == 1)] == [1, 2, 3]
    assert db.search(where("char") == "x") == []
    assert db.count(where("char").one_of(["a", "c"])) == 2
    assert db.contains(where("char") == "b")
    assert not db.contains(where("char") == "x")
    found = db.get(where("char") == "b")
    assert isinstance(found, Document)
    assert (found, found.doc_id) == ({"int": 1, "char": "b"}, 2)
    assert db.get(where("char") == "x") is None


def test_get_and_contains_by_id(db: TinyDB) -> None:
    found = db.get(doc_id=3)
    assert isinstance(found, Document)
    assert (found["char"], found.doc_id) == ("c", 3)
    assert db.get(doc_id=99) is None
    assert db.contains(doc_id=1)
    assert not db.contains(doc_id=99)
    assert [d.doc_id for d in db.get(doc_ids=[3, 1, 99, 3])] == [1, 3]
    assert db.get(doc_ids=[]) == []
    assert db.get(where("char") == "a", doc_id=2) == {"int": 1, "char": "b"}


def test_get_and_contains_want_to_know_what(db: TinyDB) -> None:
    with pytest.raises(RuntimeError, match="You have to pass either"):
        db.get()
    with pytest.raises(RuntimeError, match="You have to pass either"):
        db.contains()


def test_queries(db: TinyDB) -> None:
    db.truncate()
    user = Query()
    db.insert_multiple(
        [
            {"name": "John", "age": 22, "tags": ["a", "b"], "at": {"city": "Rīga"}},
            {"name": "Анна", "age": 35, "tags": [], "at": {"city": "Осло"}},
            {"name": "Li", "groups": [{"id": 1}, {"id": 2}]},
        ]
    )
    ids = lambda query: [d.doc_id for d in db.search(query)]  # noqa: E731
    assert ids(user.age > 30) == [2]
    assert ids((user.age < 30) | (user.name == "Li")) == [1, 3]
    assert ids((user.age > 20) & ~(user.name == "John")) == [2]
    assert ids(user.at.city == "Осло") == [2]
    assert ids(user["at"]["city"].matches("R.*")) == [1]
    assert ids(user.name.search("нн")) == [2]
    assert ids(user.groups.any(where("id") == 2)) == [3]
    assert ids(user.tags.all(["a"])) == [1]
    assert ids(user.age.exists()) == [1, 2]
    assert ids(user.name.test(lambda name: len(name) == 2)) == [3]
    assert ids(user.fragment({"name": "Li"})) == [3]
    assert ids(user.age.map(lambda age: age * 2) == 44) == [1]
    assert ids(user.noop()) == [1, 2, 3]


def test_update_everything_by_condition_and_by_id(db: TinyDB) -> None:
    assert db.update({"int": 2}) == [1, 2, 3]
    assert db.count(where("int") == 2) == 3
    assert db.update({"int": 3}, where("char") == "a") == [1]
    assert db.update({"int": 4}, doc_ids=[2, 3, 99]) == [2, 3]
    assert db.update({"int": 5}, where("char") == "x") == []
    assert [d["int"] for d in db] == [3, 4, 4]


def test_update_by_operations_and_callables(db: TinyDB) -> None:
    db.update(increment("int"), doc_ids=[1])
    db.update(decrement("int"), doc_ids=[2])
    db.update(delete("int"), where("char") == "c")
    db.update(set_field("char", "ё"), doc_ids=[3])
    db.update(add("int", 10), doc_ids=[1])
    db.update(subtract("int", 10), doc_ids=[2])
    db.update(lambda document: document.clear(), where("char") == "ё")
    assert plain(db) == {1: {"int": 12, "char": "a"}, 2: {"int": -10, "char": "b"}, 3: {}}


def test_update_that_raises_changes_nothing(db: TinyDB) -> None:
    before = plain(db)

    def fails(document: Any) -> None:
        document["int"] = 9
        if document["char"] == "b":
            raise LookupError

    with pytest.raises(LookupError):
        db.update(fails)
    assert plain(db) == before


def test_update_multiple(db: TinyDB) -> None:
    done = db.update_multiple(
        [
            ({"int": 2}, where("char") == "a"),
            (lambda document: document.update(int=document["int"] + 5), where("char") == "b"),
            ({"both": True}, where("char").one_of(["a", "b"])),
        ]
    )
    assert done == [1, 1, 2, 2]
    assert plain(db) == {
        1: {"int": 2, "char": "a", "both": True},
        2: {"int": 6, "char": "b", "both": True},
        3: {"int": 1, "char": "c"},
    }


def test_upsert(db: TinyDB) -> None:
    assert db.upsert({"int": 5, "char": "a"}, where("char") == "a") == [1]
    assert db.upsert({"int": 9, "char": "x"}, where("char") == "x") == [4]
    assert db.upsert(Document({"int": 8}, doc_id=2)) == [2]
    assert db.upsert(Document({"int": 7}, doc_id=9)) == [9]
    assert db.get(doc_id=2) == {"int": 8, "char": "b"}
    assert len(db) == 5
    with pytest.raises(ValueError, match="must specify a doc_id"):
        db.upsert({"no": "condition"})


def test_remove(db: TinyDB) -> None:
    assert db.remove(where("char") == "b") == [2]
    assert db.remove(doc_ids=[3, 99]) == [3]
    assert db.remove(where("char") == "x") == []
    assert [d.doc_id for d in db] == [1]
    with pytest.raises(RuntimeError, match="truncate"):
        db.remove()


def test_an_id_is_not_given_twice_in_one_session(db: TinyDB) -> None:
    assert db.remove(doc_ids=[3]) == [3]
    assert db.insert({}) == 4


def test_truncate_starts_ids_anew(db: TinyDB) -> None:
    db.truncate()
    assert (len(db), db.all()) == (0, [])
    assert db.insert({"int": 1}) == 1


def test_tables_and_the_default_table(db: TinyDB) -> None:
    assert db.tables() == {"_default"}
    people = db.table("people")
    assert db.tables() == {"_default"}
    people.insert({"name": "Ada"})
    assert db.tables() == {"_default", "people"}
    assert db.table("people") is people
    assert len(db) == 3
    assert len(people) == 1
    assert people.name == "people"
    assert db.table("_default").all() == db.all()


def test_drop_table_and_drop_tables(db: TinyDB) -> None:
    db.table("people").insert({"name": "Ada"})
    db.table("pets").insert({"name": "Rex"})
    db.drop_table("pets")
    db.drop_table("never-there")
    assert db.tables() == {"_default", "people"}
    assert db.table("pets").all() == []
    assert db.table("pets").insert({"name": "Bo"}) == 1
    db.drop_tables()
    assert not db.tables()
    assert len(db) == 0
    assert db.insert({"again": 1}) == 1


def test_persist_empty(open_db: Open, path: Path) -> None:
    with open_db(path) as db:
        db.table("kept", persist_empty=True)
        db.table("lost")
        assert db.tables() == {"kept"}
    with open_db(path) as db:
        assert db.tables() - {"emulator", "checksum"} == {"kept"}
        assert db.table("kept").all() == []


def test_removing_the_last_document_keeps_the_table(db: TinyDB) -> None:
    db.table("people").insert({"name": "Ada"})
    db.table("people").remove(doc_ids=[1])
    assert "people" in db.tables()


def test_query_cache_is_never_stale(db: TinyDB) -> None:
    query = where("int") == 1
    table = db.table("_default")

    def found() -> list[int]:
        return [d.doc_id for d in table.search(query)]

    assert found() == found() == [1, 2, 3]
    table.update({"int": 2}, doc_ids=[1])
    assert found() == [2, 3]
    table.insert({"int": 1})
    assert found() == [2, 3, 4]
    table.upsert({"int": 1, "char": "a"}, where("char") == "a")
    assert found() == [1, 2, 3, 4]
    table.remove(doc_ids=[2])
    assert found() == [1, 3, 4]
    with pytest.raises(ValueError, match="already exists"):
        table.insert(Document({"int": 1}, 3))
    assert found() == [1, 3, 4]
    table.truncate()
    assert found() == []
    assert table.count(query) == 0


def test_query_cache_can_be_off_and_cleared(db: TinyDB) -> None:
    table = db.table("small", cache_size=0)
    table.insert({"int": 1})
    assert table.count(where("int") == 1) == 1
    table.insert({"int": 1})
    assert table.count(where("int") == 1) == 2
    table.clear_cache()
    assert table.count(where("int") == 1) == 2


def test_a_found_list_can_be_changed_without_harm(db: TinyDB) -> None:
    query = where("int") == 1
    db.search(query).clear()
    assert len(db.search(query)) == 3


def test_reopening_finds_everything(open_db: Open, path: Path) -> None:
    with open_db(path) as db:
        db.insert_multiple({"n": n} for n in range(1000))
        db.update({"n": -1}, doc_ids=[500])
        db.remove(doc_ids=[1, 1000])
        db.table("people").insert({"name": "Анна 👩‍🚀   \x7f", "deep": [{"a": [None, True, 1.5]}]})
        db.table('qu"ote\n\\').insert(Document({"x": 1}, doc_id=41))
        before = contents(db)
    with open_db(path) as db:
        assert contents(db) == before
        assert db.table('qu"ote\n\\').insert({}) == 42


def test_the_file_is_a_plain_tinydb_file_after_close(open_db: Open, path: Path) -> None:
    with open_db(path) as db:
        db.insert_multiple({"n": n, "имя": "Ñandú"} for n in range(450))
        db.table("empty", persist_empty=True)
        db.table("people").insert({"name": "Ada"})
        before = contents(db)
    assert sorted(json.loads(path.read_text("utf-8")).keys() - {"emulator", "checksum"}) == sorted(before)
    with TinyDB(path, access_mode="r", encoding="utf-8") as stock:
        assert contents(stock) == before


def test_an_empty_file_is_a_plain_tinydb_file_too(open_db: Open, path: Path) -> None:
    with open_db(path):
        pass
    with TinyDB(path, access_mode="r") as stock:
        assert contents(stock) == {}


def test_close_by_hand_and_by_context(open_db: Open, path: Path) -> None:
    db = open_db(path)
    db.insert({"n": 1})
    db.close()
    with open_db(path) as again:
        assert again.all() == [{"n": 1}]
        again.insert({"n": 2})
    with open_db(path) as again:
        assert again.all() == [{"n": 1}, {"n": 2}]


def test_a_path_may_be_text(open_db: Open, path: Path) -> None:
    with open_db(str(path)) as db:  # type: ignore[arg-type]
        db.insert({"n": 1})
    assert path.exists()


def test_repr_tells_tables_and_counts(db: TinyDB) -> None:
    assert "tables_count=1" in repr(db)
    assert "total=3" in repr(db.table("_default"))
