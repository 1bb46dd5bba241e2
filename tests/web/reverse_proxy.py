"""A reverse proxy that serves one server below a path, as nginx does by its defaults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException, HTTPResponse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from tests.server import PATIENCE_S, Server

PREFIX = "/tools/emulator"
_OF_ONE_CONNECTION = ("connection", "transfer-encoding", "keep-alive", "date", "server")


class _Proxied(BaseHTTPRequestHandler):
    """One connection. What an answer does not want passed on at once is passed on when it is whole."""

    server: ThroughProxy

    def _pass_on(self) -> None:
        if not self.path.startswith(PREFIX + "/"):
            self.server.strays.append(f"{self.command} {self.path}")
            self.send_error(404)
            return
        upstream = HTTPConnection("127.0.0.1", self.server.behind.port, timeout=PATIENCE_S)
        try:
            sent = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            upstream.request(self.command, self.path[len(PREFIX) :], body, sent | self._forwarded())
            self._answer(upstream.getresponse())
        except (OSError, HTTPException):
            self.close_connection = True  # one of the two has gone
        finally:
            upstream.close()

    do_GET = do_POST = _pass_on  # noqa: N815 (http.server looks these names up)

    def _forwarded(self) -> dict[str, str]:
        return {
            "Connection": "close",
            "X-Forwarded-For": "198.51.100.7",
            "X-Forwarded-Proto": self.server.scheme,
            "X-Forwarded-Host": self.headers["Host"],
            "X-Forwarded-Prefix": PREFIX,
        }

    def _answer(self, answer: HTTPResponse) -> None:
        holds_back = answer.getheader("X-Accel-Buffering") != "no"
        first = answer.read() if holds_back else b""
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OF_ONE_CONNECTION:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(first)
        while piece := answer.read1():
            self.wfile.write(piece)
            self.wfile.flush()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


class ThroughProxy(ThreadingHTTPServer):
    """The proxy of ``behind``; ``strays``: requests that left its path."""

    daemon_threads = True

    def __init__(self, behind: Server) -> None:
        super().__init__(("127.0.0.1", 0), _Proxied)
        self.behind = behind
        self.scheme = "http"
        self.strays: list[str] = []

    @property
    def url(self) -> str:
        """Where the server is found, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}{PREFIX}"


@contextmanager
def proxied(behind: Server) -> Iterator[ThroughProxy]:
    """A proxy that runs."""
    with ThroughProxy(behind) as proxy:
        thread = Thread(target=proxy.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield proxy
        finally:
            proxy.shutdown()
            thread.join()
