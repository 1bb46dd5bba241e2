"""One text, spelt in several ways: as it is, with the escapes of JSON, percent-encoded."""

from __future__ import annotations

import json
import re
from urllib.parse import unquote_plus

_ESCAPES = re.compile(r"\\(u[0-9A-Fa-f]{4}(?:\\u[0-9A-Fa-f]{4})*|[^u])")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_PERCENT = re.compile(r"%[0-9A-Fa-f]{2}")

#: In bytes whose ASCII letters are in lower case: escapes of ASCII, and of ß, which folds to "ss".
_ASCII_ESCAPED = re.compile(rb"\\u00(?:[0-7]|df)")
_PERCENT_BYTES = re.compile(rb"%[0-9a-f]{2}")
_MARKS = str.maketrans("", "", "-_.:")
_PARTS = re.compile(rb"[a-z0-9]+")


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


class Word:
    """A word to search for, and a quick look whether an entry's bytes can contain it in any spelling."""

    def __init__(self, text: str) -> None:
        self.text = text.casefold()
        self._needle = text.lower().encode() if text.isascii() else b""  # which is in everything
        self._parts = [] if is_plain(text) else _PARTS.findall(self._needle)  # between slashes or quotes

    def possible(self, lowered: bytes | bytearray) -> bool:
        """Whether the word can be in these bytes, whose ASCII letters are in lower case."""
        if self._needle in lowered:
            return True
        if b"\\" in lowered:
            if b"\\u00" in lowered and _ASCII_ESCAPED.search(lowered):
                return True
            if self._parts and all(map(lowered.__contains__, self._parts)):
                return True
        if b"\xc3" in lowered and b"ss" in self._needle and b"\xc3\x9f" in lowered:
            return True
        return b"%" in lowered and _PERCENT_BYTES.search(lowered) is not None


def is_plain(text: str) -> bool:
    """Whether JSON has no need to escape any character of a text, and few programs do."""
    return text.isascii() and text.translate(_MARKS).isalnum()
