"""English and Russian: what a person chose, else what the browser prefers. English is in the code itself."""

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


def number(value: float) -> str:
    """A number as the page's language writes it."""
    written: str = flask_babel.format_decimal(value)
    return written


def language() -> str:
    """The code of the page's language."""
    locale = flask_babel.get_locale()
    return str(locale.language) if locale is not None else "en"
