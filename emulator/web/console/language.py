"""English and Russian: what a person chose, else what the browser prefers. English is in the code itself."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import flask_babel  # type: ignore[import-untyped]  # has no types
from flask import Flask, Response, request

from emulator.web.current import root

#: Language codes with their own names.
LANGUAGES = {"en": "English", "ru": "Русский"}
COOKIE = "emulator_language"
TRANSLATIONS = Path(__file__).resolve().parent / "translations"
_YEAR_S = 365 * 24 * 3600
#: Complaints with values as the schemas write them, and their translatable forms.
_COMPLAINTS = (
    (re.compile(r'(?P<problem>.+), did you mean "(?P<name>.+)"\?'), '%(problem)s, did you mean "%(name)s"?'),
    (re.compile(r'"(?P<name>.+)" is not known'), '"%(name)s" is not known'),
    (
        re.compile(r"is not JSON: (?P<reason>.+) at line (?P<line>\d+) column (?P<column>\d+)"),
        "is not JSON: %(reason)s at line %(line)s column %(column)s",
    ),
)


def init_app(app: Flask) -> None:
    """Translate the console's pages."""
    flask_babel.Babel(app, default_translation_directories=str(TRANSLATIONS), locale_selector=_choose)


def _choose() -> str:
    """The request's language: ``?lang=``, else the cookie, else the browser's."""
    for chosen in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if chosen in LANGUAGES:
            return chosen
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def remember(response: Response) -> Response:
    """Keep a choice that the request makes."""
    chosen = request.args.get("lang")
    if chosen in LANGUAGES and chosen != request.cookies.get(COOKIE):
        path, secure = root() or "/", request.is_secure
        response.set_cookie(COOKIE, chosen, _YEAR_S, None, path, secure=secure, httponly=True, samesite="Lax")
    return response


def gettext(text: str, **values: Any) -> str:
    """The text in the page's language, in English where there is no translation; with its ``%(name)s``."""
    translated: str = flask_babel.gettext(text, **values)
    return translated


def complaint(text: str) -> str:
    """What the schemas say of a form's value, in the page's language."""
    for written, translatable in _COMPLAINTS:
        found = written.fullmatch(text)
        if found is not None:
            values = found.groupdict()
            if "problem" in values:
                values["problem"] = complaint(values["problem"])
            return gettext(translatable, **values)
    return gettext(text)


def complaint_texts() -> Iterator[str]:
    """The translatable forms of complaints with values."""
    return (text for _, text in _COMPLAINTS)


def number(value: float) -> str:
    """A number as the page's language writes it."""
    written: str = flask_babel.format_decimal(value)
    return written


def language() -> str:
    """The code of the page's language."""
    locale = flask_babel.get_locale()
    return str(locale.language) if locale is not None else "en"
