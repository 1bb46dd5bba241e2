"""The messages of imports: texts with values, the reasons to refuse an import, the errors that stop it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from msgspec import Struct

#: The texts by their codes; the console has them in its languages.
TEXTS = {
    # the file as a whole
    "choose_file": "choose a file",
    "unreadable": "cannot be read: %(reason)s",
    "empty": "is empty",
    "not_text": "is not a text file: save a workbook's sheet as CSV, unpack an archive",
    "markup": "is HTML, XML or JSON, whatever its name says: open it in a spreadsheet and save it as CSV",
    "too_large": "holds more than %(most)s GiB: split it",
    "too_packed": "unpacks to more than %(ratio)s times its size or %(most)s GiB: looks like a zip bomb",
    "long_line": "has a line of more than %(most)s bytes: it is no table",
    "breaks_off": "cannot be read further: %(reason)s",
    "no_rows": "has no rows",
    "header_only": "has a header and no rows",
    "first_line": "line 1: %(reason)s",
    # the plan
    "match_form": 'must be %(forms)s, not "%(text)s"',
    "delimiter": "must be one character, such as %(named)s",
    "quote": "must be \", ' or empty",
    "no_encoding": 'there is no "%(name)s": try utf-8, windows-1251, utf-16',
    "no_text_encoding": '"%(name)s" does not make text',
    "no_resource": "there is no resource with this token or id; there are %(there)s",
    "no_databases": "%(id)s (%(name)s) has no databases",
    "unknown_provider": 'unknown provider "%(provider)s"',
    "not_accepted": "%(provider)s is not configured for the resource %(id)s; it accepts %(accepted)s",
    "no_field": 'no database declares the field "%(field)s"; there are %(declared)s',
    "no_number": "there is no column %(named)s: the first row has %(width)s",
    "no_header": 'the file has no header: name a column by its number, #1 to #%(width)s, not "%(named)s"',
    "several_columns": '"%(named)s" names several columns: say which by number, %(numbers)s',
    "misspelt_column": 'there is no column "%(named)s", did you mean "%(nearest)s"?',
    "no_column": 'there is no column "%(named)s"; there are %(shown)s',
    "same_column": "is the same column as the tokens",
    "column_in_use": "is the column of the tokens or of the search values",
    "too_many": "%(number)s imports are running in this workspace: wait for one, or cancel it",
    # remarks before the start
    "remark": "%(path)s: %(problem)s",
    "undeclared_field": 'database %(id)s does not declare "%(field)s": every row is refused there (M4)',
    "marked": "the file begins with the mark of %(encoding)s and is read so, not as %(named)s",
    "guessed": 'the encoding is guessed: "%(example)s" as %(encoding)s reads it; '
    "if that is wrong, name another",
    "odd_tokens": "%(odd)s of %(all)s tokens do not look like %(provider)s: they should %(complaint)s (L3)",
    "spaced_tokens": "%(number)s of %(all)s tokens begin or end with a space, which is kept",
    "wrapped_tokens": "%(number)s of %(all)s tokens begin or end with a bracket, a comma or the like, "
    'such as "%(example)s", which is kept',
    "spaced_values": "%(number)s of %(all)s search values begin or end with a space, which is kept",
    "same_but_case": "%(number)s of %(all)s tokens differ from another one only in upper and lower case",
    "shared": "%(number)s of %(all)s search values are in an earlier row too; "
    '"%(example)s" is in %(most)s rows, which are one profile',
    "rounded": "%(number)s of %(all)s search values are numbers that a spreadsheet has rounded, "
    'such as "%(example)s"',
    "decimal": '%(number)s of %(all)s search values end with a decimal zero, such as "%(example)s"',
    "decimal_int": '%(number)s of %(all)s search values end with a decimal zero, such as "%(example)s": '
    "an int field reads whole numbers",
    "date": '%(number)s of %(all)s search values are dates as spreadsheets write them, such as "%(example)s"',
    "zeros": '%(number)s of %(all)s search values begin with zeros, such as "%(example)s", which are kept',
    "zeros_int": '%(number)s of %(all)s search values begin with zeros, such as "%(example)s": '
    "an int field drops them",
    "short": "%(number)s of %(all)s search values have fewer than %(digits)s digits, as most have: "
    "a spreadsheet drops zeros at the beginning",
    "word": '%(number)s of %(all)s search values may stand for no value, such as "%(example)s"',
    "hidden": "%(number)s of %(all)s search values begin or end with an invisible character, which is kept",
    "in_quotes": "%(number)s of %(all)s search values are in quotes, such as %(example)s, which are kept",
    "statuses": "statuses of the rows: %(subscribed)s subscribed, %(suspended)s suspended, "
    "%(unsubscribed)s unsubscribed",
    "odd_statuses": '%(number)s of %(all)s rows have no known status, such as "%(example)s" '
    "in line %(line)s: write subscribed, suspended, unsubscribed or leave it empty",
    "uneven_rows": "%(number)s of %(all)s rows do not have %(width)s cells or cannot be read; "
    "the first is in line %(line)s",
    "mixed_encodings": "%(number)s of %(all)s rows have bytes that are no %(encoding)s, and are refused; "
    "the first is in line %(line)s",
    "long_rows": "%(number)s of %(all)s rows have several lines; the first is in line %(line)s: "
    "check its quotes",
    "first_rows": "only the first %(rows)s rows were looked at; a dry run looks at all",
    "blank_rows": "%(number)s rows have no value in any cell and are left out",
    "same_names": "several columns are named %(names)s",
    # a row
    "one_cell": "has 1 cell, not %(width)s",
    "cells": "has %(cells)s cells, not %(width)s",
    "no_token": "the token is empty",
    "no_token_word": 'the token is empty: "%(word)s" stands for no value',
    "no_value_word": 'the search value is empty: "%(word)s" stands for no value',
    "rounded_id": 'a spreadsheet has rounded the id to "%(id)s": export it as text',
    "invisible_token": "the token has an invisible character, %(character)s",
    "invisible_id": "the id begins or ends with an invisible character, %(character)s",
    "odd_status": '"%(status)s" is no status: it must be subscribed, suspended, unsubscribed or empty',
    "quoted": "begins or ends with a quote, which is a part of the value",
    "line_end": "the token or the search value has a line end: is a quote not closed?",
    "header_again": "is the header line again",
    "nul": "must not contain NUL",
    "undecodable": "has bytes that are no %(encoding)s: the file mixes encodings, or is in another one",
    "lost": "has U+FFFD, which stands for a character that another program could not read",
    "long_cell": "a cell has more than %(most)s characters: is a quote not closed?",
    "open_quote": "a quote is not closed",
    "text_after_quote": "a closing quote is followed by more text: double the quotes inside a cell",
    "swallowed": "an unclosed quote joined the next lines into one cell",
    "lone_cr": "a cell without quotes has a line end (CR)",
    "several_lines": "%(reason)s (lines %(line)s to %(last)s are one row)",
    # the end
    "not_stored": "the last %(rows)s rows or fewer were not stored: %(error)s",
    "broken_after": "after line %(line)s the file %(problem)s",
    "no_report": "the report cannot be written: %(reason)s",
    "no_record": "this cannot be written down: %(reason)s",
    "upload_stays": "the upload cannot be removed: %(reason)s",
    "internal_error": "internal error: %(name)s",
    "interrupted": "its end is not recorded: the server or its disk failed; "
    "import the file again for the rest",
    "both": "%(problem)s; %(another)s",
}


class Message(Struct, frozen=True):
    """A text by its code in :data:`TEXTS`, and the values for its places."""

    code: str
    values: dict[str, str | int | Message] = {}

    @property
    def form(self) -> str:
        """The English text with a place like ``%(name)s`` for each value."""
        return TEXTS.get(self.code, self.code)  # a text of the rules stands for itself

    def __str__(self) -> str:
        return self.form % self.values


#: A text for people; texts of the rules are plain.
Text = Message | str


def message(code: str, /, **values: str | int | Message) -> Message:
    """A text with its values."""
    return Message(code, values)


class Problem(NamedTuple):
    """One reason not to start: the part of the plan (``file``, ``match``…), and what would be right."""

    path: str
    text: Message

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


class ImportRefused(Exception):
    """The import cannot be started; nothing was written. ``problems`` has every reason."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = list(problems)


class TooManyImports(ImportRefused):
    """The workspace already runs the most imports; one more can start after the end of one."""


def refused(path: str, text: str | Message, /, **values: str | int | Message) -> ImportRefused:
    """A refusal for one reason: a message, or the code of one and its values."""
    return ImportRefused([Problem(path, Message(text, values) if isinstance(text, str) else text)])


class SourceBroken(Exception):
    """The file cannot be read further: cut off, damaged, or over a limit. The rows read so far stay valid."""

    def __init__(self, text: Message) -> None:
        super().__init__(str(text))
        self.text = text
