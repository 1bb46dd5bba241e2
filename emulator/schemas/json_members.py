"""Reading a large JSON object from a file, one member or entry at a time."""

import re
from collections.abc import Container, Generator, Iterator
from contextlib import contextmanager
from decimal import Decimal
from itertools import chain
from typing import IO, Any

import ijson

from emulator.rules.model import shortened
from emulator.rules.texts import message
from emulator.schemas.strict_json import MAX_DEPTH, NO_NUL, NO_SURROGATE, TOO_DEEP, JSONProblem, quotes

_DEEPER = {"start_map": 1, "start_array": 1, "end_map": -1, "end_array": -1}
#: An escape: a surrogate pair, a surrogate alone, NUL, any other, or one that the end cuts off.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|u([dD][89a-fA-F][0-9a-fA-F]{2}|0000)|.|\Z)",
    re.DOTALL,
)
_LONGEST_ESCAPE = 12
#: A number of 4,300 digits, more than Python converts, has a run of this many in one block, at a multiple of
#: this many bytes, wherever the blocks end.
_MANY_DIGITS = 1000
#: Bytes, and entries of a list, that are read in one step.
_BLOCK, _MANY = 1 << 14, 100


def read_members(file: IO[bytes], arrays: Container[str]) -> Iterator[tuple[str, Any]]:
    """Name and value of each member of the object in ``file`` (UTF-8), in order.

    Of an array whose name is in ``arrays`` each object, and the end, is given as ``None``: it is not read.
    Raises :class:`JSONProblem` for invalid JSON, duplicate keys, NUL, lone surrogates and deep nesting.
    """
    path, seen = "", set()
    with _problems(lambda: path):
        events = ijson.basic_parse(_Source(file))
        if next(events)[0] != "start_map":
            raise JSONProblem("must be a JSON object")
        for event, name in events:
            if event == "end_map":
                continue  # to the end of the file
            if name in seen:
                raise JSONProblem("duplicate name", name)
            path = name
            seen.add(name)
            if name in arrays:
                yield from ((name, None) for _ in _skip_array(events, name))
            else:
                yield name, _plain(_build(events))
            path = ""


def read_entries(file: IO[bytes], array: str) -> Iterator[Any]:
    """The entries of the object's array ``array``. Raises as :func:`read_members` does."""
    return chain.from_iterable(read_blocks(file, array))


def read_blocks(file: IO[bytes], array: str) -> Iterator[list[Any]]:
    """The same, those of a millisecond or two of work at a time; none while a very long one is read."""
    position = 0
    with _problems(lambda: f"{array}[{position}]"):
        source, found = _Source(file), ijson.sendable_list()
        parser = ijson.items_coro(found, f"{array}.item", map_type=_Object)
        more = True
        while more:
            error: Exception | None = None
            try:
                more = bool(block := source.read(_BLOCK))
                if more:
                    parser.send(block)
                else:
                    parser.close()
            except Exception as raised:  # the entries before it come first
                error = raised
            for entry in found:
                plain = yield from _plain_in_steps(entry)
                position += 1
                yield [plain]
            found.clear()
            if error is not None:
                raise error
            yield []


def _skip_array(events: Iterator[tuple[str, Any]], name: str) -> Iterator[None]:
    if next(events)[0] != "start_array":
        raise JSONProblem("must be an array", name)
    depth = 1
    for event, _ in events:
        depth = _depth_after(event, depth)
        if depth <= 1 or event == "end_map":
            yield
        if not depth:
            return


def _build(events: Iterator[tuple[str, Any]]) -> Any:
    builder, depth = ijson.ObjectBuilder(map_type=_Object), 0
    for event, value in events:
        builder.event(event, value)
        depth = _depth_after(event, depth)
        if not depth:
            break
    return builder.value


_set = dict.__setitem__  # quicker than super(), for millions of members


