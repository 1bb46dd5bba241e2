"""The Flask application: the documented endpoint and everything around it."""

from __future__ import annotations

import atexit
from typing import Any

import orjson
from flask import Flask, Response, current_app, request
from flask.json.provider import JSONProvider
from werkzeug.exceptions import HTTPException

from emulator.emulator import Emulator
from emulator.rules.answer import error_envelope
from emulator.rules.model import RequestError, shortened
from emulator.settings import Settings
from emulator.store.errors import Unavailable
from emulator.web import current, later, limits
from emulator.web.admin import blueprint as admin
from emulator.web.admin.numbers import Int64Converter
from emulator.web.console import blueprint as console
from emulator.web.plain_wsgi import PlainWsgi
from emulator.workspaces.errors import error_code, refusal


class OrjsonProvider(JSONProvider):
    """Flask's JSON by orjson."""

    mimetype = "application/json"

    def dumps(self, obj: Any, **kwargs: Any) -> str:
        return orjson.dumps(obj).decode()

    def loads(self, s: str | bytes, **kwargs: Any) -> Any:
        return orjson.loads(s)

    def response(self, *args: Any, **kwargs: Any) -> Response:
        return Response(orjson.dumps(self._prepare_response_obj(args, kwargs)), mimetype=self.mimetype)


def create_app(settings: Settings | None = None) -> Flask:
    """The application, on the state that the settings name; any WSGI server may run it, in one process.

    Raises :class:`~emulator.fixtures.load.FixtureError`, :class:`~emulator.store.errors.StateError` and
    :class:`OSError`; nothing is left open then. The :class:`~emulator.emulator.Emulator` that it serves is
    ``app.extensions["emulator"]``: close it at the end; the end of the process does.
    """
    app = Flask(__name__, static_folder=None)
    app.json = OrjsonProvider(app)
    app.url_map.strict_slashes = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # Flask's own answer is HTML (A4)
    app.url_map.converters["int64"] = Int64Converter
    settings = settings or Settings()
    app.extensions["emulator"] = emulator = Emulator(settings)
    atexit.register(emulator.close)
    current.init_app(app)  # first: a name that cannot be is refused before anything
    limits.init_app(app, settings)
    admin.init_app(app)
    console.init_app(app)
    app.register_error_handler(Exception, _failure)
    app.after_request(later.when_durable)
    below = current.WorkspacePrefix(app.wsgi_app)
    # Flask's way to add middleware
    app.wsgi_app = PlainWsgi(below, emulator, app.extensions["spool"])  # type: ignore[method-assign]
    return app


def _failure(error: Exception) -> Response:
    """Every failure is answered in the documented envelope (A4)."""
    headers: list[tuple[str, str]] = []
    if isinstance(error, Unavailable):
        error = refusal(error)
    if isinstance(error, RequestError):
        code, text = error.code, error.text
    elif isinstance(error, OSError) and error_code(error) == 503:
        code, text = 503, f"unavailable just now: {error.strerror}"
    elif isinstance(error, HTTPException) and error.code is not None:
        code, text = error.code, _text(error)
        headers = [(name, value) for name, value in error.get_headers() if name in ("Allow", "Retry-After")]
    else:
        code, text = 500, f"internal error: {type(error).__name__}"
        current_app.logger.error("internal error", exc_info=error)
    return Response(orjson.dumps(error_envelope(code, text)), code, headers, mimetype="application/json")


def _text(error: HTTPException) -> str:
    if error.code == 404:
        return f"{shortened(request.path)} not found"
    if error.code == 405:
        return f"Method {request.method} is not allowed"
    return str(error.description or error.name)
