"""Clients' texts as pages show them: nothing unseen, and no other direction of the text around them."""

from __future__ import annotations

import re
from typing import Any

from markupsafe import Markup

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
