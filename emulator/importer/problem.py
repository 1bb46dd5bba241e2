"""The messages of imports: texts with values, the reasons to refuse an import, the errors that stop it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from emulator.rules.errors import Invalid
from emulator.rules.texts import FORMS, Message, Problem, Text

#: The texts by their codes; the console has them in its languages.
TEXTS: dict[str, str] = json.loads(Path(__file__).with_name("texts.json").read_bytes())
FORMS.update(TEXTS)


class ImportRefused(Invalid):
    """The import cannot be started; nothing was written. ``problems`` has every reason."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        super().__init__(problems, "A3")


def refused(path: str, text: Text, /, **values: str | int | Message) -> ImportRefused:
    """A refusal for one reason: a message, or the code of one and its values."""
    return ImportRefused(Problem(path, Message(text, values) if isinstance(text, str) else text))


class SourceBroken(Exception):
    """The file cannot be read further: cut off, damaged, or over a limit. The rows read so far stay valid."""

    def __init__(self, text: Message) -> None:
        super().__init__(str(text))
        self.text = text
