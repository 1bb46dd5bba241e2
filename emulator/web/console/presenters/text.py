"""Clients' texts as pages show them: nothing unseen and no change of direction, JSON in colours."""

import json
import re
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from markupsafe import Markup

from emulator.journal.spelling import readable

#: Control and format characters; but joiners may stand between letters of other scripts and parts of emoji.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]"
    "|(?<![^\x00-\xad\u2000-\u206f\ufeff])[\u200c\u200d]"
)


def visible(text: Any) -> str:
    """A text with marks in place of characters that nobody sees: ``␀``, ``‹U+202E›``."""
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
