"""A call of a WSGI application for one request: a request in, an answer out."""

from __future__ import annotations

import io
import sys
from functools import lru_cache
from typing import IO, TYPE_CHECKING, Any

from emulator.messages import BODY_PROBLEM_KEY, BRIDGE_KEY, Answer, BodyProblem
from emulator.web.wsgi_answer import call_application

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

    from emulator.server.bridge import Request


class WsgiCall:
    """Calls ``application`` for one request after the other.

    ``host`` and ``port`` are where the server listens (SERVER_NAME, SERVER_PORT).
    """

    def __init__(self, application: WSGIApplication, host: str, port: int) -> None:
        self._application = application
        self._base: dict[str, Any] = {
            "SCRIPT_NAME": "",
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_SOFTWARE": "emulator",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.version": (1, 0),
            "wsgi.errors": sys.stderr,
            # The body has been read and counted: the application may read to its end.
            "wsgi.input_terminated": True,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            BRIDGE_KEY: True,
        }

    def __call__(self, request: Request, body: bytes | IO[bytes], problem: BodyProblem | None) -> Answer:
        """The application's answer, with the delivery from its environment."""
        environ = self._base.copy()
        environ["wsgi.input"] = io.BytesIO(body) if isinstance(body, bytes) else body
        environ[BODY_PROBLEM_KEY] = problem
        environ["REQUEST_METHOD"] = request.method
        environ["PATH_INFO"] = _as_wsgi(request.path)
        scope = request.scope
        environ["QUERY_STRING"] = _as_wsgi(scope.query_string)
        host, _, port = scope.client.rpartition(":")
        environ["REMOTE_ADDR"] = host.strip("[]")
        environ["REMOTE_PORT"] = port
        environ["wsgi.url_scheme"] = scope.scheme
        for name, value in request.headers.items():
            environ[_variable(name)] = value
        return call_application(self._application, environ)


@lru_cache(500)
def _variable(name: str) -> str:
    variable = name.upper().replace("-", "_")
    return variable if name in ("content-type", "content-length") else f"HTTP_{variable}"


def _as_wsgi(text: str) -> str:
    # WSGI expects the UTF-8 bytes, each as the character with its number (PEP 3333).
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
