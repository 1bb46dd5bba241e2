"""No request that needs no admin token costs more than a bounded multiple of its bytes and its items."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Callable
from functools import cache
from pathlib import Path
from time import process_time
from typing import Any

import orjson
import pytest

from benchmarks.dearest import SIZE, TOKEN, bodies, cost, emulator_with, fan_outs
from emulator.emulator import Emulator
from emulator.journal.entry import Entry
from emulator.journal.journal import MOST_ANSWER, MOST_KEPT, MOST_TEXT, RequestJournal, bound
from emulator.loop.gc_pause import collections_paused
from emulator.rules.lints import MOST_LINTS
from emulator.rules.model import MAX_ERROR_TEXT, Changes, Decided, Moved, Policies, Profile, Subscription
from emulator.workspaces.settings import WorkspaceSettings
from tests.server import PAGE_TOKEN, Server, subscription

#: One request may cost so many times what Python takes to read a document of the same size.
MULTIPLE = 5
#: An entry of the journal has at most these bytes, of which the body is 1 MiB.
MOST_OF_ENTRY = 4 << 20


#: The names of the bodies, read from small ones: the 100 MiB are made when the first test needs one.
BODIES = pytest.mark.parametrize("name", [name for name, _ in bodies(2000)])


@cache
def full_bodies() -> dict[str, bytes]:
    return dict(bodies())


def journal_of(emulator: Emulator) -> RequestJournal:
    return emulator.workspaces.default.requests


def newest(emulator: Emulator) -> Entry:
    entry = next(journal_of(emulator).readings()).entry
    assert entry is not None
    return entry


def fastest_ms(work: Callable[[], object], times: int = 3) -> float:
    """The least of the processor's time of several runs: the others were disturbed."""
    took = []
    for _ in range(times):
        since = process_time()
        work()
        took.append((process_time() - since) * 1000)
    return min(took)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Emulator:
    return emulator_with(tmp_path_factory.mktemp("three"), 3)


