"""One text, spelt in several ways: as it is, with the escapes of JSON, percent-encoded."""

import json
import re
from urllib.parse import unquote_plus

_ESCAPES = re.compile(r"\\(u[0-9A-Fa-f]{4}(?:\\u[0-9A-Fa-f]{4})*|[^u])")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")


def folded(text: str) -> str:
    """A text case-folded, followed by what it means if it has escapes of JSON or is percent-encoded."""
    found = text.casefold()
    if "\\" in text:
        found += "\n" + _ESCAPES.sub(_meaning, found)
    if "%" in text and _PERCENT.search(text):
        found += "\n" + unquote_plus(text).casefold()
    return found


def readable(text: str) -> str:
    """JSON with characters in place of their escapes; the same JSON still.

    Quotes, backslashes and what nobody could see stay escaped: control and format characters, lone
    surrogates.
    """
    return _ESCAPES.sub(_readable, text) if "\\" in text else text


def _meaning(found: re.Match[str]) -> str:
    escaped = found[1]
    return _LETTERS.get(escaped, escaped) if len(escaped) == 1 else _characters(escaped).casefold()


def _readable(found: re.Match[str]) -> str:
    escaped = found[1]
    if len(escaped) == 1:
        return "/" if escaped == "/" else found[0]
    return "".join(
        one if one.isprintable() and one not in '"\\' else json.dumps(one)[1:-1]
        for one in _characters(escaped)
    )


def _characters(codes: str) -> str:
    found = f"\\{codes}".encode().decode("raw_unicode_escape")
    pairs = "\\ud" in f"\\{codes}".lower()
    return found.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if pairs else found
