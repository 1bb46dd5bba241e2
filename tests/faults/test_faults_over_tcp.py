"""Each fault as real clients see it, over real TCP: armed by an admin call, and asked for by a token."""

from __future__ import annotations

import itertools
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import Any, NamedTuple

import pytest

from emulator.server.delivery import SLOW_BODY_S
from emulator.server.server import DOOR
from tests.faults.clients import CLIENTS, Client, Kind
from tests.server import PAGE_TOKEN, PATIENCE_S, Server, subscription

CLIENT = pytest.mark.parametrize("client", CLIENTS.values(), ids=CLIENTS)


class Fault(NamedTuple):
    """A fault: the admin call's body, the token, and what a client sees of it."""

    name: str
    armed: dict[str, Any]
    token: str
    kind: Kind
    status: int
    changes: bool


#: What a client sees, and whether the state changes all the same.
FAULTS = [
    Fault("reset", {"then": "connection_reset"}, "emu!reset", "reset", 0, False),
    Fault("reset-after", {"then": "connection_reset", "apply": "after"}, "emu!after!reset", "reset", 0, True),
    Fault("empty", {"then": "empty_response"}, "emu!empty", "empty", 0, False),
    Fault("empty-after", {"then": "empty_response", "apply": "after"}, "emu!after!empty", "empty", 0, True),
    Fault("truncated", {"then": "truncated_body"}, "emu!truncated", "cut", 200, True),
    Fault("malformed", {"then": "malformed_json"}, "emu!malformed", "answer", 200, True),
    Fault("error", {"then": {"status": 503}}, "emu!503", "answer", 503, False),
    Fault("error-after", {"then": {"status": 504}, "apply": "after"}, "emu!after!504", "answer", 504, True),
    Fault("item", {"then": {"item_error": "duplicate"}}, "emu!duplicate", "answer", 200, False),
    Fault("delay", {"delay_ms": 200}, "emu!delay=200", "answer", 200, True),
]
FAULT = pytest.mark.parametrize("fault", FAULTS, ids=[fault.name for fault in FAULTS])


class World:
    """A workspace of the module's server, for one test."""

    def __init__(self, server: Server, name: str) -> None:
        self._server = server
        self._path = f"/w/{name}"
        self.url = f"{server.url}{self._path}/push_subscribe"

    def call(self, method: str, path: str, document: Any = None) -> Any:
        body = None if document is None else json.dumps(document).encode()
        reply = self._server.request(method, f"{self._path}/__admin{path}", body)
        assert reply.status in (200, 201), reply.body
        return reply.json

    def arm(self, **fault: Any) -> str:
        fault_id: str = self.call("POST", "/faults", fault)["id"]
        return fault_id

    def push(self, token: str = "a-token") -> int:
        """One ordinary call; its HTTP status."""
        return self._server.post(f"{self._path}/push_subscribe", request(token)).status

    @property
    def subscriptions(self) -> int:
        count: int = self.call("GET", "/health")["subscriptions"]
        return count

    @property
    def last(self) -> dict[str, Any]:
        """The newest request of the journal."""
        entry: dict[str, Any] = self.call("GET", "/requests?limit=1")["items"][0]
        return entry


def request(token: str, **parameters: Any) -> dict[str, Any]:
    return {"resource_token": PAGE_TOKEN, "subscriptions": [subscription(token)], **parameters}


@pytest.fixture(scope="module")
def new_world(door: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], World]]:
    folder = tmp_path_factory.mktemp("server")
    server = Server(folder, "--durability", "none", "--seed", "7", environment={DOOR: door})
    numbers = itertools.count()
    try:
        server.start()
        yield lambda: World(server, f"world-{next(numbers)}")
    finally:
        server.kill()


@pytest.fixture
def world(new_world: Callable[[], World]) -> World:
    return new_world()


@CLIENT
@FAULT
def test_armed_fault_is_seen_and_changes_what_it_should(world: World, client: Client, fault: Fault) -> None:
    world.arm(**fault.armed)
    _check(world, client, fault, "some-token")


@FAULT
def test_token_fault_is_seen_and_changes_what_it_should(world: World, fault: Fault) -> None:
    _check(world, CLIENTS["httpx"], fault, fault.token)