class _Object(dict[str, Any]):
    """An object as it is read; ``twice``: a key that it has again (ijson lets no error out of here)."""

    twice: str | None = None

    def __setitem__(self, name: str, value: Any) -> None:
        if name in self:
            self.twice = name
        _set(self, name, value)


class _Twice(Exception):
    """An object has a key again; the last one would win in silence."""


def _plain(value: Any) -> Any:
    """The value in dictionaries, with floats for ijson's decimals (its own floats come without -2**63).

    Raises :class:`_Twice`.
    """
    if isinstance(value, _Object):
        if value.twice is not None:
            raise _Twice(value.twice)
        # Most members are texts: no call for each of them.
        return {name: one if isinstance(one, str) else _plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_plain(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


def _plain_in_steps(entry: Any) -> Generator[list[Any], None, Any]:
    """:func:`_plain`, of an entry that may have very long lists; yields an empty list after each step."""
    if not isinstance(entry, _Object) or entry.twice is not None:
        return _plain(entry)
    made: dict[str, Any] = {}
    for name, value in entry.items():
        if isinstance(value, list) and len(value) > _MANY:
            plain: list[Any] = []
            made[name] = plain
            for at in range(0, len(value), _MANY):
                plain += map(_plain, value[at : at + _MANY])
                yield []
        else:
            made[name] = value if isinstance(value, str) else _plain(value)
    return made


def _depth_after(event: str, depth: int) -> int:
    depth += _DEEPER.get(event, 0)
    if depth > MAX_DEPTH:
        raise JSONProblem(TOO_DEEP)
    return depth


@contextmanager
def _problems(path: Any) -> Iterator[None]:
    try:
        yield
    except _Twice as twice:
        raise JSONProblem(message('duplicate key "%(key)s"', key=shortened(str(twice))), path()) from None
    except ArithmeticError as error:
        raise JSONProblem("has a number whose exponent is too large", path()) from error
    except (ijson.JSONError, ValueError) as error:
        if isinstance(error, JSONProblem):
            raise
        text = str(error)
        if "UTF8" in text or isinstance(error, UnicodeDecodeError):
            raise JSONProblem("is not UTF-8") from error
        reason = text.partition("\n")[0].partition(": ")[2] or text
        raise JSONProblem(
            message("is not JSON: %(what)s", what=reason.strip().rstrip(".")), path()
        ) from error


class BoundedNumbers:
    """A file's blocks; an integer of more digits than Python converts is refused, for it would crash ijson.

    ``read`` raises :class:`JSONProblem`.
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._in_text = False
        self._backslash = b""

    def read(self, size: int) -> bytes:
        """The next block."""
        block = self._file.read(size)
        data = self._backslash + block
        for at in range(0, len(data) - _MANY_DIGITS + 1, _MANY_DIGITS):
            if data[at : at + _MANY_DIGITS].isdigit() and not self._in_text ^ quotes(data[:at]) % 2:
                raise JSONProblem("must not contain a number of thousands of digits")
        if (len(data) - len(data.rstrip(b"\\"))) % 2:  # what it escapes is in the next block
            data, self._backslash = data[:-1], b"\\"
        else:
            self._backslash = b""
        self._in_text ^= bool(quotes(data) % 2)
        return block


class _Source:
    """The file's blocks, once they are searched for escapes that ijson reads without complaint."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = BoundedNumbers(file)
        self._rest = b""

    def read(self, size: int) -> bytes:
        while size:
            block = self._file.read(size)
            data, self._rest = self._rest + block, b""
            if b"\\u" in data or data.endswith(b"\\"):
                for found in _ESCAPE.finditer(data):
                    if block and found.start() > len(data) - _LONGEST_ESCAPE:
                        data, self._rest = data[: found.start()], data[found.start() :]
                        break
                    if found[1]:
                        raise JSONProblem(NO_NUL if found[1] == b"0000" else NO_SURROGATE)
            if data or not block:
                return data
        return b""
