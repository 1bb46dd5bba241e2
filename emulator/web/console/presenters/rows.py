"""A request of the journal in one line."""

from __future__ import annotations

from typing import Any, NamedTuple

from emulator.journal.entry import Entry, outcome_word

_MOST = 2


class Row(NamedTuple):
    """One line of the list: ``who`` says whom the request means, ``tokens`` what it sends."""

    id: int
    outcome: str
    time: str
    method: str
    path: str
    resource: str
    who: str
    tokens: list[tuple[str, str]]
    more: int
    status: int
    error: int
    duration_ms: float
    lints: int
    fault: str | None


def row_of(entry: Entry, resource: str = "") -> Row:
    """The line of an entry; ``resource``: its name, where the entry does not know it."""
    document = entry.document()
    sent = document.get("subscriptions")
    tokens = [
        (_text(one.get("provider")), _text(one.get("subscription_id")))
        for one in (sent if isinstance(sent, list) else ())
        if isinstance(one, dict)
    ]
    return Row(
        entry.id,
        outcome_word(entry),
        entry.time,
        entry.method,
        entry.path,
        entry.resource or resource,
        who(document),
        tokens[:_MOST],
        len(tokens[_MOST:]),
        entry.status,
        entry.error,
        entry.duration_ms,
        len(entry.lints),
        entry.fault,
    )


def who(document: dict[str, Any]) -> str:
    """Whom a request means: a field's value, an id, or nothing (then its tokens tell)."""
    if document.get("matching") == "custom":
        return f"{_text(document.get('field_name'))} = {_text(document.get('field_value'))}"
    return _text(document.get("id") or "")


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else repr(value)[:200]
