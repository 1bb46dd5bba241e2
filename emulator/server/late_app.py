"""The Flask application, loaded in a thread when the server is ready: a push needs none of it."""

from __future__ import annotations

import asyncio
import gc
import io
from collections.abc import Iterable
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from threading import Lock, Thread
from time import sleep
from typing import TYPE_CHECKING

from emulator.emulator import Emulator
from emulator.loop.gc_pause import collections_paused
from emulator.loop.pacing import Share
from emulator.messages import BODY_PROBLEM_KEY, DELIVERY_KEY, Answer, Delivery, failure
from emulator.web.bodies import Spool
from emulator.web.wsgi_answer import call_application
from emulator.workspaces.errors import is_out_of_files

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment
    from flask import Flask

#: Seconds without a request after which there is time for what may be needed later.
QUIET_S = 1.0


class LateApp:
    """A WSGI application for the emulator's own server: Flask's, as soon as it is loaded.

    Until then requests wait for it on the event loop, and hold nobody up.
    """

    def __init__(self, emulator: Emulator, spool: Spool) -> None:
        self._emulator = emulator
        self._spool = spool
        self._loading: Future[Flask] | None = None
        self._closed = False
        self._building = Lock()

    def load(self) -> Future[Flask]:
        """Load the application in a thread, again if that failed; the result raises why."""
        if self._loading is None or _has_failed(self._loading):
            loading: Future[Flask] = Future()
            # The end of the process does not wait for it.
            Thread(target=self._load, args=(loading, Share()), name="app", daemon=True).start()
            self._loading = loading
        return self._loading

    def close(self) -> None:
        """Stop the imports of files that are under way, and begin none; the loop rests."""
        with self._building:
            self._closed = True
        if self._loading is not None and self._loading.done() and not _has_failed(self._loading):
            self._loading.result().extensions["imports"].close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        loading = self.load()
        # A client that waits for a 100 is answered at once, which a delivery cannot do.
        if (loading.done() and not _has_failed(loading)) or environ[BODY_PROBLEM_KEY] == "unread":
            return loading.result().wsgi_app(environ, start_response)
        later = environ | {"wsgi.input": io.BytesIO(environ["wsgi.input"].read())}  # it is closed soon
        busy = ExitStack()
        environ[DELIVERY_KEY] = Delivery(wait=_answer(loading, later, busy), busy=busy)
        start_response("200 OK", [])
        return []

    def _load(self, loading: Future[Flask], share: Share) -> None:
        try:
            with collections_paused():
                # Takes longer than the rest of the start.
                from emulator.app import app_of  # noqa: PLC0415

                with self._building:
                    if self._closed:  # the state directory may be another process's
                        return
                    app = app_of(self._emulator, self._spool)
            gc.freeze()  # what is there now lives as long as the process
            loading.set_result(app)
        except BaseException as error:
            loading.set_exception(error)
            return
        _compile_templates(app, share)


def _compile_templates(app: Flask, share: Share) -> None:
    """Compile the console's templates while no requests come: the first page would hold all others up."""
    sleep(QUIET_S)
    with suppress(OSError):  # the page that needs it says so
        for name in app.jinja_env.list_templates(["html"]):
            while share.rest_s(QUIET_S):
                sleep(QUIET_S)
            app.jinja_env.get_template(name)


def _has_failed(loading: Future[Flask]) -> bool:
    return loading.done() and loading.exception() is not None


async def _answer(loading: Future[Flask], environ: WSGIEnvironment, busy: ExitStack) -> Answer:
    try:
        app = await asyncio.shield(asyncio.wrap_future(loading))
    except OSError as error:
        if not is_out_of_files(error):
            raise
        return failure(f"unavailable just now: {error.strerror}", 503)
    answer = call_application(app.wsgi_app, environ)
    if answer.delivery is not None:
        busy.enter_context(answer.delivery.busy)
    return await answer.settled()
