"""A WSGI application's answer to one request, whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from emulator.messages import DELIVERY_KEY, Answer

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment


def call_application(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """A WSGI application's whole answer, with the delivery that it left in ``environ``."""
    answer = Answer(0, [], b"")
    written: list[bytes] = []

    def start_response(
        status: str, headers: list[tuple[str, str]], exc_info: Any = None, /
    ) -> Callable[[bytes], object]:
        answer.status, answer.headers = int(status[:3]), headers
        return written.append

    pieces = application(environ, start_response)
    try:
        written += pieces
    finally:
        if hasattr(pieces, "close"):
            pieces.close()
    answer.body = b"".join(written)
    answer.delivery = environ.get(DELIVERY_KEY)
    return answer
