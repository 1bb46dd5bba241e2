"""Reading JSON that others wrote: strictly, and saying what is wrong and where."""

from __future__ import annotations

import json
import re
from typing import Any, NoReturn

#: Deeper than this nobody nests on purpose. (Python's own parser gives up at about 1,000.)
MAX_DEPTH = 64
_MOST_DIGITS = 400
_HUGE: int = 10**_MOST_DIGITS
_SURROGATE = re.compile("[\ud800-\udfff]")


class JSONProblem(ValueError):
    """What is wrong: ``text``, with line and column, or with the ``path`` of a value ("" for the whole)."""

    def __init__(self, text: str, path: str = "") -> None:
        super().__init__(f"{path}: {text}" if path else text)
        self.text = text
        self.path = path


def read_json(data: bytes) -> Any:
    """The document's value. Raises :class:`JSONProblem`.

    Refused beside what JSON itself forbids: NaN and Infinity, a byte order mark, NUL and lone surrogates
    in strings, more than 64 levels.
    """
    if not data.strip():
        raise JSONProblem("is empty")
    if data.startswith(b"\xef\xbb\xbf"):
        raise JSONProblem("is not JSON: starts with a byte order mark")
    try:
        value = json.loads(data.decode(), **_PARSERS)
    except UnicodeDecodeError as error:
        raise JSONProblem(f"is not UTF-8: byte {error.start}") from error
    except RecursionError as error:
        raise JSONProblem(f"is nested deeper than {MAX_DEPTH} levels") from error
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        raise JSONProblem(f"is not JSON: {what} at line {error.lineno} column {error.colno}") from error
    check_value(value)
    return value


def strict_decoder() -> json.JSONDecoder:
    """A decoder that refuses what JSON forbids; its values still want :func:`check_value`.

    What it raises is :class:`json.JSONDecodeError`, :class:`RecursionError` or :class:`JSONProblem`.
    """
    return json.JSONDecoder(**_PARSERS)


def check_value(value: Any, path: str = "") -> None:
    """Refuse NUL, lone surrogates and too many levels. Raises :class:`JSONProblem`."""
    _check(value, path, 1)


def _read_int(digits: str) -> int:
    if len(digits) <= _MOST_DIGITS:
        return int(digits)
    # Python refuses to convert thousands of digits. No number of this size is right anywhere: whoever asks
    # for a number of 64 bits will say so, with its place.
    return -_HUGE if digits.startswith("-") else _HUGE


def _refuse_constant(name: str) -> NoReturn:
    raise JSONProblem(f"is not JSON: {name} is not a JSON number")


_PARSERS: dict[str, Any] = {"parse_int": _read_int, "parse_constant": _refuse_constant}


def _check(value: Any, path: str, depth: int) -> None:
    if isinstance(value, str):
        _check_text(value, path)
    elif isinstance(value, (dict, list)):
        if depth > MAX_DEPTH:
            raise JSONProblem(f"is nested deeper than {MAX_DEPTH} levels")
        if isinstance(value, dict):
            for key, inner in value.items():
                _check_text(key, path, "a parameter name ")
                _check(inner, f"{path}.{key}" if path else key, depth + 1)
        else:
            for position, inner in enumerate(value):
                _check(inner, f"{path}[{position}]", depth + 1)


def _check_text(text: str, path: str, subject: str = "") -> None:
    if "\0" in text:
        raise JSONProblem(f"{subject}must not contain NUL", path)
    if _SURROGATE.search(text):
        raise JSONProblem(f"{subject}must not contain a lone surrogate", path)
