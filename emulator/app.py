"""The Flask application: the documented endpoint and everything around it."""

import atexit
from collections.abc import Callable
from functools import partial
from typing import Any

from flask import Flask, Response
from werkzeug.middleware.proxy_fix import ProxyFix

from emulator.emulator import Emulator
from emulator.messages import failure
from emulator.rules.texts import joined
from emulator.settings import Settings
from emulator.web import current, import_files, later
from emulator.web.admin.blueprint import blueprint as admin
from emulator.web.admin.loading import Int64Converter
from emulator.web.bodies import Spool
from emulator.web.console import blueprint as console
from emulator.web.errors import explain
from emulator.web.plain_wsgi import PlainWsgi


def create_app(settings: Settings | None = None) -> Flask:
    """The application, on the state that the settings name; any WSGI server may run it, in one process.

    Raises :class:`~emulator.fixtures.load.FixtureError`, :class:`~emulator.store.errors.StateError` and
    :class:`OSError`; nothing is left open then. The :class:`~emulator.emulator.Emulator` that it serves is
    ``app.extensions["emulator"]``: close it at the end; otherwise the end of the process closes it.
    """
    settings = settings or Settings()
    emulator = Emulator(settings)
    atexit.register(emulator.close)
    return app_of(emulator, Spool(settings))


def app_of(emulator: Emulator, spool: Spool) -> Flask:
    """The application on an emulator that the caller closes; large bodies go to ``spool``."""
    app = routes()
    attach(app, emulator, spool)
    return app


class _Application(Flask):
    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        return func  # none is asynchronous: Flask would look at each of them, in each request


def routes() -> Flask:
    """The routes and the steps around each request, still without an emulator."""
    app = _Application(__name__, static_folder=None)
    app.url_map.strict_slashes = False
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False  # Flask's own answer is HTML (A4)
    app.url_map.converters["int64"] = Int64Converter
    app.before_request(current.check_workspace)  # first: a name that cannot be is refused before anything
    app.before_request(later.when_ready)
    import_files.init_app(app)
    app.register_blueprint(admin)
    console.init_app(app)
    app.register_error_handler(Exception, _failure)
    app.after_request(later.when_durable)
    return app


def attach(app: Flask, emulator: Emulator, spool: Spool) -> None:
    """Let the routes serve an emulator, in place of any before it; large bodies go to ``spool``."""
    app.extensions["emulator"] = emulator
    app.extensions["spool"] = spool
    import_files.attach(app, emulator)
    console.attach(app, emulator)
    below = current.served_below(partial(Flask.wsgi_app, app))
    if emulator.settings.trust_proxy:
        below = ProxyFix(below, x_host=1, x_prefix=1)  # the client's address and the scheme by default
    # Flask's way to add middleware
    app.wsgi_app = PlainWsgi(below, emulator, spool)  # type: ignore[method-assign]


def _failure(error: Exception) -> Response:
    """Every failure is answered in the documented envelope (A4)."""
    code, problems, headers = explain(error)
    return later.as_response(failure(joined(problems), code, headers=headers.items()))
