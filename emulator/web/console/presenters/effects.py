"""What a fault does to an answer, in words."""

from __future__ import annotations

from emulator.faults.model import ITEM_TEXTS, ErrorAnswer, Fault, ItemFault, RateLimit
from emulator.web.console.language import gettext, number

#: Every effect that a fault can have, by the name that the form of a fault gives it.
EFFECTS = {
    "status": "an error answer",
    "delay": "the answer of the rules, only later",
    "connection_reset": "no answer: the connection is reset",
    "empty_response": "no answer: the connection is closed",
    "truncated_body": "the answer, cut off",
    "malformed_json": "the answer, with broken JSON",
    "slow_body": "the answer, sent slowly",
    "rate_limit": "error 429 above a number of requests per second",
    **{f"item_error.{name}": f"an error in every item: {text}" for name, text in ITEM_TEXTS.items()},
}


def effect_of(fault: Fault) -> str:
    """What becomes of the answer."""
    then = fault.then
    if isinstance(then, ErrorAnswer):
        return f"HTTP {then.status}, error {then.code}: {then.text}"
    if isinstance(then, RateLimit):
        return gettext("error 429 above %(rate)s requests per second", rate=number(then.per_second))
    if isinstance(then, ItemFault):
        return gettext(EFFECTS[f"item_error.{then.item_error}"])
    return gettext(EFFECTS[then or "delay"])
