"""Reading JSON that others wrote: strictly, saying what is wrong and where, duplicate keys, too."""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NoReturn

import orjson

from emulator.loop.gc_pause import collections_paused
from emulator.rules.lints import MOST_LINTS, duplicate_key_lints
from emulator.rules.model import Lint
from emulator.rules.texts import Message, Problem, Text, message

#: Deeper than this nobody nests on purpose. (Python's own parser gives up at about 1,000.)
MAX_DEPTH = 64
#: What is wrong with a document that is nested deeper.
TOO_DEEP = message("is nested deeper than %(most)s levels", most=MAX_DEPTH)
NO_NUL = "must not contain NUL"
NO_SURROGATE = "must not contain a lone surrogate"
_MOST_DIGITS = 400
_SURROGATE = re.compile("[\ud800-\udfff]")
#: The escapes of NUL, of a high surrogate without a low one behind it, and of a low one without a high one.
_BAD_ESCAPE = re.compile(
    rb"\\u(?:0000"
    rb"|[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])"
    rb"|[dD][c-fC-F](?<!\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]))"
)


class JSONProblem(ValueError):
    """What is wrong: ``text``, with line and column, or with the ``path`` of a value ("" for the whole)."""

    def __init__(self, text: Text, path: str = "") -> None:
        self.text = text
        self.path = path
        super().__init__(str(Problem(path, text)))

    def at(self, name: str = "") -> Problem:
        """The problem, in a body or in the member ``name``."""
        return Problem(".".join(filter(None, (name, self.path))) or "body", self.text)


def read_json(data: bytes) -> Any:
    """The document's value. Raises :class:`JSONProblem`.

    Refused beside what JSON itself forbids: NaN and Infinity, a byte order mark, NUL and lone surrogates
    in strings, more than 64 levels.
    """
    text = read_text(data)
    try:
        value = json.loads(text, **PARSERS)
    except RecursionError as error:
        raise JSONProblem(TOO_DEEP) from error
    except json.JSONDecodeError as error:
        what = error.msg.removesuffix(" at")
        text = "is not JSON: %(what)s at line %(line)s column %(column)s"
        raise JSONProblem(message(text, what=what, line=error.lineno, column=error.colno)) from error
    # Looking at every value takes ten times as long as reading them: only where there may be something.
    if "\\u" in text or text.count("[") + text.count("{") > MAX_DEPTH:
        found = _problem(value, 1)
        if found is not None:
            wrong, steps = found
            raise JSONProblem(wrong, path_of(reversed(steps)))
    return value


