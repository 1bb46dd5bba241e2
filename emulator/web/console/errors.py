"""How the console says that something went wrong: a page, with the status of the error."""

from __future__ import annotations

from flask import current_app, render_template
from markupsafe import escape
from werkzeug.exceptions import HTTPException

from emulator.rules.model import RequestError
from emulator.store.errors import Unavailable
from emulator.workspaces.errors import error_code, refusal


def failure(error: Exception) -> tuple[str, int, dict[str, str]]:
    """The page for an error, its status and headers; an unexpected one goes to the log."""
    headers: dict[str, str] = {}
    if isinstance(error, Unavailable):
        error = refusal(error)
    if isinstance(error, RequestError):
        code, text = error.code, error.text
    elif isinstance(error, OSError) and error_code(error) == 503:
        code, text = 503, f"unavailable just now: {error.strerror}"
    elif isinstance(error, HTTPException) and error.code is not None:
        code, text = error.code, str(error.description or error.name)
        headers = {name: value for name, value in error.get_headers() if name == "Retry-After"}
    else:
        code, text = 500, f"internal error: {type(error).__name__}"
        current_app.logger.error("internal error", exc_info=error)
    try:
        return render_template("console/error.html", code=code, text=text), code, headers
    except OSError:  # the page's own file cannot be opened either
        return str(escape(f"{code}: {text}")), code, headers
