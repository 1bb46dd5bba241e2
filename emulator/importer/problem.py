"""What an import is refused for, and what stops one under way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Problem(NamedTuple):
    """One reason not to start: which part of the plan (``file``, ``match``…), and what would be right."""

    path: str
    text: str

    def __str__(self) -> str:
        return f"{self.path}: {self.text}"


class ImportRefused(Exception):
    """The import cannot be started; nothing was written. ``problems`` has every reason."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = list(problems)


class TooManyImports(ImportRefused):
    """The workspace has as many imports under way as it may; one more can be started when one has ended."""


def refused(path: str, text: str) -> ImportRefused:
    """A refusal for one reason."""
    return ImportRefused([Problem(path, text)])


class SourceBroken(Exception):
    """The file cannot be read further: cut off, damaged, or over a limit. What was read stays valid."""
