"""One kept entry as searches look at it: each part is read once, and only if somebody asks for it."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec

from emulator.journal.entry import Entry, outcome_word

#: How a body spells ASCII that it escapes: there a text cannot be looked for as it is.
_ESCAPED_ASCII = rb"\u00"

_decode = msgspec.msgpack.Decoder(Entry).decode


class Reading:
    """The entry with this id, ``packed``; ``entry``: the same unpacked, if it is at hand.

    ``body`` and ``answer`` hold those bytes, with others around them unless the entry is ``opened``.
    """

    def __init__(self, entry_id: int, packed: bytearray, entry: Entry | None = None) -> None:
        self.id = entry_id
        self.packed = packed
        self.opened = entry is not None
        self.body: bytes | bytearray = packed
        self.answer: bytes | bytearray = packed
        if entry is not None:
            self.entry = entry
            self.body, self.answer = entry.body_bytes, entry.answer_bytes

    @cached_property
    def entry(self) -> Entry:
        """The entry itself."""
        return _decode(self.packed)

    @cached_property
    def escapes(self) -> bool:
        """Whether the body escapes ASCII: then a text can be in it that does not stand there."""
        return _ESCAPED_ASCII in self.body

    @cached_property
    def lowered(self) -> bytearray:
        """``packed`` with ASCII letters in lower case."""
        return self.packed.lower()

    @cached_property
    def document(self) -> dict[str, Any]:
        """The body as a JSON object; ``{}`` if it is none."""
        return self.entry.document()

    @cached_property
    def answered(self) -> dict[str, Any]:
        """The answer as a JSON object; ``{}`` if it is none."""
        return self.entry.answered()

    @cached_property
    def outcomes(self) -> list[str]:
        """The word for the whole request, then those for its subscriptions, each once."""
        return list(dict.fromkeys([outcome_word(self.entry), *self.entry.outcomes]))

    @cached_property
    def rules(self) -> list[str]:
        """The rules that decided, each once."""
        return list(dict.fromkeys([one.rule for one in self.entry.decided]))

    @cached_property
    def lints(self) -> list[str]:
        """The lints that it got, each once."""
        return list(dict.fromkeys([one.rule for one in self.entry.lints]))

    @cached_property
    def folded(self) -> str:
        """What words are looked for in, case-folded: body, answer, path, resource's name, headers."""
        entry = self.entry
        headers = (text for header in entry.headers.items() for text in header)
        return "\n".join((entry.body, entry.answer, entry.path, entry.resource or "", *headers)).casefold()
