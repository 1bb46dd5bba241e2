"""JSON as people read it: indented, coloured, escaped letters as letters; numbers digit for digit as sent."""

from __future__ import annotations

import json
import re
from contextlib import suppress

from markupsafe import Markup

from emulator.journal.spelling import readable
from emulator.web.console.presenters.text import isolated, visible

#: Characters that a page shows of a body; the whole of it can be had as text.
MOST_SHOWN = 40_000
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d[\d.eE+-]*)|(?P<word>true|false|null|NaN|-?Infinity)|(?P<mark>[][{}:,])'
)
_CLASSES = {"number": "jn", "word": "jw"}
_DEPTH = 40


def highlight(text: str) -> Markup:
    """The text as HTML: JSON indented and coloured, anything else as it is."""
    if len(text) <= MOST_SHOWN:
        with suppress(ValueError, RecursionError):
            json.loads(text, parse_int=str)
            return Markup("").join(_pieces(text))
    return isolated(text[:MOST_SHOWN])


def _pieces(text: str) -> list[Markup]:
    pieces: list[Markup] = []
    depth = 0
    tokens = list(_TOKEN.finditer(text))
    for place, token in enumerate(tokens):
        following = tokens[place + 1][0] if place + 1 < len(tokens) else ""
        kind, written = token.lastgroup or "", token[0]
        if kind == "string":
            name = "jk" if following == ":" else "js"
            pieces.append(Markup('<bdi class="{}">{}</bdi>').format(name, visible(readable(written))))
        elif kind != "mark":
            pieces.append(Markup('<span class="{}">{}</span>').format(_CLASSES[kind], written))
        elif written in "{[":
            depth += 1
            pieces.append(Markup(written if following in "}]" else written + _line(depth)))  # nosec B704
        elif written in "}]":
            depth -= 1
            empty = tokens[place - 1][0] in "{["
            pieces.append(Markup(written if empty else _line(depth) + written))  # nosec B704
        else:
            pieces.append(Markup(": " if written == ":" else "," + _line(depth)))  # nosec B704
    return pieces


def _line(depth: int) -> str:
    return "\n" + "  " * min(depth, _DEPTH)
