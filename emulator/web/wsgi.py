"""A WSGI application's whole answer, without a server's ceremony."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING

from emulator.messages import DELIVERY_KEY, SUMMARY_KEY, Answer, Delivery, Summary

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication, WSGIEnvironment

ExcInfo = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


def call_application(application: WSGIApplication, environ: WSGIEnvironment) -> Answer:
    """A WSGI application's whole answer, with the delivery and the summary that it left in ``environ``."""
    status = ""
    headers: list[tuple[str, str]] = []
    written: list[bytes] = []

    def start_response(
        its_status: str, its_headers: list[tuple[str, str]], exc_info: ExcInfo | None = None, /
    ) -> Callable[[bytes], object]:
        nonlocal status, headers
        status, headers = its_status, its_headers
        return written.append

    content = _joined(application(environ, start_response))
    if written:
        content = b"".join(written) + content
    summary: Summary | None = environ.get(SUMMARY_KEY)
    delivery: Delivery | None = environ.get(DELIVERY_KEY)
    return Answer(int(status[:3]), headers, content, summary or Summary(), delivery)


def _joined(pieces: Iterable[bytes]) -> bytes:
    try:
        return b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close is not None:
            close()
