"""The messages of imports: texts with values, the reasons to refuse an import, the errors that stop it."""

from __future__ import annotations

import json
from pathlib import Path

from emulator.rules.errors import Invalid
from emulator.rules.texts import FORMS, Message, Problem

#: The texts by their codes; the console has them in its languages.
TEXTS: dict[str, str] = json.loads(Path(__file__).with_name("texts.json").read_bytes())
FORMS.update(TEXTS)


class ImportRefused(Invalid):
    """The import cannot be started; nothing was written. ``problems`` has every reason."""


def refused(path: str, code: str, /, **values: str | int | Message) -> ImportRefused:
    """A refusal for one reason: the code of a text, and its values."""
    return ImportRefused(Problem.of(path, code, **values))


class SourceBroken(Exception):
    """The file cannot be read further: cut off, damaged, or over a limit. The rows read so far stay valid."""

    def __init__(self, text: Message) -> None:
        super().__init__(str(text))
        self.text = text
