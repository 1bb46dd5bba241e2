"""How large a request's body may be, by path."""

from __future__ import annotations

from flask import Flask, Request, request

from emulator.rules.model import RequestError
from emulator.settings import MAX_BODY_BYTES
from emulator.wire import BODY_PROBLEM_KEY
from emulator.workspaces import split_path

#: For what carries a whole state or a file.
MAX_FILE_BYTES = 1 << 30
_FILES = ("/__admin/snapshot", "/__admin/import", "/__admin/import/preview", "/__console/import")


def body_limit(path: str) -> int:
    """The bytes that a body sent to ``path`` may have, whichever workspace it is in."""
    if "/__" not in path:  # nearly all requests
        return MAX_BODY_BYTES
    return MAX_FILE_BYTES if split_path(path)[1].rstrip("/") in _FILES else MAX_BODY_BYTES


class LimitedRequest(Request):
    """A Flask request that knows its own limit."""

    @property  # type: ignore[misc]  # Flask's can be set as well
    def max_content_length(self) -> int:  # type: ignore[override]
        return body_limit(self.path)


def init_app(app: Flask) -> None:
    """Hold requests to their limits, whatever server they come through."""
    app.request_class = LimitedRequest
    app.before_request(check_body)


def check_body() -> None:
    """Refuse a body that the server could not read whole. Raises :class:`RequestError` 413 or 400."""
    problem = request.environ.get(BODY_PROBLEM_KEY)
    if problem == "too_large":
        raise RequestError(413, f"body: must be at most {body_limit(request.path)} bytes", "A3")
    if problem == "cut_off":
        raise RequestError(400, "body: was cut off before its end", "A3")
