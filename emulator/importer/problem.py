"""The messages of imports: texts with values, the reasons to refuse an import, the errors that stop it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

#: The texts by their codes; the console has them in its languages.
TEXTS: dict[str, str] = json.loads(Path(__file__).with_name("texts.json").read_bytes())


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


class PlanProblem(NamedTuple):
    """One reason not to start: the part of the plan (``file``, ``match``…), and what would be right."""

    path: str
    text: Message

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


class ImportRefused(Exception):
    """The import cannot be started; nothing was written. ``problems`` has every reason."""

    def __init__(self, problems: Sequence[PlanProblem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = list(problems)


class TooManyImports(ImportRefused):
    """The workspace already runs the most imports; one more can start after the end of one."""


def refused(path: str, text: str | Message, /, **values: str | int | Message) -> ImportRefused:
    """A refusal for one reason: a message, or the code of one and its values."""
    return ImportRefused([PlanProblem(path, Message(text, values) if isinstance(text, str) else text)])


class SourceBroken(Exception):
    """The file cannot be read further: cut off, damaged, or over a limit. The rows read so far stay valid."""

    def __init__(self, text: Message) -> None:
        super().__init__(str(text))
        self.text = text
