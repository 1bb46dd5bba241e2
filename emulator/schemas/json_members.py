"""Reading a large JSON object piece by piece: its members, and of arrays each entry by itself."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import IO, Any, NamedTuple

from emulator.schemas.strict_json import MAX_DEPTH, JSONProblem, check_value, strict_decoder

_BLOCK = 1 << 18
#: No member, and no entry of an array, may have more characters than these.
MAX_PIECE = 16 << 20
_SPACE = re.compile(r"[ \t\n\r]*")
#: An error this near to the end of what was read may come from reading no further.
_NEAR_END = 32
#: A number this near to the end may go on: "1" may be the beginning of "1e+5".
_NEAR_NUMBER = 3


class Piece(NamedTuple):
    """A member of the object, or (with ``position``) one entry of a member that is an array.

    An empty array is told by one piece with position -1.
    """

    name: str
    position: int | None
    value: Any


def read_members(file: IO[bytes]) -> Iterator[Piece]:
    """The pieces of the object in ``file`` (UTF-8), as they stand in it. Memory holds one at a time.

    Raises :class:`JSONProblem` as soon as something is wrong: what is not JSON, NUL, lone surrogates.
    """
    reader = _Reader(io.TextIOWrapper(file, encoding="utf-8", newline=""))
    try:
        yield from reader.members()
    finally:
        reader.text.detach()


class _Reader:
    def __init__(self, text: io.TextIOWrapper) -> None:
        self.text = text
        self._decoder = strict_decoder()
        self._buffer = ""
        self._at = 0
        self._size = _BLOCK

    def members(self) -> Iterator[Piece]:
        self._expect("{", "must be a JSON object")
        seen = set()
        if self._next() == "}":
            self._at += 1
        else:
            while True:
                name = self._value("") if self._next() == '"' else None
                if name is None:
                    raise JSONProblem("is not JSON: a name in double quotes is missing")
                if name in seen:
                    raise JSONProblem("stands twice", name)
                seen.add(name)
                self._expect(":", f'is not JSON: ":" is missing after "{name}"')
                yield from self._member(name)
                if not self._goes_on("}", name):
                    break
        if self._next():
            raise JSONProblem("is not JSON: something follows its end")

    def _member(self, name: str) -> Iterator[Piece]:
        if self._next() != "[":
            yield Piece(name, None, self._value(name))
            return
        self._at += 1
        if self._next() == "]":
            self._at += 1
            yield Piece(name, -1, None)
            return
        position = 0
        while True:
            path = f"{name}[{position}]"
            yield Piece(name, position, self._value(path))
            if not self._goes_on("]", path):
                return
            position += 1

    def _goes_on(self, end: str, path: str) -> bool:
        found = self._next()
        self._at += 1
        if found not in (",", end) or not found:
            raise JSONProblem(f'is not JSON: "," or "{end}" is missing after it', path)
        return found == ","

    def _expect(self, wanted: str, text: str) -> None:
        if self._next() != wanted:
            raise JSONProblem(text)
        self._at += 1

    def _next(self) -> str:
        """The next character that is no space, not yet passed; "" at the end."""
        while True:
            match = _SPACE.match(self._buffer, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._read_on():
                return ""

    def _value(self, path: str) -> Any:
        self._next()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                unfinished = error.msg.startswith("Unterminated") or len(self._buffer) - error.pos < _NEAR_END
                if unfinished and self._read_on(path):
                    continue
                raise JSONProblem(f"is not JSON: {error.msg.removesuffix(' at')}", path) from error
            except RecursionError as error:
                raise JSONProblem(f"is nested deeper than {MAX_DEPTH} levels", path) from error
            if len(self._buffer) - end < _NEAR_NUMBER and self._read_on(path):
                continue
            if self._buffer.find("\\u", self._at, end) >= 0:  # no other way to say what must not be there
                check_value(value, path)
            self._at, self._size = end, _BLOCK
            return value

    def _read_on(self, path: str = "") -> bool:
        """Read another block; false at the end of the file."""
        kept = self._buffer[self._at :]
        if len(kept) > MAX_PIECE:
            raise JSONProblem(f"must have at most {MAX_PIECE} characters", path)
        try:
            block = self.text.read(self._size)
        except UnicodeDecodeError as error:
            raise JSONProblem("is not UTF-8") from error
        if not block:
            return False
        self._size = min(2 * self._size, MAX_PIECE)
        self._buffer, self._at = kept + block, 0
        return True
