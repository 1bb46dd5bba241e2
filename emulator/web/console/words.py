"""Words and numbers in the page's language."""

from __future__ import annotations

import flask_babel  # type: ignore[import-untyped]  # has no types


def gettext(text: str) -> str:
    """The text in the page's language; itself where there is no translation."""
    translated: str = flask_babel.gettext(text)
    return translated


def number(value: float) -> str:
    """A number, grouped as the language does it."""
    written: str = flask_babel.format_decimal(value)
    return written


def language() -> str:
    """The code of the page's language."""
    locale = flask_babel.get_locale()
    return str(locale.language) if locale is not None else "en"
