"""The journal: bounded by count and by bytes, the oldest go first, nothing is lost without being counted."""

from __future__ import annotations

import asyncio
import json
import tracemalloc

import psutil
import pytest

from emulator.emulator import Emulator
from emulator.journal.journal import RequestJournal
from emulator.messages import Incoming
from emulator.settings import Settings
from tests.journal.entries import TOKEN, entry, listed


def filled(count: int, max_count: int = 100, max_bytes: int = 1 << 20) -> RequestJournal:
    journal = RequestJournal(max_count, max_bytes)
    for number in range(count):
        journal.record(entry(f"token-{number}"))
    return journal


def test_entries_get_ascending_ids_and_are_listed_newest_first() -> None:
    assert [one.id for one in listed(filled(3))] == [3, 2, 1]


def test_bound_by_count_drops_the_oldest_and_counts_them() -> None:
    journal = filled(25, max_count=10)
    assert [one.id for one in listed(journal)] == list(range(25, 15, -1))
    assert (len(journal), journal.recorded, journal.dropped) == (10, 25, 15)


def test_bound_by_bytes_drops_the_oldest_and_counts_them() -> None:
    journal = filled(50, max_bytes=10_000)
    assert 0 < len(journal) < 50
    assert journal.bytes <= 10_000
    assert journal.dropped == 50 - len(journal)


def test_entry_larger_than_the_whole_journal_is_dropped_itself() -> None:
    journal = filled(3, max_bytes=5_000)
    journal.record(entry("t", body="x" * 6_000))
    assert (len(journal), journal.bytes, journal.dropped) == (0, 0, 4)


def test_entry_is_found_by_its_id_while_it_is_kept() -> None:
    journal = filled(25, max_count=10)
    found = journal.get(20)
    assert found is not None
    assert json.loads(found.body)["subscriptions"][0]["subscription_id"] == "token-19"
    assert [journal.get(number) for number in (0, 15, 26)] == [None, None, None]


def test_clear_forgets_the_entries_and_ids_go_on() -> None:
    journal = filled(5, max_count=3)
    journal.clear()
    assert (len(journal), journal.bytes, journal.dropped) == (0, 0, 0)
    journal.record(entry("next"))
    assert [one.id for one in listed(journal)] == [6]
    assert journal.get(6) is not None


def test_before_pages_through_what_was_there_while_more_comes() -> None:
    journal = filled(5)
    first = [one.id for one in listed(journal)][:2]
    journal.record(entry("late"))
    assert [one.id for one in journal.readings(before=first[-1])] == [3, 2, 1]


def test_long_entries_stand_among_short_ones() -> None:
    journal = RequestJournal()
    bodies = ["short", "x" * 200_000, "next", "y" * 65_000, "", "last"]
    for body in bodies:
        journal.record(entry(body=body))
    assert [one.body for one in listed(journal)] == bodies[::-1]
    assert [one.id for one in journal.readings() if b"xxxx" in one.packed] == [2]


@pytest.mark.parametrize("length", [1_000, 7_000, 33_000, 45_000, 70_000])
def test_entries_of_any_length_take_little_more_memory_than_their_bytes(length: int) -> None:
    tracemalloc.start()
    journal = RequestJournal()
    for _ in range(200):
        journal.record(entry(body="x" * length))
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(journal) == 200
    # The buffer that entries are packed in stays, too; each entry costs an object.
    assert taken < journal.bytes + (128 << 10) + 200 * 150


def test_entries_that_have_to_go_while_they_are_listed_are_listed_as_they_were() -> None:
    journal = filled(300, max_count=300)
    kept = journal.readings()
    next(kept)
    for number in range(1000):
        journal.record(entry(f"later-{number}"))
    rest = [one.entry for one in kept]
    assert [one.id for one in rest] == list(range(299, 0, -1))
    assert all(f"token-{one.id - 1}" in one.body for one in rest)


def test_bytes_that_are_no_text_are_kept_as_they_came_and_shown_with_marks() -> None:
    journal = RequestJournal()
    journal.record(entry(body_bytes=b'{"id": "\xff\xfe"}'))
    found = journal.get(1)
    assert found is not None
    assert found.body_bytes == b'{"id": "\xff\xfe"}'
    assert found.body == '{"id": "\ufffd\ufffd"}'
    assert found.document() == {"id": "\ufffd\ufffd"}


def test_news_wakes_with_the_next_entry_and_with_clear_and_gives_up_in_time() -> None:
    async def run() -> list[bool]:
        journal = filled(1)
        loop = asyncio.get_running_loop()
        loop.call_soon(journal.record, entry("new"))
        by_entry = await journal.news(30)
        loop.call_soon(journal.clear)
        by_clear = await journal.news(30)
        return [by_entry, by_clear, await journal.news(0.01)]

    assert asyncio.run(run()) == [True, True, False]


@pytest.mark.parametrize("bound", [8 << 20])
def test_journal_under_60_000_requests_keeps_memory_under_its_bound(bound: int) -> None:
    """The whole way through the exchange; the state does not grow, for the subscription is the same."""
    emulator = Emulator(Settings(durability="none", journal_bytes=bound))
    journal = emulator.workspaces.default.requests
    subscriptions = [{"provider": "android-firebase", "subscription_id": "x" * 150}]
    body = json.dumps({"resource_token": TOKEN, "subscriptions": subscriptions}).encode()
    headers = {"content-type": "application/json"}
    incoming = Incoming("POST", "/push_subscribe", "", headers, body, "127.0.0.1:50000")
    process = psutil.Process()
    before = process.memory_info().rss
    for _ in range(60_000):
        emulator.exchange.handle(incoming)
    grown = process.memory_info().rss - before
    emulator.close()
    assert journal.bytes <= bound
    assert journal.recorded == 60_000
    assert len(journal) + journal.dropped == 60_000
    assert grown < bound * 2, f"{grown / 2**20:.1f} MiB for a journal of {bound / 2**20:.0f}"
