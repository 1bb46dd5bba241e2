"""The answer to an error. The admin API writes it as the documented envelope, the console as a page."""

from flask import current_app, request
from werkzeug.exceptions import HTTPException

from emulator.rules.errors import Refused
from emulator.rules.model import shortened
from emulator.rules.texts import Problem
from emulator.store.errors import Unavailable
from emulator.workspaces.errors import headers_of, is_out_of_files, refusal, status_of


def explain(error: Exception) -> tuple[int, list[Problem], dict[str, str]]:
    """The status, what is wrong and the headers for an error; an unexpected one goes to the log."""
    if isinstance(error, (Refused, Unavailable)):
        refused = refusal(error)
        return status_of(refused), refused.problems, dict(headers_of(refused))
    if isinstance(error, OSError) and is_out_of_files(error):
        return 503, [Problem.of("", "unavailable just now: %(reason)s", reason=error.strerror or "")], {}
    if isinstance(error, HTTPException) and error.code is not None:
        headers = {name: text for name, text in error.get_headers() if name == "Allow"}
        return error.code, [_of(error)], headers
    current_app.logger.error("internal error", exc_info=error)
    return 500, [Problem.of("", "internal error: %(name)s", name=type(error).__name__)], {}


def _of(error: HTTPException) -> Problem:
    if error.code == 404:
        return Problem.of("", "%(path)s not found", path=shortened(request.path))
    if error.code == 405:
        return Problem.of("", "Method %(method)s is not allowed", method=request.method)
    return Problem("", str(error.description or error.name))
