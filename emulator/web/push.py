"""The documented endpoint as a Flask view. The server's bridge calls the same exchange without Flask."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, request

from emulator.delivery import deliver_inline
from emulator.emulator import Emulator
from emulator.exchange import PATHS
from emulator.settings import MAX_BODY_BYTES
from emulator.wire import Answer, Incoming

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"]


def init_app(app: Flask) -> None:
    """Serve the endpoint at all of its paths (Q2)."""
    emulator: Emulator = app.extensions["emulator"]
    blueprint = Blueprint("push", __name__)

    def push_subscribe() -> Response:
        answer = emulator.exchange.handle(_incoming())
        return flask_response(answer)

    for path in sorted(PATHS):
        blueprint.add_url_rule(
            path, "push_subscribe", push_subscribe, methods=METHODS, provide_automatic_options=False
        )
    app.register_blueprint(blueprint)


def _incoming() -> Incoming:
    too_large = (request.content_length or 0) > MAX_BODY_BYTES
    return Incoming(
        request.method,
        request.script_root + request.path,
        request.query_string.decode("latin-1"),
        {name.lower(): value for name, value in request.headers.items()},
        b"" if too_large else request.get_data(),
        f"{request.remote_addr}:{request.environ.get('REMOTE_PORT', 0)}",
        "too_large" if too_large else None,
    )


def flask_response(answer: Answer) -> Response:
    """An answer as Flask's response; under a server without the bridge it is delivered here and now."""
    if answer.delivery is not None:
        answer = deliver_inline(answer.delivery, answer)
    return Response(answer.body, answer.status, answer.headers)