def _check(world: World, client: Client, fault: Fault, token: str) -> None:
    before, since = world.subscriptions, monotonic()
    seen = client(world.url, request(token))
    took = monotonic() - since
    assert seen.kind == fault.kind
    if fault.status:
        assert seen.status in (fault.status, 0)  # not every client tells the status of a body cut short
    assert world.subscriptions - before == fault.changes
    entry, then = world.last, fault.armed.get("then")
    assert entry["outcome"] == "fault"
    assert (entry["effect"], entry["delay_ms"]) == (
        then if isinstance(then, str) else None,
        fault.armed.get("delay_ms", 0),
    )
    assert (entry["answer"] == "") == (fault.kind in ("reset", "empty"))
    if fault.name == "malformed":
        with pytest.raises(ValueError, match=r"Expecting|Unterminated"):
            json.loads(seen.text)
    elif fault.name == "item":
        assert [item["description"] for item in seen.json["data"]] == ["Duplicate push subscription"]
    elif fault.name == "delay":
        assert took >= 0.2
        assert seen.json["error"] == 0
    elif fault.kind == "answer":
        assert seen.json["error"] == fault.status


@CLIENT
def test_fault_after_the_change_is_survived_by_a_retry(world: World, client: Client) -> None:
    """What ``after`` is for: the answer is lost, the retry finds everything done already (S3, S7)."""
    world.arm(then="connection_reset", apply="after", times=1)
    assert client(world.url, request("once-token")).kind == "reset"
    retried = client(world.url, request("once-token"))
    assert (retried.kind, retried.json["error"]) == ("answer", 200)
    assert world.call("GET", "/requests/attempts")["items"][0]["outcomes"] == ["fault", "unchanged"]


@CLIENT
def test_rate_limit_answers_429_to_what_is_too_much(world: World, client: Client) -> None:
    world.arm(then={"rate_limit": {"per_second": 0.01}})
    first, second = client(world.url, request("t-1")), client(world.url, request("t-2"))
    assert (first.status, first.json["error"]) == (200, 0)
    assert (second.status, second.json["error"]) == (429, 429)
    assert "0.01 requests per second" in second.json["error_text"]


def test_slow_body_arrives_whole_and_late_at_every_client_at_once(new_world: Callable[[], World]) -> None:
    def slow(client: Client, by_token: bool) -> float:
        world = new_world()
        if not by_token:
            world.arm(then="slow_body")
        since = monotonic()
        seen = client(world.url, request("emu!slow" if by_token else "some-token"))
        assert (seen.kind, seen.json["error"]) == ("answer", 0)
        return monotonic() - since

    if "fetch" in CLIENTS:
        CLIENTS["fetch"](new_world().url, request("warm-up"))  # says so, and skips, where node is absent
    calls = list(itertools.product(CLIENTS.values(), (False, True)))
    with ThreadPoolExecutor(len(calls)) as pool:
        assert min(pool.map(lambda call: slow(*call), calls)) >= SLOW_BODY_S * 0.9


@pytest.mark.parametrize("spoil", ["truncated_body", "malformed_json", "slow_body"])
def test_spoiled_answer_before_the_change_changes_nothing(world: World, spoil: str) -> None:
    before = world.subscriptions
    world.arm(then=spoil, apply="before")
    with socket.create_connection(world_address(world), PATIENCE_S) as connection:
        connection.sendall(_raw_request(world, "some-token"))
        assert connection.recv(100).startswith(b"HTTP/1.1 500 ")
    assert world.subscriptions == before


@pytest.mark.parametrize("effect", ["connection_reset", "empty_response", "truncated_body"])
def test_broken_connection_breaks_no_other(world: World, effect: str) -> None:
    """A client on a kept-alive connection of its own goes on undisturbed."""
    with socket.create_connection(world_address(world), PATIENCE_S) as other:
        for token in ("first", "second", "third"):
            world.arm(then=effect, match={"subscription_id": "broken"}, times=1)
            assert CLIENTS["httpx"](world.url, request("broken")).kind != "answer"
            other.sendall(_raw_request(world, token))
            assert other.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_delayed_answer_delays_nobody_else(world: World) -> None:
    """By the order of completion: the delayed one is asked first and is not there when all others are."""
    world.arm(delay_ms=600_000, match={"subscription_id": "delayed"})
    with socket.create_connection(world_address(world), PATIENCE_S) as delayed:
        delayed.sendall(_raw_request(world, "delayed"))
        came = {"match": {"subscription_id": "delayed"}, "within": PATIENCE_S}
        assert world.call("POST", "/requests/verify", came) == {"count": 1}
        assert [world.push(f"quick-{number}") for number in range(20)] == [200] * 20
        delayed.setblocking(False)
        with pytest.raises(BlockingIOError):
            delayed.recv(1)