def read_text(data: bytes) -> str:
    """The text of a JSON document. Raises :class:`JSONProblem` for no text, no UTF-8 or a byte order mark."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise JSONProblem("is not JSON: starts with a byte order mark")
    if b"\0" in data[:4]:
        raise JSONProblem("is UTF-16 or UTF-32, must be UTF-8")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise JSONProblem(message("is not UTF-8: byte %(at)s", at=error.start)) from error
    if not text or text.isspace():
        raise JSONProblem("is empty")
    return text


def check_escapes(data: bytes) -> None:
    """Refuse NUL and lone surrogates in a document as it came. Raises :class:`JSONProblem`."""
    found = _BAD_ESCAPE.search(data.replace(rb"\\", b"  "))
    if found:
        raise JSONProblem(NO_NUL if found[0].endswith(b"0000") else NO_SURROGATE)


def path_of(steps: Iterable[str | int]) -> str:
    """The path to a value, by the names and positions that lead to it."""
    path = ""
    for step in steps:
        path = f"{path}[{step}]" if isinstance(step, int) else f"{path}.{step}" if path else step
    return path


def _read_int(digits: str) -> int:
    # Python refuses to convert thousands of digits. No number of this size is right anywhere: whoever asks
    # for a number of 64 bits will say so, with its place.
    return int(digits[:_MOST_DIGITS])


def _refuse_constant(name: str) -> NoReturn:
    raise JSONProblem(message("is not JSON: %(name)s is not a JSON number", name=name))


#: How numbers are read, for :func:`json.loads`.
PARSERS: dict[str, Any] = {"parse_int": _read_int, "parse_constant": _refuse_constant}


#: What is wrong, and the steps to it from the inside out.
_Problem = tuple[Text, list[str | int]]


def _problem(value: Any, depth: int) -> _Problem | None:
    """NUL or a lone surrogate in a value. Raises :class:`JSONProblem` for too many levels."""
    if isinstance(value, str):
        wrong = _text_problem(value)
        return None if wrong is None else (wrong, [])
    if not isinstance(value, (dict, list)):
        return None
    if depth > MAX_DEPTH:
        raise JSONProblem(TOO_DEEP)
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        wrong = _text_problem(key) if isinstance(key, str) else None
        if wrong is not None:
            return message("a parameter name %(problem)s", problem=Message(wrong)), []
        found = _problem(inner, depth + 1)
        if found is not None:
            found[1].append(key)  # written out once, at the end: a name may be long
            return found
    return None


def _text_problem(text: str) -> str | None:
    if "\0" in text:
        return NO_NUL
    return NO_SURROGATE if _SURROGATE.search(text) else None


#: The most bytes of a body that is worth a search in Python, which takes a hundred times as long as another.
SHORT = 32 << 10
#: A longer body of so few quotes, brackets and commas is searched in the same way.
_FEW_PARTS = 5000
#: Looking at so few texts is quicker than reading the document.
_FEW = 10_000
_TEXTS = re.compile(rb'("[^"]*")(\s*:)?')


def lints_of_duplicates(body: bytes) -> list[Lint]:
    """Lints for keys that are duplicate somewhere in a document (L8); in one of many parts without place.

    Raises :class:`~emulator.schemas.strict_json.JSONProblem` for a document nested too deeply to be read.
    """
    if len(body) <= SHORT or sum(map(body.count, (b'"', b"[", b"{", b","))) <= _FEW_PARTS:
        return duplicate_key_lints(*duplicate_keys(body.decode(), MOST_LINTS))
    with collections_paused():  # of a million arrays the collector would walk each again and again
        return [Lint("L8", "body", "some_duplicate")] if has_duplicate_keys(body) else []


def has_duplicate_keys(body: bytes) -> bool:
    """Whether an object of a readable JSON document has a key more than once, told without its place.

    Written again, such a document has fewer quotation marks.
    """
    if b"\\" not in body and body.count(b'"') < _FEW:
        names = [text for text, colon in _TEXTS.findall(body) if colon]
        if len(names) == len(set(names)):
            return False
    try:
        return quotes(orjson.dumps(orjson.loads(body))) < quotes(body)
    except (orjson.JSONDecodeError, TypeError):
        return False


def quotes(document: bytes) -> int:
    """How many quotation marks begin or end a key or a text."""
    if b"\\" in document:
        document = document.replace(rb"\\", b"").replace(rb"\"", b"")
    return document.count(b'"')


def duplicate_keys(text: str, most: int) -> tuple[list[tuple[str, str]], int]:
    """The path and name of the first ``most`` duplicate keys of a JSON document, and how many there are.

    Raises :class:`~emulator.schemas.strict_json.JSONProblem` for a document nested too deeply to be read.
    """
    try:
        found = list(_all_of(_read_members(text)))
    except RecursionError as error:
        raise JSONProblem(TOO_DEEP) from error
    return [(path_of(steps), str(steps[-1])) for steps in found[:most]], len(found)


def read_unique_json(data: bytes) -> Any:
    """The document's value, as :func:`read_json` has it; no object may have a key twice.

    Raises :class:`~emulator.schemas.strict_json.JSONProblem`.
    """
    value = read_json(data)
    if has_duplicate_keys(data):
        for path, _ in duplicate_keys(data.decode(), 1)[0]:
            raise JSONProblem("duplicate key", path)
    return value


class _Members(list[Any]):
    """An object's members, as pairs."""


_read_members = json.JSONDecoder(object_pairs_hook=_Members, **PARSERS).decode


def _all_of(document: Any) -> Iterator[tuple[str | int, ...]]:
    """The names and positions that lead to each duplicate key."""
    rest: list[tuple[Any, tuple[str | int, ...]]] = [(document, ())] if isinstance(document, list) else []
    while rest:  # no recursion: a document may be nested deeply
        value, steps = rest.pop()
        is_object = isinstance(value, _Members)
        if is_object and len(dict(value)) != len(value):
            for name, times in Counter(name for name, _ in value).items():
                if times > 1:
                    yield *steps, name
        members = value if is_object else enumerate(value)
        rest += [(inner, (*steps, step)) for step, inner in members if isinstance(inner, list)][::-1]
