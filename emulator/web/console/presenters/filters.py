"""The templates' filters: values, faults and clients' texts as pages show them, JSON in colours."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from markupsafe import Markup

from emulator.faults.model import ITEM_TEXTS, ErrorAnswer, Fault, ItemFault, RateLimit
from emulator.journal.spelling import readable
from emulator.rules.model import Decided, Lint
from emulator.rules.notes import NOTES, WORDS
from emulator.web.console.language import gettext, number
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
    """The effect on the answer."""
    then = fault.then
    if isinstance(then, ErrorAnswer):
        return f"HTTP {then.status}, error {then.code}: {then.text}"
    if isinstance(then, RateLimit):
        return gettext("error 429 above %(rate)s requests per second", rate=number(then.per_second))
    if isinstance(then, ItemFault):
        return effect(f"item_error.{then.item_error}")
    return effect(then or "delay")


def short(text: Any, length: int = 24) -> str:
    """A long text, shortened in the middle."""
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
    """A field's value, in JSON where it could be mistaken."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def told(note: Decided | Lint) -> str:
    """The note of a rule or a lint, in the page's language."""
    words = WORDS.get(note.code, ())
    parameters = [gettext(str(one)) if at in words else one for at, one in enumerate(note.parameters)]
    return gettext(NOTES[note.code]).format(*parameters)


#: Control and format characters; but joiners may stand between letters of other scripts and parts of emoji.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    "|(?<![^\x00-\xad\u2000-\u206f\ufeff])[\u200c\u200d]"
)


def visible(text: Any) -> str:
    """A text with marks in place of invisible characters: ``␀``, ``‹U+202E›``."""
    return _UNSEEN.sub(_mark, str(text))


def isolated(text: Any) -> Markup:
    """:func:`visible` as HTML that keeps its direction to itself."""
    return Markup("<bdi>{}</bdi>").format(visible(text))


def _mark(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "␡" if code == 0x7F else f"‹U+{code:04X}›"


#: Characters that a page shows of a body; the whole of it can be had as text.
MOST_SHOWN = 40_000
_STRING = r'"(?:[^"\\]|\\.)*"'
#: A part of JSON; the names of strings, numbers and words are those of their colours.
_TOKEN = re.compile(
    rf"(?P<jk>{_STRING}(?=\s*:))|(?P<js>{_STRING})|(?P<jn>-?\d[\d.eE+-]*)|(?P<jw>true|false|null|NaN|-?Infinity)"
    r"|(?P<empty>\[\s*\]|{\s*})|(?P<open>[{\[])|(?P<close>[}\]])|(?P<between>[:,])"
)
_DEPTH = 40


def highlight(text: str) -> Markup:
    """The text as HTML: JSON indented and coloured, anything else as it is."""
    if len(text) <= MOST_SHOWN:
        with suppress(ValueError, RecursionError):
            json.loads(text, parse_int=str)
            return Markup("").join(_pieces(text))
    return isolated(text[:MOST_SHOWN])


def _pieces(text: str) -> Iterator[Markup]:
    depth = 0
    for token in _TOKEN.finditer(text):
        kind, written = token.lastgroup, token[0]
        if kind in ("jk", "js"):
            yield Markup('<bdi class="{}">{}</bdi>').format(kind, visible(readable(written)))
        elif kind in ("jn", "jw"):
            yield Markup('<span class="{}">{}</span>').format(kind, written)
        elif kind == "open":
            depth += 1
            yield Markup(written + _line(depth))  # nosec B704
        elif kind == "close":
            depth -= 1
            yield Markup(_line(depth) + written)  # nosec B704
        elif kind == "empty":
            yield Markup(written[0] + written[-1])  # nosec B704
        else:
            yield Markup(": " if written == ":" else "," + _line(depth))  # nosec B704


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, _DEPTH)


FILTERS = (
    *(effect, gettext, highlight, isolated, mask, ms, number, seconds, short, size),
    *(told, value, visible),
)
