"""What ``emulator/server/granian_internal.py`` expects of names that granian does not promise.

Where a new granian fails here: adapt that module, or let it go and serve by the documented names alone.
"""

from __future__ import annotations

import asyncio
import gc
import inspect
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from queue import Queue
from types import SimpleNamespace
from typing import Any

import pytest

from emulator.loop.shared_loop import SharedLoop
from emulator.server import connections
from emulator.server.granian_public import PublicGranian
from emulator.server.server import choose_granian

granian = pytest.importorskip("granian._granian")
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="served by granian's documented names")

PATIENCE_S = 30.0
NAMES = ("CallbackScheduler", "RSGIWorker", "SocketHolder", "WorkerSignal")


class Loop:
    """What granian calls of an event loop; ``calls`` gets the thread of each call."""

    def __init__(self) -> None:
        self.calls: Queue[int] = Queue()

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> None:
        self.calls.put(threading.get_ident())
        callback(*args)

    call_soon_threadsafe = call_soon


class Worker:
    """Granian's worker, alone; ``taken`` gets the watcher of each request and the thread that brought it."""

    def __init__(self) -> None:
        self.taken: Queue[tuple[Any, int]] = Queue()
        self.ended = threading.Event()
        self.loop = Loop()
        listener = socket.create_server(("127.0.0.1", 0))
        self.address = listener.getsockname()
        backlog = (16,) if sys.platform.startswith(("linux", "freebsd")) else ()
        holder = granian.SocketHolder(listener.detach(), False, *backlog)
        self.signal = granian.WorkerSignal()
        self.signal.add_cb(self.ended.set)
        self.scheduler = granian.CallbackScheduler(self.loop, None, None, None, None)
        self.scheduler._schedule_fn = lambda watcher: self.taken.put((watcher, threading.get_ident()))
        self.worker = granian.RSGIWorker(
            worker_id=1,
            sock=(None, holder),
            ipc=None,
            backpressure=16,
            http_mode="1",
            websockets_enabled=False,
            ssl_enabled=False,
            ssl_cert=None,
            ssl_key=None,
            ssl_protocol_min="tls1.2",
        )
        self.worker.serve_async(self.scheduler, self.loop, self.signal)

    def send(self, request: bytes) -> tuple[socket.socket, Any]:
        """The connection, and the watcher of the request."""
        connection = socket.create_connection(self.address, PATIENCE_S)
        connection.sendall(request)
        return connection, self.taken.get(timeout=PATIENCE_S)[0]


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    worker = Worker()
    yield worker
    gc.collect()  # a request in a reference cycle would keep it
    worker.signal.set()
    assert worker.ended.wait(3), "a stopped worker calls what add_cb was given"


POST = (
    b"POST /a%20b?q=1 HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nX-A: 2\r\nX-B: \xd1\x8f\r\nContent-Length: 5\r\n\r\n"
)


@pytest.mark.parametrize("name", NAMES)
def test_name_is_there(name: str) -> None:
    assert inspect.isclass(getattr(granian, name))


def test_every_request_is_brought_by_one_thread_that_is_not_the_loops(worker: Worker) -> None:
    threads = set()
    for _ in range(3):
        with socket.create_connection(worker.address, PATIENCE_S) as connection:
            connection.sendall(POST + b"hello")
            watcher, thread = worker.taken.get(timeout=PATIENCE_S)
            threads.add(thread)
            del watcher
    assert len(threads) == 1
    assert threads != {threading.get_ident()}


def test_watcher_has_the_scope_and_headers_are_told_by_name(worker: Worker) -> None:
    connection, watcher = worker.send(POST + b"hello")
    with connection:
        scope = watcher.scope
        assert (scope.method, scope.path, scope.query_string) == ("POST", "/a b", "q=1")
        assert scope.client == "{}:{}".format(*connection.getsockname())
        headers = scope.headers
        assert headers.get("content-length") == "5"
        assert [value for name, value in headers.items() if name == "x-a"] == ["1", "2"]
        # A value that is not ASCII is left out of the items and has its name all the same.
        assert "x-b" in headers.keys()  # noqa: SIM118 (it is no dictionary)
        assert "x-b" not in dict(headers.items())
        assert len(headers) == len(set(headers.keys()))


def test_body_calls_back_through_the_loop_in_another_thread(worker: Worker) -> None:
    connection, watcher = worker.send(POST)
    bodies: Queue[Any] = Queue()
    with connection:
        whole = watcher.proto()
        whole.add_done_callback(bodies.put, context=None)
        connection.sendall(b"hello")
        assert bodies.get(timeout=PATIENCE_S).result() == b"hello"
        assert worker.loop.calls.get(timeout=PATIENCE_S) != threading.get_ident()
        watcher.proto.response_bytes(200, [("x-c", "1")], b"answer")
        assert connection.recv(1000).endswith(b"answer")


def test_body_that_is_cut_off_raises(worker: Worker) -> None:
    connection, watcher = worker.send(POST)
    bodies: Queue[Any] = Queue()
    whole = watcher.proto()
    whole.add_done_callback(bodies.put, context=None)
    connection.close()
    with pytest.raises(Exception, match=r".*"):
        bodies.get(timeout=PATIENCE_S).result()
    watcher.proto.response_empty(400, [])  # else granian waits for it, also at its end


def test_request_that_nobody_answers_is_answered_500(worker: Worker) -> None:
    connection, watcher = worker.send(POST + b"hello")
    with connection:
        del watcher
        assert connection.recv(1000).startswith(b"HTTP/1.1 500")


def test_awaitables_belong_to_the_loop_that_the_worker_got(worker: Worker) -> None:
    connection, watcher = worker.send(POST + b"hello")
    with connection:
        gone = watcher.proto.client_disconnect()
        assert asyncio.isfuture(gone)
        assert gone.get_loop() is worker.loop


def test_granian_that_lacks_a_name_serves_by_the_documented_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(granian, "WorkerSignal")
    monkeypatch.delitem(sys.modules, "emulator.server.granian_internal", raising=False)
    with closing(SharedLoop()) as loop:
        bridge: Any = SimpleNamespace(serve=None)
        chosen = choose_granian(loop, bridge, connections.listen("127.0.0.1", 0)[0], None)
    assert isinstance(chosen, PublicGranian)
