"""The URL of a database and its errors, as they may be shown."""

from __future__ import annotations

import re

import psycopg
from psycopg.conninfo import conninfo_to_dict

_PASSWORD = re.compile(r"(passw[^=&?]*=)[^&]*", re.I)
#: The parts of a URL that libpq repeats in errors.
_QUOTED = re.compile(r'"[^"]*"')


def without_password(url: str) -> str:
    """The URL as it may be shown."""
    scheme, _, rest = url.partition("//")
    user, at, place = rest.rpartition("@")  # the last one, for a password may have all others
    name, colon, _ = user.partition(":")
    shown = f"{name}:…@{place}" if at and colon else rest
    return f"{scheme}//" + _PASSWORD.sub(r"\1…", shown)


def check_url(url: str) -> None:
    """Raise :class:`ValueError` for a URL that names no database, with a text that shows no password."""
    try:
        conninfo_to_dict(url)
    except psycopg.Error as error:
        text = first_line(error)
        if ":" in url.partition("//")[2]:
            text = f"{_QUOTED.sub('…', text)}; in a password, write % as %25, @ as %40, / as %2F, ? as %3F"
        raise ValueError(text) from error
    if "@" in url.partition("//")[2].partition("?")[0].partition("/")[2]:
        raise ValueError("in a user name or a password, write / as %2F")


def first_line(error: Exception) -> str:
    """What an error says, without the hints that follow."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]
