"""JSON as people read it: indented and coloured. What was sent is shown digit for digit as it was written."""

from __future__ import annotations

import json
import re
from contextlib import suppress

from markupsafe import Markup, escape

#: Characters that a page shows of a body; the whole of it can be had as text.
MOST_SHOWN = 40_000
_TOKEN = re.compile(
    r'(?P<string>"(?:[^"\\]|\\.)*")|(?P<number>-?\d[\d.eE+-]*)|(?P<word>true|false|null|NaN|-?Infinity)|(?P<mark>[][{}:,])'
)
_CLASSES = {"string": "js", "number": "jn", "word": "jw"}
_DEPTH = 40


def highlight(text: str) -> Markup:
    """The text as HTML: JSON indented and coloured, anything else as it is. Everything is escaped."""
    if len(text) <= MOST_SHOWN:
        with suppress(ValueError, RecursionError):
            json.loads(text, parse_int=str)
            return Markup("").join(_pieces(text))
    return escape(text[:MOST_SHOWN])


def _pieces(text: str) -> list[Markup]:
    pieces: list[Markup] = []
    depth = 0
    tokens = list(_TOKEN.finditer(text))
    for place, token in enumerate(tokens):
        following = tokens[place + 1][0] if place + 1 < len(tokens) else ""
        kind, written = token.lastgroup or "", token[0]
        if kind != "mark":
            name = "jk" if kind == "string" and following == ":" else _CLASSES[kind]
            pieces.append(Markup('<span class="{}">{}</span>').format(name, written))
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
