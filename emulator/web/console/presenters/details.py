"""What the rules and lints note down, in the page's language: patterns of their texts.

The notes are made in English beside the rules; a text that no pattern here knows stays as it is.
"""

from __future__ import annotations

import re

from emulator.web.console.words import gettext

#: A pattern, and the text with its groups as %(name)s; the texts are what the catalogues translate.
FORMS = (
    "%(count)s databases, each on its own",
    "db_ids leaves %(left)s of %(all)s databases",
    "searched by id",
    "searched by push subscriptions",
    "searched by %(field)s = %(value)s",
    "field %(field)s is not declared",
    "field %(field)s takes %(kind)s",
    "no such id; the new profile gets it",
    "no such id; the new profile gets one of its own",
    "nothing found; profile %(id)s is new",
    "the new profile gets the searched value",
    "%(token)s is known",
    "several profiles have it; the oldest wins",
    "several profiles have it; active first, then the oldest",
    "added",
    "already subscribed",
    "already unsubscribed",
    "nothing to unsubscribe",
    "nothing changed: one bare item",
    "active on profile %(id)s",
    "moved away from profile %(id)s",
    "twice in one request",
    "%(provider)s is not configured",
    "unknown parameter, did you mean %(name)s?",
    "unknown parameter",
    "is %(said)s, should be application/json",
    'a token of %(provider)s should contain ":" and have 100 characters or more',
    "a token of %(provider)s should be 64 hex digits",
    "a token of %(provider)s should be digits",
    "a token of %(provider)s should be a UUID",
    "database %(id)s is not one of the resource's",
    'is not used with matching "custom"',
    "is not 24 hex digits",
    "is not a JSON value of the field's type %(kind)s in database %(id)s",
)


def _pattern(form: str) -> re.Pattern[str]:
    parts = re.split(r"%\((\w+)\)s", form)
    text = "".join(f"(?P<{part}>.+?)" if place % 2 else re.escape(part) for place, part in enumerate(parts))
    return re.compile(text, re.S)


PATTERNS = [(_pattern(form), form) for form in FORMS]


def detail(text: str) -> str:
    """The note in the page's language."""
    for pattern, form in PATTERNS:
        found = pattern.fullmatch(text)
        if found is not None:
            return gettext(form) % found.groupdict()
    return text