def test_random_delay_is_no_shorter_than_its_lower_bound(world: World) -> None:
    world.arm(delay_ms={"uniform": [20, 60]})
    since = monotonic()
    assert world.push() == 200
    assert monotonic() - since >= 0.02


def test_fault_acts_as_often_as_told(world: World) -> None:
    fault_id = world.arm(then={"status": 503}, times=2)
    assert [world.push() for _ in range(3)] == [503, 503, 200]
    armed = world.call("GET", f"/faults/{fault_id}")
    assert (armed["times"], armed["fired"]) == (0, 2)


def test_first_armed_fault_that_matches_acts(world: World) -> None:
    world.arm(then={"status": 500}, match={"subscription_id": "other"})
    world.arm(then={"status": 502}, times=1)
    world.arm(then={"status": 503})
    assert [world.push(), world.push(), world.push("other")] == [502, 503, 500]


def test_token_goes_before_armed_faults(world: World) -> None:
    world.arm(then={"status": 500})
    assert world.push("emu!502") == 502


def test_fault_by_field_value_matches_what_the_request_searches(world: World) -> None:
    world.arm(then={"status": 503}, match={"field_value": 100})
    custom = {"matching": "custom", "field_name": "CustomNumber1"}
    statuses = [
        CLIENTS["httpx"](world.url, request("t", field_value=value, **custom)).status
        for value in (100, "100", 101)
    ]
    assert statuses == [503, 503, 200]


def test_fault_by_a_true_field_value_matches_true_as_text(world: World) -> None:
    world.arm(then={"status": 503}, match={"field_value": True})
    custom = {"matching": "custom", "field_name": "CustomNumber1"}
    statuses = [
        CLIENTS["httpx"](world.url, request("t", field_value=value, **custom)).status
        for value in (True, "true", "TRUE", 1, "1", False)
    ]
    assert statuses == [503, 503, 503, 200, 200, 200]


@pytest.mark.parametrize(
    ("token", "text"),
    [
        ("emu!unknown", 'unknown fault "unknown"'),
        ("emu!200", 'unknown fault "200"'),
        ("emu!delay=x", "delay must be 0 to 600000 milliseconds"),
        ("emu!after", "must ask for one fault"),
        ("emu!503!reset", "must ask for one fault"),
        ("emu!after!duplicate", "an item error changes nothing"),
    ],
)
def test_token_that_means_nothing_is_refused_with_what_there_is(world: World, token: str, text: str) -> None:
    seen = CLIENTS["httpx"](world.url, request(token))
    assert seen.status == 400
    assert seen.json["error_text"].startswith("subscriptions[0].subscription_id: ")
    assert text in seen.json["error_text"]


def test_chance_is_the_same_in_every_run_with_a_seed(
    start_server: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory
) -> None:
    def struck(server: Server) -> list[int]:
        world = World(server, "by-chance")
        world.call("DELETE", "/faults")
        world.arm(then={"status": 503}, probability=0.5)
        return [world.push() for _ in range(40)]

    first = start_server("--seed", "42")
    drawn = struck(first)
    assert set(drawn) == {200, 503}
    assert struck(first) == drawn  # disarming all lets chance start anew
    again = Server(tmp_path_factory.mktemp("again"), "--seed", "42")
    try:
        assert struck(again.start()) == drawn
    finally:
        again.kill()


def world_address(world: World) -> tuple[str, int]:
    host, _, port = world.url.split("/")[2].partition(":")
    return host, int(port)


def _raw_request(world: World, token: str) -> bytes:
    body = json.dumps(request(token)).encode()
    path = "/" + world.url.split("/", 3)[3]
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body
