"""How the app's client registers push tokens: against an emulator, a workspace for each test."""

from __future__ import annotations

import pytest
from app_client import ATTEMPTS, PushRegistration, RegistrationFailed

from push_emulator import PushEmulator

FIREBASE = "android-firebase"


@pytest.fixture
def app(push_emulator: PushEmulator) -> PushRegistration:
    """The client under test: it is given the emulator's address, and does not really pause."""
    token = push_emulator.resource_token or "3LXP2FRcRxJ-7b14db88ec937f14"
    return PushRegistration(push_emulator.url, token, timeout_s=0.5, pause=lambda seconds: None)


def test_token_is_registered_once(app: PushRegistration, push_emulator: PushEmulator) -> None:
    profile_id = app.register("t1", FIREBASE)
    push_emulator.verify(subscription_id="t1", provider=FIREBASE, outcome="added").once()
    (stored,) = push_emulator.client.subscriptions.all(subscription_id="t1")
    assert (stored.profile_id, stored.active) == (profile_id, True)


def test_customer_is_found_by_number(app: PushRegistration, push_emulator: PushEmulator) -> None:
    anna = push_emulator.profile(CustomNumber1=5)
    assert app.register("t1", FIREBASE, customer=5) == anna.id
    push_emulator.verify({"field.CustomNumber1": 5}, rule="M3").once()


def test_token_is_unregistered(app: PushRegistration, push_emulator: PushEmulator) -> None:
    app.register("t1", FIREBASE)
    app.unregister("t1", FIREBASE)
    push_emulator.verify(subscription_id="t1", unsubscribe=True, outcome="changed").once()


def test_unavailable_server_is_tried_again(app: PushRegistration, push_emulator: PushEmulator) -> None:
    push_emulator.fault(status=503, times=2)
    app.register("t1", FIREBASE)
    push_emulator.verify(subscription_id="t1").times(3)
    (attempts,) = push_emulator.client.requests.attempts()
    assert (attempts.by, attempts.outcomes) == ("request_id", ["fault", "fault", "added"])


def test_lost_answer_does_not_register_twice(app: PushRegistration, push_emulator: PushEmulator) -> None:
    """The first attempt did its work, and then the connection broke."""
    push_emulator.fault("connection_reset", after=True, times=1)
    profile_id = app.register("t1", FIREBASE)
    (stored,) = push_emulator.client.subscriptions.all(subscription_id="t1")
    assert stored.profile_id == profile_id


@pytest.mark.parametrize("fault", ["empty_response", "truncated_body", "malformed_json"])
def test_unreadable_answer_is_tried_again(
    app: PushRegistration, push_emulator: PushEmulator, fault: str
) -> None:
    push_emulator.fault(fault, times=1)
    app.register("t1", FIREBASE)
    push_emulator.verify(subscription_id="t1").times(2)


def test_answer_that_comes_too_late_is_not_waited_for(
    app: PushRegistration, push_emulator: PushEmulator
) -> None:
    push_emulator.fault(delay_ms=60_000, times=1)
    app.register("t1", FIREBASE)
    push_emulator.verify(subscription_id="t1").times(2)


def test_client_gives_up(app: PushRegistration, push_emulator: PushEmulator) -> None:
    push_emulator.fault(rate_limit=0.01)
    app.register("the one that passes", FIREBASE)
    with pytest.raises(RegistrationFailed, match="HTTP 429"):
        app.register("t1", FIREBASE)
    push_emulator.verify(subscription_id="t1", status=429).times(ATTEMPTS)


def test_refusal_is_not_tried_again(app: PushRegistration, push_emulator: PushEmulator) -> None:
    with pytest.raises(RegistrationFailed, match="unknown provider"):
        app.register("t1", "carrier-pigeon")
    push_emulator.verify(subscription_id="t1").once()


def test_duplicate_token_is_reported(app: PushRegistration, push_emulator: PushEmulator) -> None:
    push_emulator.fault(item_error="duplicate")
    with pytest.raises(RegistrationFailed, match="Duplicate push subscription"):
        app.register("t1", FIREBASE)


def test_registration_has_the_time_of_the_server(app: PushRegistration, push_emulator: PushEmulator) -> None:
    push_emulator.freeze("2026-01-01T00:00Z")
    app.register("t1", FIREBASE)
    push_emulator.advance("1d")
    app.unregister("t1", FIREBASE)
    (stored,) = push_emulator.client.subscriptions.all(subscription_id="t1")
    assert (stored.created, stored.updated) == ("2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z")
