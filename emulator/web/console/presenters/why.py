"""The decisions about a request, put together where they repeat: one line for each subscription at most."""

from typing import NamedTuple

from emulator.journal.entry import Entry
from emulator.web.console.presenters.filters import told


class Meant(NamedTuple):
    """A subscription that a rule was about; ``databases``: those in which the rule said the same of it."""

    position: int
    provider: str
    token: str
    told: str
    databases: list[int]


class Reason(NamedTuple):
    """All that a rule decided in one way.

    ``told`` and ``databases`` stand here where they are the same for all subscriptions, else there.
    """

    rule: str
    told: str
    databases: list[int]
    meant: list[Meant]


def reasons(entry: Entry) -> list[Reason]:
    """Why the entry was answered so, in the order in which the rules first decided."""
    tokens = entry.sent_tokens()
    #: By rule and code; in each the databases by position and text.
    grouped: dict[tuple[str, str], dict[tuple[int | None, str], list[int]]] = {}
    for one in entry.decided:
        texts = grouped.setdefault((one.rule, one.code), {})
        databases = texts.setdefault((one.subscription, told(one)), [])
        if one.db_id is not None:
            databases.append(one.db_id)
    return [reason for (rule, _), texts in grouped.items() for reason in _reasons_of(rule, texts, tokens)]


def _reasons_of(
    rule: str, texts: dict[tuple[int | None, str], list[int]], tokens: list[tuple[str, str]]
) -> list[Reason]:
    whole = [Reason(rule, text, databases, []) for (at, text), databases in texts.items() if at is None]
    meant = [
        Meant(at, *(tokens[at] if at < len(tokens) else ("", "")), text, databases)
        for (at, text), databases in texts.items()
        if at is not None
    ]
    if not meant:
        return whole
    said = meant[0].told if len({one.told for one in meant}) == 1 else ""
    databases = meant[0].databases if all(one.databases == meant[0].databases for one in meant) else []
    return [*whole, Reason(rule, said, databases, meant)]
