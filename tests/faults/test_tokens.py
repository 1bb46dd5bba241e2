"""``emu!`` tokens: faults for builds that can only send tokens."""

from __future__ import annotations

from typing import Any

import pytest

from emulator.faults.model import ErrorAnswer, ItemFault
from emulator.faults.tokens import parse_token


@pytest.mark.parametrize(
    ("token", "then", "delay_ms", "after"),
    [
        ("emu!400", ErrorAnswer(400), 0, False),
        ("emu!599", ErrorAnswer(599), 0, False),
        ("emu!reset", "connection_reset", 0, False),
        ("emu!empty", "empty_response", 0, False),
        ("emu!truncated", "truncated_body", 0, True),
        ("emu!malformed", "malformed_json", 0, True),
        ("emu!slow", "slow_body", 0, True),
        ("emu!duplicate", ItemFault("duplicate"), 0, False),
        ("emu!provider", ItemFault("provider"), 0, False),
        ("emu!unknown-field", ItemFault("unknown_field"), 0, False),
        ("emu!invalid-value", ItemFault("invalid_value"), 0, False),
        ("emu!delay=2000", None, 2000, False),
        ("emu!after!reset", "connection_reset", 0, True),
        ("emu!after!503", ErrorAnswer(503), 0, True),
        ("emu!delay=100!after!empty", "empty_response", 100, True),
        ("emu!503!#phone-7", ErrorAnswer(503), 0, False),
    ],
)
def test_token_asks_for_this_fault(token: str, then: Any, delay_ms: int, after: bool) -> None:
    fault = parse_token(token)
    assert (fault.id, fault.then, fault.delay_ms, fault.after) == (token, then, delay_ms, after)


@pytest.mark.parametrize(
    "token",
    [
        "emu!",
        "emu!after",
        "emu!#only-unique",
        "emu!delay=0",
        "emu!399",
        "emu!600",
        "emu!٥٠٣",
        "emu!Reset",
        "emu!delay=",
        "emu!delay=-1",
        "emu!delay=600001",
        "emu!delay=1.5",
        "emu!delay=" + "9" * 5000,
        "emu!" + "9" * 5000,
        "emu!503!504",
        "emu!reset!empty",
        "emu!after!provider",
    ],
)
def test_token_that_means_nothing_is_refused(token: str) -> None:
    with pytest.raises(ValueError, match=r"^(unknown fault \"|\"emu!|delay must be)"):
        parse_token(token)
