"""What a fault makes of an answer."""

from __future__ import annotations

import json

import pytest

from emulator.faults.answering import fault_answer, replaces_answer, spoil
from emulator.faults.model import SPOILS, ErrorAnswer, Fault, ItemFault, RateLimit
from emulator.messages import Answer, Delivery


def test_error_answer_is_the_documented_envelope_with_its_own_words_or_ours() -> None:
    own = fault_answer(Fault("f1", then=ErrorAnswer(503, 7, "out of order")))
    assert own.status == 503
    assert json.loads(own.body) == {"data": [], "error": 7, "error_text": "out of order"}
    ours = fault_answer(Fault("f1", then=ErrorAnswer(503)))
    assert json.loads(ours.body) == {"data": [], "error": 503, "error_text": "Fault: Service Unavailable"}
    assert json.loads(fault_answer(Fault("f1", then=ErrorAnswer(599))).body)["error_text"] == "Fault: 599"


def test_an_item_error_on_a_call_without_items_is_said_in_the_items_words() -> None:
    answer = fault_answer(Fault("f1", then=ItemFault("unknown_field")))
    assert answer.status == 400
    assert json.loads(answer.body)["error_text"] == "matching error: unknown field"


def test_rate_limit_answers_429_and_when_to_come_again() -> None:
    answer = fault_answer(Fault("f1", then=RateLimit(5)))
    assert answer.status == 429
    assert ("Retry-After", "1") in answer.headers


@pytest.mark.parametrize("then", SPOILS)
@pytest.mark.parametrize("after", [False, True])
def test_only_a_spoiled_answer_after_the_change_is_the_requests_own(then: str, after: bool) -> None:
    own = after and then in ("truncated_body", "malformed_json", "slow_body")
    assert replaces_answer(Fault("f1", then=then, after=after)) != own  # type: ignore[arg-type]


def test_delay_alone_replaces_nothing() -> None:
    assert not replaces_answer(Fault("f1", delay_ms=100))


def test_malformed_json_cuts_the_json_but_not_the_answer() -> None:
    spoiled = spoil(Answer(200, [], b'{"data":[]}'), Fault("f1", then="malformed_json", after=True), 0)
    assert spoiled.delivery is None
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        json.loads(spoiled.body)


@pytest.mark.parametrize("effect", ["connection_reset", "empty_response", "truncated_body", "slow_body"])
def test_effects_on_the_wire_and_delays_are_left_to_the_delivery(effect: str) -> None:
    spoiled = spoil(Answer(200, [], b"{}"), Fault("f1", then=effect), 1.5)  # type: ignore[arg-type]
    assert spoiled.body == b"{}"
    assert spoiled.delivery == Delivery(1.5, effect)  # type: ignore[arg-type]


def test_item_fault_and_error_leave_the_delivery_alone() -> None:
    for then in (ItemFault("duplicate"), ErrorAnswer(500)):
        assert spoil(Answer(200, [], b"{}"), Fault("f1", then=then), 0).delivery is None
