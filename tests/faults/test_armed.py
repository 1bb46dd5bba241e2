"""Which fault a request meets: order, times, chance, rate."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from emulator.faults.armed import ArmedFaults
from emulator.faults.model import ErrorAnswer, Fault, FaultMatch, RateLimit
from emulator.rules.errors import Refused
from emulator.rules.model import PushRequest, SubscriptionRequest


def a_request(*tokens: str, provider: str = "android-firebase", **more: Any) -> PushRequest:
    entries = [SubscriptionRequest(provider, token) for token in tokens or ("t",)]
    return PushRequest("resource", entries, **more)


def armed(*faults: Fault, seed: str | None = None) -> ArmedFaults:
    """These faults, with the ids that they get."""
    made = ArmedFaults(seed)
    made.replace([replace(fault, id=made.new_id()) for fault in faults])
    return made


def struck(faults: ArmedFaults, request: PushRequest | None = None) -> str | None:
    fault = faults.find(request or a_request(), False)
    return fault.id if fault else None


def test_faults_get_ids_in_the_order_in_which_they_are_armed() -> None:
    assert [fault.id for fault in armed(Fault(""), Fault(""), Fault(""))] == ["f1", "f2", "f3"]


def test_new_fault_does_not_take_the_id_of_one_from_before_a_restart() -> None:
    faults = ArmedFaults()
    faults.replace([Fault("f1", times=5)])
    assert faults.new_id() == "f2"


def test_first_armed_fault_that_matches_strikes() -> None:
    faults = armed(Fault("", FaultMatch(provider="ios-apns")), Fault(""))
    assert [struck(faults), struck(faults, a_request(provider="ios-apns"))] == ["f2", "f1"]


def test_fault_without_times_left_does_not_strike() -> None:
    assert struck(armed(Fault("", times=1), Fault(""))) == "f1"
    assert struck(armed(Fault("", times=0), Fault(""))) == "f2"


def test_what_a_fault_without_times_has_counted_is_not_lost_to_what_was_stored() -> None:
    faults = ArmedFaults()
    faults.replace([Fault("f1"), Fault("f2", times=2)])
    for fault in faults:
        fault.fired = 5
    faults.replace([Fault("f1"), Fault("f2", times=2)])
    assert [fault.fired for fault in faults] == [5, 0]


@pytest.mark.parametrize(
    ("match", "strikes"),
    [
        (FaultMatch(), True),
        (FaultMatch(provider="android-firebase"), True),
        (FaultMatch(provider="ios-apns"), False),
        (FaultMatch(subscription_id="b"), True),
        (FaultMatch(subscription_id="c"), False),
        (FaultMatch(provider="android-firebase", subscription_id="a"), True),
        (FaultMatch(resource_token="resource"), True),
        (FaultMatch(resource_token="other"), False),
        (FaultMatch(field_value=100), True),
        (FaultMatch(field_value="100"), True),
        (FaultMatch(field_value=101), False),
        (FaultMatch(resource_token="resource", subscription_id="c"), False),
    ],
)
def test_all_criteria_must_hold(match: FaultMatch, strikes: bool) -> None:
    faults = armed(Fault("", match))
    assert (struck(faults, a_request("a", "b", field_value=100)) is not None) == strikes


@pytest.mark.parametrize(
    ("wanted", "sent", "same"),
    [
        (True, True, True),
        (True, "true", True),
        (True, "TRUE", True),
        ("true", True, True),
        (False, "false", True),
        (True, False, False),
        (True, "false", False),
        (True, 1, False),
        (1, True, False),
        (True, "1", False),
        (False, 0, False),
        (False, "", False),
        (False, None, False),
        (0, None, False),
        ("None", None, False),
        (100, "100", True),
        ("100", 100, True),
        (100, 100.0, True),
        (100, "1e2", True),
        (1.5, "1.50", True),
        (0.0, "-0", True),
        (1.5, "1,5", False),
        (100, "hundred", False),
        (2**53 + 1, str(2**53), False),
        (2**53 + 1, str(2**53 + 1), True),
        ("100", "100.0", False),
        ("+79001234567", "79001234567", False),
        ("Anna", "Anna", True),
        ("Anna", "anna", False),
    ],
)
def test_M5_field_value_of_a_match_compares_as_field_values_do(wanted: Any, sent: Any, same: bool) -> None:
    faults = armed(Fault("", FaultMatch(field_value=wanted)))
    assert (struck(faults, a_request("t", field_value=sent)) is not None) == same


def drawn(seed: str | None, count: int = 64) -> list[bool]:
    faults = armed(Fault("", probability=0.5), seed=seed)
    return [struck(faults) is not None for _ in range(count)]


def test_chance_is_the_same_with_the_same_seed_and_another_with_another() -> None:
    assert drawn("7/default") == drawn("7/default") != drawn("8/default")
    assert set(drawn("7/default")) == {True, False}


def test_chance_starts_anew_when_all_are_disarmed() -> None:
    faults = ArmedFaults("7")
    rounds = []
    for _ in range(2):
        faults.replace([Fault("f1", probability=0.5)])
        rounds.append([struck(faults) is not None for _ in range(64)])
        faults.replace([])
    assert rounds[0] == rounds[1]


def test_probability_one_always_strikes() -> None:
    faults = armed(Fault("", probability=1.0))
    assert all(struck(faults) for _ in range(100))


def test_random_delay_is_within_its_bounds_and_the_same_with_the_same_seed() -> None:
    fault = Fault("", delay_ms=(100, 200))
    first, again = ArmedFaults("7"), ArmedFaults("7")
    delays = [first.delay_s(fault) for _ in range(100)]
    assert all(0.1 <= delay <= 0.2 for delay in delays)
    assert delays == [again.delay_s(fault) for _ in range(100)]
    assert first.delay_s(Fault("", delay_ms=1500)) == 1.5


def test_rate_limit_lets_through_one_seconds_worth_at_once_and_fills_up_with_time() -> None:
    now = 100.0
    faults = ArmedFaults(now=lambda: now)
    faults.replace([Fault("f1", then=RateLimit(2))])
    assert [struck(faults) for _ in range(4)] == [None, None, "f1", "f1"]
    now += 0.5
    assert [struck(faults) for _ in range(2)] == [None, "f1"]
    now += 3600
    assert [struck(faults) for _ in range(3)] == [None, None, "f1"]


def test_full_rate_limit_lets_twice_the_rate_through_in_its_first_second_then_the_rate() -> None:
    now = 100.0
    faults = ArmedFaults(now=lambda: now)
    faults.replace([Fault("f1", then=RateLimit(5))])
    passed = []
    for _ in range(3):
        passed.append(0)
        for _ in range(100):
            passed[-1] += struck(faults) is None
            now += 0.01
    assert 9 <= passed[0] <= 10
    assert all(4 <= count <= 6 for count in passed[1:])


def test_request_under_the_rate_limit_meets_the_next_fault() -> None:
    faults = armed(Fault("", then=RateLimit(0.001)), Fault("", then=ErrorAnswer(503)))
    assert [struck(faults), struck(faults)] == ["f2", "f1"]


def test_token_goes_before_armed_faults_and_is_not_looked_for_where_there_is_none() -> None:
    faults = armed(Fault(""))
    token = a_request("t", "emu!503")
    fault = faults.find(token, True)
    assert fault is not None
    assert (fault.id, fault.then) == ("emu!503", ErrorAnswer(503))
    with pytest.raises(Refused, match=r"subscriptions\[0\]\.subscription_id: unknown fault"):
        faults.find(a_request("emu!nonsense"), True)
