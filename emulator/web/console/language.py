"""English and Russian: what a person chose, else what the browser prefers. English is in the code itself."""

from __future__ import annotations

from pathlib import Path

from flask import Flask, Response, request
from flask_babel import Babel  # type: ignore[import-untyped]  # has no types

#: Language codes with their own names.
LANGUAGES = {"en": "English", "ru": "Русский"}
COOKIE = "emulator_language"
TRANSLATIONS = Path(__file__).resolve().parent / "translations"
_YEAR_S = 365 * 24 * 3600


def init_app(app: Flask) -> None:
    """Translate the console's pages."""
    Babel(
        app,
        default_locale="en",
        default_translation_directories=str(TRANSLATIONS),
        locale_selector=choose,
    )


def choose() -> str:
    """The request's language: ``?lang=``, else the cookie, else the browser's."""
    for chosen in (request.args.get("lang"), request.cookies.get(COOKIE)):
        if chosen in LANGUAGES:
            return chosen
    return request.accept_languages.best_match(list(LANGUAGES)) or "en"


def remember(response: Response) -> Response:
    """Keep a choice that the request makes."""
    chosen = request.args.get("lang")
    if chosen in LANGUAGES and chosen != request.cookies.get(COOKIE):
        secure = request.is_secure
        response.set_cookie(COOKIE, chosen, max_age=_YEAR_S, httponly=True, samesite="Lax", secure=secure)
    return response
