"""Waiting verifications and long searches over TCP: whoever pushes meanwhile is answered."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http.client import HTTPConnection
from threading import Thread
from time import perf_counter

import psutil
import pytest

from tests.server import PAGE_TOKEN, PATIENCE_S, Reply, Server, subscription
from tests.waiting import until

#: Requests in the journal, which holds no more.
FULL = 5_000
JSON = {"Content-Type": "application/json"}
PUSH = json.dumps({"resource_token": PAGE_TOKEN, "subscriptions": [subscription("pushed")]})


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a full journal."""
    server = Server(tmp_path_factory.mktemp("full"), "--journal-count", str(FULL)).start()
    push(server, FULL)
    yield server
    server.kill()


def push(server: Server, count: int) -> float:
    """Push this often on one connection; the seconds that it took."""
    connection = HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE_S)
    since = perf_counter()
    for _ in range(count):
        connection.request("POST", "/push_subscribe", PUSH, JSON)
        connection.getresponse().read()
    took = perf_counter() - since
    connection.close()
    return took


def work(server: Server, count: int = 600) -> float:
    """Seconds of the processor that the server takes for so many pushes: others on the machine cost none."""
    before = _settled(server)
    push(server, count)
    return _settled(server) - before


def _settled(server: Server) -> float:
    """The server's seconds of the processor, once it has nothing more to do."""
    assert server.process is not None
    times = psutil.Process(server.process.pid).cpu_times
    seen: list[float] = []

    def unchanged() -> bool:
        seen.append(times().user + times().system)
        return seen[-1:] == seen[-2:-1]

    until(unchanged, every_s=0.1)
    return seen[-1]


@pytest.mark.parametrize(
    ("match", "token"),
    [
        ({"subscription_id": "wanted"}, "wanted"),
        ({"q": "sought"}, "sought"),
        ({"outcome": "fault"}, "emu!503"),
    ],
)
def test_ten_waiting_verifications_cost_little_of_the_rate(
    full: Server, match: dict[str, str], token: str
) -> None:
    """A tenth is what they may cost; a busy machine measures badly. Counting anew costs a hundredfold."""
    replies: list[Reply] = []
    asked = {"match": match, "expect": {"exactly": 1}, "within": 60}

    def wait() -> None:
        replies.append(full.post("/__admin/requests/verify", asked))

    alone = work(full)
    waiting = [Thread(target=wait) for _ in range(10)]
    for one in waiting:
        one.start()
    beside = min(work(full), work(full))  # the first may have them look at what was there
    assert replies == []
    full.push(subscriptions=[subscription(token)])
    for one in waiting:
        one.join(PATIENCE_S)
    assert [(one.status, one.json["count"]) for one in replies] == [(200, 1)] * 10
    assert beside < 5 * alone, f"{beside:.2f} s beside {alone:.2f} s"


@pytest.mark.parametrize(
    ("method", "path", "document"),
    [
        ("POST", "/__admin/requests/verify", {"match": {"id": "nobody", "status": 503, "q": "nothing x"}}),
        ("POST", "/__admin/requests/count", {"match": {"q": "nothing", "rule": "S3"}}),
        ("GET", "/__admin/requests?q=nothing", None),
        ("GET", "/__admin/requests?limit=1000&q=pushed", None),
        ("GET", "/__admin/requests/attempts", None),
        ("GET", "/?q=nothing", None),
    ],
)
def test_pushes_are_answered_while_a_full_journal_is_searched(
    full: Server, method: str, path: str, document: object
) -> None:
    done: list[Reply] = []
    body = None if document is None else json.dumps(document).encode()

    def search() -> None:
        done.append(full.request(method, path, body))

    searching = Thread(target=search)
    searching.start()
    answered = 0
    while not done:
        push(full, 1)
        answered += 1
    searching.join(PATIENCE_S)
    assert done[0].status in (200, 422)
    assert answered > 1
