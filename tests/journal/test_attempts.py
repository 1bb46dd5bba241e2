"""The retry lens: attempts at the same thing, told by Request-ID or by the body."""

from __future__ import annotations

import asyncio

from emulator.journal.attempts import Attempts
from emulator.journal.journal import RequestJournal
from push_emulator.journal_answers import AttemptGroup
from tests.journal.entries import entry


def journal_of(*entries: dict[str, object]) -> RequestJournal:
    journal = RequestJournal()
    for number, values in enumerate(entries):
        token = str(values.pop("token", f"t{number}"))
        journal.record(entry(token, **{"at_ms": 1000 * (number + 1) + number * number, **values}))
    return journal


def groups(journal: RequestJournal, limit: int = 100) -> list[AttemptGroup]:
    return asyncio.run(Attempts(journal).groups(limit))


def test_one_request_id_is_one_group_with_its_gaps_and_outcomes() -> None:
    retried = {"headers": {"request-id": "r-1"}}
    journal = journal_of(
        {**retried, "status": 503, "error": 503, "fault": "f1"}, {}, {**retried, "outcomes": ["unchanged"]}
    )
    (group,) = groups(journal)
    assert (group.by, group.entries, group.gaps_ms) == ("request_id", [1, 3], [2004])
    assert (group.outcomes, group.statuses) == (["fault", "unchanged"], [503, 200])


def test_identical_bodies_are_one_group() -> None:
    (group,) = groups(journal_of({"token": "same"}, {"token": "other"}, {"token": "same"}))
    assert (group.by, group.entries) == ("body", [1, 3])


def test_identical_bodies_on_different_paths_are_no_group() -> None:
    delivery, opening = ({"token": "same", "path": f"/event/push/{kind}"} for kind in ("delivery", "open"))
    assert groups(journal_of(delivery, opening)) == []


def test_identical_bodies_are_one_group_although_each_attempt_has_a_request_id_of_its_own() -> None:
    first, second = ({"token": "same", "headers": {"x-request-id": name}} for name in ("a", "b"))
    (group,) = groups(journal_of(first, second))
    assert (group.by, group.entries) == ("body", [1, 2])


def test_an_sdk_s_calls_are_attempts_by_their_request_id_or_else_of_one_caller() -> None:
    def sent(who: str, request_id: str = "") -> dict[str, object]:
        headers = {"authorization": f"Bearer {who}"} | ({"request-id": request_id} if request_id else {})
        return {"token": "same", "path": "/subscription/push/unsuspend/", "headers": headers}

    log_in_out_in = sent("jwt", "a"), sent("rtoken@r", "b"), sent("jwt", "c")
    assert groups(journal_of(*log_in_out_in)) == []
    (retried,) = groups(journal_of(*log_in_out_in, sent("another jwt", "c")))
    assert (retried.by, retried.entries) == ("request_id", [3, 4])
    (old,) = groups(journal_of(sent("jwt"), sent("rtoken@r"), sent("jwt")))
    assert (old.by, old.entries) == ("body", [1, 3])


def test_single_requests_and_empty_bodies_are_no_group() -> None:
    assert groups(journal_of({}, {}, {"body": ""}, {"body": ""})) == []


def test_most_recent_group_comes_first_and_limit_keeps_those() -> None:
    journal = journal_of({"token": "a"}, {"token": "b"}, {"token": "b"}, {"token": "a"})
    assert [group.entries for group in groups(journal)] == [[1, 4], [2, 3]]
    assert [group.entries for group in groups(journal, limit=1)] == [[1, 4]]


def test_what_the_journal_lost_when_it_was_read_anew_is_in_no_group() -> None:
    journal = journal_of({"token": "same"}, {"token": "same"})
    attempts = Attempts(journal)
    assert [one.entries for one in asyncio.run(attempts.groups(10))] == [[1, 2]]
    kept, other = journal.packed()[:1], journal_of({}, {"token": "other"}).packed()[1:]
    journal.refill(kept + other, 2, journal.epoch)
    assert asyncio.run(attempts.groups(10)) == []
