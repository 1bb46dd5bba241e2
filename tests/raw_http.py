"""HTTP below what a client library lets one send: chunked bodies, broken ones, clients that hang up."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from http.client import HTTPConnection

from tests.server import PATIENCE_S, Reply, Server


def send_chunked(server: Server, pieces: list[bytes], path: str = "/push_subscribe") -> Reply:
    """POST a body whose length is not said beforehand."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    try:
        connection.request("POST", path, iter(pieces), {"Transfer-Encoding": "chunked"}, encode_chunked=True)
        answer = connection.getresponse()
        return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
    finally:
        connection.close()


def send_half(server: Server, head: bytes, body: bytes, listen: bool) -> bytes:
    """Send this and no more; the server's whole answer if the client still listens, else hang up."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(head + b"\r\n\r\n" + body)
        if not listen:
            return b""
        connection.shutdown(socket.SHUT_WR)
        return b"".join(_received(connection))


def post_head(*headers: str) -> bytes:
    """The head of a POST to the endpoint, without the empty line at its end."""
    lines = ["POST /push_subscribe HTTP/1.1", "Host: localhost", "Connection: close", *headers]
    return "\r\n".join(lines).encode()


def padded(document: object, size: int) -> bytes:
    """A document as JSON of exactly so many bytes."""
    return json.dumps(document).encode().ljust(size)


def _received(connection: socket.socket) -> Iterator[bytes]:
    while piece := connection.recv(65536):
        yield piece
