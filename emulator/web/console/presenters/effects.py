"""What a fault does to an answer, and did to it, in words."""

from __future__ import annotations

from emulator.faults.model import ITEM_TEXTS, ErrorAnswer, Fault, ItemFault, RateLimit
from emulator.web.console.language import gettext, number

#: Every effect that a fault can have, by the name that the form of a fault gives it.
EFFECTS = {
    "status": "an error answer",
    "delay": "the answer of the rules, only later",
    "connection_reset": "connection reset",
    "empty_response": "connection closed without an answer",
    "truncated_body": "body cut off",
    "malformed_json": "broken JSON",
    "slow_body": "body sent slowly",
    "rate_limit": "error 429 above a number of requests per second",
    **{f"item_error.{name}": f"an error in every item: {text}" for name, text in ITEM_TEXTS.items()},
}


def effect(name: str) -> str:
    """The words for the effect of this name."""
    return gettext(EFFECTS[name])


def effect_of(fault: Fault) -> str:
    """What becomes of the answer."""
    then = fault.then
    if isinstance(then, ErrorAnswer):
        return f"HTTP {then.status}, error {then.code}: {then.text}"
    if isinstance(then, RateLimit):
        return gettext("error 429 above %(rate)s requests per second", rate=number(then.per_second))
    if isinstance(then, ItemFault):
        return effect(f"item_error.{then.item_error}")
    return effect(then or "delay")
