"""The plan of an import, the same for command line, API and console."""

from dataclasses import dataclass
from typing import Literal

from emulator.importer.problem import refused

MATCH_FORMS = "id:COLUMN, field:NAME=COLUMN or push"


@dataclass(frozen=True)
class Match:
    """How to find a row's profile (M1–M3); ``column``: of the search value, ``field``: a field's name."""

    by: Literal["id", "field", "push"]
    column: str = ""
    field: str = ""

    def __str__(self) -> str:
        if self.by == "push":
            return "push"
        return f"id:{self.column}" if self.by == "id" else f"field:{self.field}={self.column}"


@dataclass(frozen=True)
class ImportPlan:
    """One import.

    ``resource``: its token or its id (a number, or its digits). ``provider``: that of the whole file.
    A column is named by its header or as ``#N``, from 1. ``header``, ``delimiter``, ``quote`` and
    ``encoding`` are detected if they are ``None``; ``quote`` "" means that nothing is quoted.
    ``status_column``: of the subscriptions' statuses; ``None``: all rows subscribe. With ``dry_run`` nothing
    changes.
    """

    resource: str | int
    provider: str
    match: Match
    token_column: str
    header: bool | None = None
    delimiter: str | None = None
    quote: str | None = None
    encoding: str | None = None
    dry_run: bool = False
    status_column: str | None = None


def parse_match(text: str) -> Match:
    """``id:COLUMN``, ``field:NAME=COLUMN`` or ``push``. Raises :class:`ImportRefused`."""
    if text == "push":
        return Match("push")
    kind, _, rest = text.partition(":")
    if kind == "id" and rest:
        return Match("id", rest)
    if kind == "field":
        name, _, column = rest.partition("=")
        if name and column:
            return Match("field", column, name)
    raise refused("match", "match_form", forms=MATCH_FORMS, text=text)
