"""Where a form leads when it has done its work."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Response, current_app, redirect, url_for


def see_other(endpoint: str, **values: Any) -> Response:
    """To a page of the console, with GET."""
    response: Response = current_app.make_response(redirect(url_for(endpoint, **values), 303))
    return response


def own_path(text: str, otherwise: str) -> str:
    """The text if it is a path of this server, nothing that leads elsewhere."""
    parts = urlsplit(text)
    if parts.scheme or parts.netloc or not text.startswith("/") or text.startswith(("//", "/\\")):
        return otherwise
    return text