@pytest.fixture(scope="module")
def reading_ms() -> float:
    return fastest_ms(lambda: json.loads(b"[" + b"[]," * (SIZE // 3) + b"1]"))


@BODIES
def test_no_request_of_1_MiB_costs_more_than_reading_a_document_a_few_times(
    emulator: Emulator, reading_ms: float, name: str
) -> None:
    body = full_bodies()[name]
    assert len(body) <= 1 << 20
    # Three attempts: others may have disturbed the first.
    assert any(cost(emulator, body)[0] <= MULTIPLE * reading_ms for _ in range(3)), name


@pytest.mark.parametrize("name", ["deep objects with a key twice", "objects for entries"])
def test_very_many_objects_are_not_read_whole_to_say_more_about_them(emulator: Emulator, name: str) -> None:
    body = full_bodies()[name]
    took = min(cost(emulator, body)[0] for _ in range(3))
    with collections_paused():
        assert took < 0.7 * fastest_ms(lambda: orjson.loads(body)), name


@BODIES
def test_an_entry_of_the_journal_is_bounded_whatever_is_sent(emulator: Emulator, name: str) -> None:
    journal = journal_of(emulator)
    journal.clear()
    _, answer = cost(emulator, full_bodies()[name])
    assert journal.bytes <= MOST_OF_ENTRY, name
    entry = newest(emulator)
    assert len(entry.error_text.encode()) <= MAX_ERROR_TEXT
    if answer.status != 200:
        assert len(json.loads(answer.body)["error_text"].encode()) <= MAX_ERROR_TEXT
    assert max(Counter(lint.rule for lint in entry.lints).values(), default=0) <= MOST_LINTS + 1
    assert all(len(lint.path) + len(lint.text) < 400 for lint in entry.lints)


def test_a_request_over_twice_the_databases_costs_about_twice_as_much(tmp_path: Path) -> None:
    took = {}
    for databases in (40, 80):
        folder = tmp_path / str(databases)
        folder.mkdir()
        added = []
        for _ in range(3):
            body = next(iter(fan_outs(databases)))[1]
            added.append(cost(emulator_with(folder, databases), body)[0])
        took[databases] = min(added)
    assert took[80] <= 3 * took[40]


def test_a_request_over_what_is_there_keeps_no_record_of_each_entry_in_each_database(tmp_path: Path) -> None:
    emulator = emulator_with(tmp_path, 40)
    (_, added), (_, there), *_ = fan_outs(40)
    cost(emulator, added)
    cost(emulator, there)
    tracemalloc.start()
    try:
        cost(emulator, there)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 250 * 4000


def test_an_entry_over_many_databases_is_bounded_and_says_how_many_more(tmp_path: Path) -> None:
    emulator = emulator_with(tmp_path, 40)
    (_, added), *_ = fan_outs(40)
    answer = cost(emulator, added)[1]
    assert answer.summary.ok == 4000
    entry = newest(emulator)
    assert entry.changes is not None
    assert len(entry.changes.subscriptions) == MOST_KEPT
    noted = Counter(one.rule for one in entry.decided)
    assert noted["S1"] < 4000
    assert [one.detail for one in entry.decided if one.rule == "S1"][
        -1
    ] == f"and {4000 - noted['S1'] + 1} more"
    assert journal_of(emulator).bytes <= MOST_OF_ENTRY


def test_what_an_entry_keeps_says_how_much_it_leaves_out() -> None:
    decided = [Decided("S1", 1, "added")] * (MOST_KEPT + 5) + [Decided("A1", None, "error", (0,))]
    answer, body = b"x" * (MOST_ANSWER + 7), b"x" * SIZE
    entry = Entry(1, 0, "POST", "/", "", "", {}, body, 200, 0, "", answer, 0.0, decided)
    entry.changes = Changes([Profile("a", 1, {"text": "x" * SIZE})])
    bound(entry)
    assert entry.decided[MOST_KEPT:] == [
        Decided("S1", None, "more", (5,)),
        Decided("A1", None, "more", (1,)),
    ]
    assert entry.answer_bytes.endswith("x… and 7 more bytes".encode())
    assert entry.changes == Changes()


def test_an_entry_counts_the_stored_fields_of_what_an_sdk_s_call_changed() -> None:
    text = "x" * (MOST_TEXT // 10)
    held = [
        Subscription("h", 1, f"p{at}", 1, "ios-apns", "t", "suspended", "", "", {"a": text})
        for at in range(50)
    ]
    profiles = [Profile(f"p{at}", 1, {"a": text}) for at in range(50)]
    entry = Entry(1, 0, "POST", "/", "", "", {}, b"{}", 200, 0, "", b"{}", 0.0)
    entry.changes = Changes([], held, profiles, [Moved(one, one) for one in held])
    bound(entry)
    kept = entry.changes
    assert [len(kept.subscriptions), len(kept.changed_profiles), len(kept.moved)] == [9, 10, 4]

    # On a clock that stands, what is changed looks as if it were made at that moment.
    entry.changes, entry.outcomes = Changes([], held), ["added"]
    bound(entry)
    assert len(entry.changes.subscriptions) == 9


def test_L1_many_unknown_parameters_are_named_as_far_as_they_are_shown(fresh: Server) -> None:
    body = {f"unknown{number}": 1 for number in range(50)}
    fresh.push(subscriptions=[subscription("t")], **body)
    lints = fresh.get("/__admin/requests").json["items"][0]["lints"]
    assert [one["path"] for one in lints if one["rule"] == "L1"] == [
        *(f"unknown{number}" for number in range(MOST_LINTS)),
        "body",
    ]
    assert [one["text"] for one in lints if one["path"] == "body"] == ["and 30 more unknown parameters"]


def test_110_000_foreign_databases_are_answered_and_leave_a_small_entry(fresh: Server) -> None:
    foreign = list(range(1000, 111_000))
    answer = fresh.push(subscriptions=[subscription("t")], db_ids=[17, *foreign])
    assert answer["error"] == 0
    page = fresh.get("/__admin/requests").json
    texts = [one["text"] for one in page["items"][0]["lints"] if one["rule"] == "L4"]
    assert (len(texts), texts[0]) == (MOST_LINTS + 1, "database 1000 is not one of the resource's")
    assert texts[-1] == f"and {len(foreign) - MOST_LINTS} more that are not the resource's"
    assert page["bytes"] <= 1 << 20


def test_1_MiB_of_unknown_parameters_is_answered_like_any_other_request(fresh: Server) -> None:
    body = json.dumps({"resource_token": PAGE_TOKEN, "subscriptions": [subscription("t")]})[:-1].encode()
    body += b"".join(b',"k%x":1' % number for number in range(90_000)) + b"}"
    headers = {"Content-Type": "application/json"}
    assert fresh.request("POST", "/push_subscribe", body, headers).json["error"] == 0
    entry = fresh.get("/__admin/requests").json["items"][0]
    assert [one["path"] for one in entry["lints"] if one["rule"] == "L1"] == ["k0", "body"]
    fresh.request("PATCH", "/__admin/settings", b'{"strict": true}', headers)
    refused = fresh.request("POST", "/push_subscribe", body, headers)
    assert (refused.status, refused.json["error_text"].partition(";")[0]) == (400, "k0: unknown parameter")


@pytest.mark.parametrize("last", ["subscribed", "unsubscribed"])
def test_a_token_that_moved_often_costs_no_more_than_one_that_moved_seldom(tmp_path: Path, last: str) -> None:
    took = {}
    for moves in (500, 4000):
        folder = tmp_path / str(moves)
        folder.mkdir()
        emulator = emulator_with(folder, 1)
        workspace = emulator.workspaces.default
        workspace.settings = WorkspaceSettings(Policies(duplicate_token="move"))
        entry = subscription("moving")
        for number in range(moves):
            body = {"resource_token": TOKEN, "id": f"p{number}", "subscriptions": [entry]}
            cost(emulator, json.dumps(body).encode())
        if last == "unsubscribed":
            off = {**entry, "unsubscribe": True}
            body = {"resource_token": TOKEN, "id": f"p{moves - 1}", "subscriptions": [off]}
            cost(emulator, json.dumps(body).encode())
        decoded = workspace.store.storage.state.table("subscriptions")
        counted = _Counted(decoded.decode)
        decoded.decode = counted
        body = {"resource_token": TOKEN, "id": "new", "subscriptions": [entry]}
        answer = cost(emulator, json.dumps(body).encode())[1]
        assert answer.summary.ok == 1
        took[moves] = counted.calls
    assert took[500] == took[4000] < 10


def test_L9_a_token_in_another_case_costs_no_more_where_many_cases_are_stored(tmp_path: Path) -> None:
    emulator = emulator_with(tmp_path, 1)
    table = emulator.workspaces.default.store.storage.state.table("subscriptions")
    calls = []
    for number in range(300):
        token = "".join(c.upper() if number >> at & 1 else c for at, c in enumerate("abcdefghij"))
        table.decode = counted = _Counted(getattr(table.decode, "decode", table.decode))
        body = {"resource_token": TOKEN, "id": f"p{number}", "subscriptions": [subscription(token)]}
        cost(emulator, json.dumps(body).encode())
        calls.append(counted.calls)
    assert [one.rule for one in newest(emulator).lints if one.rule == "L9"] == ["L9"]
    assert calls[299] == calls[20] <= calls[2] < 10


class _Counted:
    """A decoder that counts."""

    def __init__(self, decode: Callable[[bytes], Any]) -> None:
        self.decode = decode
        self.calls = 0

    def __call__(self, document: bytes) -> Any:
        self.calls += 1
        return self.decode(document)
