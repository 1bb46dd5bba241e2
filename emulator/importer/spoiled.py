"""Cells that spreadsheets, databases and editors have spoiled: refused, because nobody can mean them."""

import re

from emulator.importer.rows import LINE_END
from emulator.rules.providers import INVISIBLE, QUOTES
from emulator.rules.texts import Message, message

#: How databases and spreadsheets write that there is no value, in lower case: nobody can mean these as one.
_MARKS = {"\\n", "(null)", "[null]", "<null>", "<na>", "(none)", "(empty)", "(blank)", "[object object]"}
_MARKS |= {"#n/a", "#н/д", "—", "–"}
#: A spreadsheet's errors (#REF!, #ИМЯ?, Err:502), and a number in a column too narrow for it.
_ERROR = re.compile(r"#[\w/]+[!?]|Err:[0-9]{3}|##+", re.I)
#: Words that stand for no value, though a person may be called so.
WORDS = frozenset({"null", "none", "nil", "nan", "nat", "na", "n/a", "undefined"})
#: The form of nearly all tokens: no word above, nothing hidden inside, no quote at the end.
_PLAIN_TOKEN = re.compile(r"[0-9A-Za-z][ -~]{11,}[ !#-&(-_a-~]")
_INVISIBLE = re.compile(f"[{INVISIBLE}]")
INVISIBLE_ENDS = re.compile(f"^[{INVISIBLE}]|[{INVISIBLE}]$", re.M)
_ROUNDED = re.compile(r"[+-]?[0-9](?:[.,][0-9]+)?[eE][+-]?[0-9]+")
#: A comma and three zeros are thousands where English is spoken.
_WHOLE = re.compile(r"([+-]?[0-9]{1,19})(?:\.|,(?!000$))0+")
#: In quotes of any kind, and as spreadsheets are told to keep a text: ="00123".
IN_QUOTES = f"=?[{QUOTES}].*[{QUOTES}]"
_IN_QUOTES = re.compile(IN_QUOTES, re.S)
_QUOTE_AT_AN_END = re.compile(f"^[{QUOTES}]|[{QUOTES}]$")


def token_problem(token: str) -> Message | None:
    """Why this can be no token. Quick for right ones."""
    if _PLAIN_TOKEN.fullmatch(token):
        return None
    word = token.strip()
    if not word:
        return message("no_token")
    if _no_value(word) or word.lower() in WORDS or word == "-":
        return message("no_token_word", word=token)
    if problem := _unreadable(token):
        return problem
    if hidden := _INVISIBLE.search(token):
        return message("invisible_token", character=f"U+{ord(hidden[0]):04X}")
    return message("quoted") if _QUOTE_AT_AN_END.search(word) else None


def value_problem(value: str, is_id: bool) -> Message | None:
    """Why nobody can mean this search value, which is not empty; the rules judge the rest."""
    if value.isdecimal() and value.isascii():
        return None
    word = value.strip()
    if _no_value(word) or (is_id and (word.lower() in WORDS or word == "-")):
        return message("no_value_word", word=value)
    if problem := _unreadable(value):
        return problem
    if not is_id:
        return None
    if _ROUNDED.fullmatch(word):
        return message("rounded_id", id=value)
    if hidden := INVISIBLE_ENDS.search(value):
        return message("invisible_id", character=f"U+{ord(hidden[0]):04X}")
    return message("quoted") if _IN_QUOTES.fullmatch(word) else None


def whole_number(value: str) -> int | None:
    """``100`` and ``100.0`` as the JSON number that it is, ``100,0`` too; ``None`` for anything else."""
    if value.isdecimal() and value.isascii() and len(value) < 20:
        return int(value)
    written = _WHOLE.fullmatch(value)
    return int(written[1]) if written else None


def _unreadable(text: str) -> Message | None:
    if "\0" in text:
        return message("nul")
    if "\ufffd" in text:
        return message("lost")
    return message("line_end") if LINE_END.search(text) else None


def _no_value(word: str) -> bool:
    return word.lower() in _MARKS or _ERROR.fullmatch(word) is not None
