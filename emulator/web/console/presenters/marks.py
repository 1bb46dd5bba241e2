"""Small ways to write values, for the templates, and what a fault does, in words."""

from typing import Any

from emulator.faults.model import ITEM_TEXTS, ErrorAnswer, Fault, ItemFault, RateLimit
from emulator.rules.model import Decided, Lint
from emulator.rules.notes import NOTES, WORDS
from emulator.web.console.language import gettext, number
from emulator.web.console.presenters.text import highlight, isolated, visible
from push_emulator.masking import mask

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


def short(text: Any, length: int = 24) -> str:
    """A long text without its middle."""
    whole = str(text)
    if len(whole) <= length:
        return whole
    return f"{whole[: length * 2 // 3]}…{whole[-length // 3 :]}"


def ms(value: float) -> str:
    """A duration in milliseconds."""
    return gettext("%(number)s ms", number=number(round(value, 1 if value < 10 else 0)))


def seconds(value: float) -> str:
    """A duration in seconds."""
    return gettext("%(number)s s", number=number(round(value)))


def size(value: int) -> str:
    """A size in bytes, KiB or MiB."""
    if value >= 1 << 20:
        return gettext("%(number)s MiB", number=number(round(value / (1 << 20), 1)))
    if value >= 1 << 10:
        return gettext("%(number)s KiB", number=number(round(value / (1 << 10), 1)))
    return gettext("%(number)s B", number=value)


def value(value: Any) -> str:
    """A field's value, as JSON would say it where that matters."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def told(note: Decided | Lint) -> str:
    """What a rule or a lint noted, in the page's language."""
    words = WORDS.get(note.code, ())
    parameters = [gettext(str(one)) if at in words else one for at, one in enumerate(note.parameters)]
    return gettext(NOTES[note.code]).format(*parameters)


FILTERS = (
    *(effect, gettext, highlight, isolated, mask, ms, number, seconds, short, size),
    *(told, value, visible),
)
