"""The answer to an error. The admin API writes it as the documented envelope, the console as a page."""

from flask import current_app, request
from werkzeug.exceptions import HTTPException

from emulator.rules.errors import Refused
from emulator.rules.model import shortened
from emulator.store.errors import Unavailable
from emulator.workspaces.errors import headers_of, is_out_of_files, refusal, status_of


def explain(error: Exception) -> tuple[int, str, dict[str, str]]:
    """The status, the text and the headers for an error; an unexpected one goes to the log."""
    if isinstance(error, (Refused, Unavailable)):
        refused = refusal(error)
        return status_of(refused), refused.text, dict(headers_of(refused))
    if isinstance(error, OSError) and is_out_of_files(error):
        return 503, f"unavailable just now: {error.strerror}", {}
    if isinstance(error, HTTPException) and error.code is not None:
        headers = {name: text for name, text in error.get_headers() if name in ("Allow", "Retry-After")}
        return error.code, _text(error), headers
    current_app.logger.error("internal error", exc_info=error)
    return 500, f"internal error: {type(error).__name__}", {}


def _text(error: HTTPException) -> str:
    if error.code == 404:
        return f"{shortened(request.path)} not found"
    if error.code == 405:
        return f"Method {request.method} is not allowed"
    return str(error.description or error.name)
