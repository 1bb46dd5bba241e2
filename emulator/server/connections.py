"""The server's TCP connections in the operating system: listening, breaking, and how much a client has read.

Granian shows a client's address but not its socket, so this module finds a connection among the descriptors
of this process by its two addresses. That works where ``/dev/fd`` lists sockets (Linux, macOS, the BSDs); on
Windows it finds no connection, and :func:`cut` returns that.
"""

import asyncio
import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Collection
from time import monotonic
from typing import Any

if sys.platform != "win32":
    import fcntl
    import termios

_LISTED_IN = "/dev/fd"
#: Connections that may wait to be accepted, and requests that granian may hold.
BACKLOG = 1024
#: Bytes of a request's line and headers. A client that sends more mostly gets no answer: the connection
#: closes while the client still sends.
HEAD_BYTES = 2 << 20
#: Bytes of an answer that the server gets before the client's reading is checked.
AT_ONCE = 512 * 1024
#: Seconds that the client may take to read this many.
PATIENCE_S = 60.0
#: Seconds between two checks of its progress, at first and later.
_LOOK_S, _SELDOM_S = 0.001, 0.05

#: What ``localhost`` means, whatever the system's file of hosts says.
LOOPBACKS = ("127.0.0.1", "::1")
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
#: Free ports of one address that are tried at the other.
_MOST_TRIES = 20

Address = tuple[str, int]


def listen(host: str, port: int) -> list[socket.socket]:
    """Sockets that listen at ``host``, ``port`` (0: any that is free); nobody else can listen there too.

    ``localhost`` is both loopback addresses, at the same port, or the one that this machine has: a client
    may try either and no other. Any other host is one socket. Raises :class:`OSError` when the host is
    unknown or not ours, or the port is taken.
    """
    if host.lower() != "localhost":
        return [_listen(host, port)]
    for _ in range(_MOST_TRIES):
        try:
            return _listen_at_loopbacks(port)
        except OSError as error:
            taken = error
            if port or error.errno != errno.EADDRINUSE:
                raise
    raise taken  # each free port at one address was taken at the other


def _listen_at_loopbacks(port: int) -> list[socket.socket]:
    listeners: list[socket.socket] = []
    for address in LOOPBACKS:
        try:
            listeners.append(_listen(address, port))
        except OSError as error:
            if error.errno in _NO_SUCH_ADDRESS or isinstance(error, socket.gaierror):
                absent = error
                continue
            for listener in listeners:
                listener.close()
            raise
        port = listeners[0].getsockname()[1]
    if not listeners:
        raise absent
    return listeners


def _listen(host: str, port: int) -> socket.socket:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    family, kind, protocol, _, address = min(found, key=lambda choice: choice[0] != socket.AF_INET)
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform == "win32":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        else:
            # A port that a server just released can be taken again. (Never SO_REUSEPORT: with it two servers
            # share a port, and each answers some of the requests.)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(address)
        listener.listen(BACKLOG)
    except OSError:
        listener.close()
        raise
    return listener


def address_of(text: str) -> Address:
    """``"127.0.0.1:80"`` or ``"[::1]:80"`` as address and port."""
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


def cut(client: Address, server_port: int, *, reset: bool) -> bool:
    """Breaks the connection of ``client`` with our ``server_port``; returns whether it was found.

    ``reset`` false: both directions end, as after an orderly close (FIN). True: reading ends, the server
    then drops the connection, and the system resets it (RST).
    """
    return _each_connection(server_port, client, _reset_when_dropped if reset else _end)


def hold_back(client: Address, server_port: int) -> None:
    """Holds what is written to ``client`` back for a moment, where the system can (Linux)."""
    cork = getattr(socket, "TCP_CORK", None)
    if cork is not None:
        _each_connection(server_port, client, lambda one: one.setsockopt(socket.IPPROTO_TCP, cork, 1))


def cut_all(server_port: int) -> None:
    """Ends every connection to ``server_port``."""
    _each_connection(server_port, None, _end)


class Reader:
    """The client of one connection, which reads a long answer. Close it at the end.

    Granian accepts every piece of an answer and keeps it until the client reads it.
    """

    def __init__(self, client: Address, server_port: int) -> None:
        self._client = client
        self._server_port = server_port
        self._connection: socket.socket | None = None
        self._given = 0

    async def has_taken(self, size: int, ends: Collection[asyncio.Future[Any]]) -> bool:
        """Record that it was given this many bytes, and wait until it can take more or until one of ``ends``.

        False: the client read nothing for too long, and its connection is cut.
        """
        self._given += size
        if self._given < AT_ONCE:
            return True
        self._given = 0
        if self._connection is None:
            _each_connection(self._server_port, self._client, self._look_at)
        deadline, pause = monotonic() + PATIENCE_S, _LOOK_S
        while True:
            done, _ = await asyncio.wait(ends, timeout=pause, return_when=asyncio.FIRST_COMPLETED)
            if done or self._connection is None or not _unsent_bytes(self._connection):
                return True
            if monotonic() > deadline:
                self.leave()
                return False
            pause = min(2 * pause, _SELDOM_S)

    def leave(self) -> None:
        """Cut the connection."""
        cut(self._client, self._server_port, reset=False)

    def close(self) -> None:
        """Stop observing the connection."""
        if self._connection is not None:
            self._connection.close()

    def _look_at(self, connection: socket.socket) -> None:
        self.close()
        # Not connection.dup(): that makes the socket block, and with it granian's thread at the next write.
        self._connection = socket.socket(fileno=os.dup(connection.fileno()))


def _unsent_bytes(connection: socket.socket) -> int:
    """The bytes in the system's buffers that the other side has not taken yet; 0 if unknown."""
    if sys.platform == "win32":
        return 0
    try:
        return int.from_bytes(fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4)), sys.byteorder)
    except OSError:
        return 0


def _reset_when_dropped(connection: socket.socket) -> None:
    # Ending the writing direction as well would send a FIN, which a quick client reads as an empty reply.
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.shutdown(socket.SHUT_RD)


def _end(connection: socket.socket) -> None:
    connection.shutdown(socket.SHUT_RDWR)


def _each_connection(
    server_port: int, client: Address | None, treat: Callable[[socket.socket], None]
) -> bool:
    treated = False
    for descriptor in _descriptors():
        if not _joins(descriptor, server_port, client):
            continue
        try:
            connection = socket.socket(fileno=os.dup(descriptor))
        except OSError:
            continue  # closed meanwhile
        with connection:
            # Checked again: another file may have got the number before it was duplicated.
            if _joins(connection.fileno(), server_port, client):
                try:
                    treat(connection)
                except OSError:
                    continue  # the client was quicker
                treated = True
    return treated


def _descriptors() -> list[int]:
    try:
        return [int(name) for name in os.listdir(_LISTED_IN) if name.isdigit()]
    except OSError:
        return []


def _joins(descriptor: int, server_port: int, client: Address | None) -> bool:
    try:
        # The family is a guess; the two calls do not depend on it, and it saves a look-up.
        looked_at = socket.socket(socket.AF_INET6, socket.SOCK_STREAM, 0, fileno=descriptor)
    except OSError:
        return False
    try:
        peer, own = looked_at.getpeername(), looked_at.getsockname()
    except OSError:
        return False  # not a socket, or not connected
    finally:
        looked_at.detach()
    if not (isinstance(own, tuple) and isinstance(peer, tuple)):
        return False
    return bool(own[1] == server_port and (client is None or (peer[0], peer[1]) == client))
