"""Texts for people, kept as a code and values, so that the console can say them in its languages."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import Struct

#: The English texts of codes that are not texts themselves: a package adds those that it keeps in a file.
FORMS: dict[str, str] = {}
#: The place of a value in a text.
PLACE = re.compile(r"%\((\w+)\)s")
#: The most problems that one text lists.
MOST_PROBLEMS = 20


class Message(Struct, frozen=True):
    """A text for people by its code, and the values for its places.

    The code is the English text itself, with a place like ``%(name)s`` for each value, or a key of
    :data:`FORMS`.
    """

    code: str
    values: dict[str, str | int | Message] = {}

    @property
    def form(self) -> str:
        """The English text with its places."""
        return FORMS.get(self.code, self.code)

    def __str__(self) -> str:
        return filled(self.form, self.values) if self.values else self.form


def filled(form: str, values: Mapping[str, object]) -> str:
    """The text with its values; a place for which there is none stays."""
    return PLACE.sub(lambda place: str(values.get(place[1], place[0])), form)


#: A text for people; one without values is its own code.
Text = Message | str


def as_message(text: Text) -> Message:
    """The text as a message, to stand inside another one."""
    return text if isinstance(text, Message) else Message(text)


def message(code: str, /, **values: str | int | Message) -> Message:
    """A text with its values."""
    return Message(code, values)


class Problem(NamedTuple):
    """One thing that is wrong: where, and what. ``path``: the parameter, ``""`` for the whole."""

    path: str
    text: Text

    @classmethod
    def of(cls, path: str, code: str, /, **values: str | int | Message) -> Problem:
        """What is wrong there, as a text with its values."""
        return cls(path, Message(code, values))

    def __str__(self) -> str:
        return f"{self.path}: {self.text}" if self.path else str(self.text)


def first_problems(problems: Sequence[Problem], most: int = MOST_PROBLEMS) -> list[Problem]:
    """The first problems, and how many more there are."""
    more = len(problems) - most
    return [*problems[:most], Problem.of("", "and %(number)s more", number=more)] if more > 0 else [*problems]


def within(path: str, problems: Iterable[Problem]) -> list[Problem]:
    """The problems of what stands at the path."""
    return [Problem(path + one.path, one.text) for one in problems]


def joined(problems: Sequence[Problem]) -> str:
    """All problems in one English text."""
    return "; ".join(map(str, problems))


def one_after_other(texts: Sequence[Text]) -> Message:
    """Several texts as one, to stand inside another."""
    said, *rest = map(as_message, texts)
    for text in rest:
        said = message("%(said)s; %(text)s", said=said, text=text)
    return said
