"""Independent emulators behind a balancer: the documented files, in a real HAProxy and a real nginx."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import NamedTuple

import httpx
import pytest

from tests import balancers
from tests.balancers import free_port
from tests.faults.clients import by_httpx
from tests.server import PAGE_TOKEN, PATIENCE_S, Server, subscription
from tests.waiting import until
from tests.web.test_reverse_proxy import form_token

TOKEN = "the-admin-token"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CALL = {"resource_token": PAGE_TOKEN, "subscriptions": [subscription("balanced")]}
FILES = ("workspaces.haproxy.cfg", "workspaces.nginx.conf")
#: Enough that each emulator is the only one to have some of them.
NAMES = [f"team-{number}" for number in range(16)]


class Emulator(Server):
    """One that comes back at the port that it had."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        own = ("--port", str(free_port()), "--admin-token", TOKEN, "--trust-proxy", "-q")
        super().__init__(folder, *own)

    def workspaces(self) -> set[str]:
        return {one["name"] for one in self.get("/__admin/workspaces", **BEARER).json["items"]}


class Balanced(NamedTuple):
    """A proxy with its emulators."""

    url: str
    emulators: list[Emulator]
    by_nginx: bool

    def owners(self, name: str) -> list[Emulator]:
        """The emulators that have this workspace."""
        return [one for one in self.emulators if name in one.workspaces()]

    def on(self, emulator: Emulator) -> str:
        """One of :data:`NAMES` that is on this emulator."""
        return next(name for name in NAMES if self.owners(name) == [emulator])


@pytest.fixture(scope="module", params=FILES, ids=["haproxy", "nginx"])
def balanced(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """Three emulators behind a proxy; each of the workspaces has got one call."""
    folder = tmp_path_factory.mktemp("balanced")
    emulators = [Emulator(folder / str(number)) for number in range(3)]
    try:
        ports = [one.start().port for one in emulators]
        with balancers.before(request.param, ports, folder) as port:
            url = f"http://127.0.0.1:{port}"
            until(lambda: all(_push(f"{url}/w/{name}") == 200 for name in NAMES), every_s=0.1)
            yield Balanced(url, emulators, "nginx" in request.param)
    finally:
        for one in emulators:
            one.kill()


@pytest.fixture
def person() -> Iterator[httpx.Client]:
    """Somebody with a browser."""
    with httpx.Client(timeout=PATIENCE_S, trust_env=False, verify=False) as person:
        yield person


def _push(url: str, **headers: str) -> int:
    # The certificates of the authorities, which nobody needs here, take ten times as long as the call.
    options = {"trust_env": False, "verify": False, "timeout": PATIENCE_S}
    return httpx.post(f"{url}/push_subscribe", json=CALL, headers=headers, **options).status_code


def test_a_workspace_is_on_one_emulator_by_whatever_name_it_is_called(
    balanced: Balanced, person: httpx.Client
) -> None:
    person.headers.update(BEARER)
    owners = [balanced.owners(name) for name in NAMES]
    assert [len(found) for found in owners] == [1] * len(NAMES)
    assert {one.port for found in owners for one in found} == {one.port for one in balanced.emulators}
    for name in NAMES:
        spelled = f"%{ord(name[0]):x}{name[1:]}"
        header = {"X-Emulator-Workspace": name}
        assert _push(balanced.url, **header) == 200
        assert _push(f"{balanced.url}/w/{spelled}") == 200
        assert _push(f"{balanced.url}/w%2F{name}", **{"X-Emulator-Workspace": "another"}) == 200
        assert person.put(f"{balanced.url}/__admin/workspaces/{name}").status_code == 200
        assert person.get(f"{balanced.url}/__admin/requests", headers=header).json()["total"] == 4
        assert len(balanced.owners(name)) == 1
    assert person.put(f"{balanced.url}/w/team-0/__admin/workspaces/made").status_code == 200
    assert _push(f"{balanced.url}/w/made") == 200
    assert len(balanced.owners("made")) == 1
    assert person.delete(f"{balanced.url}/__admin/workspaces/made").status_code == 200
    assert balanced.owners("made") == []


def test_requests_without_a_name_are_all_for_one_default_workspace(
    balanced: Balanced, person: httpx.Client
) -> None:
    for _ in range(5):
        assert _push(balanced.url) == 200
    assert _push(balanced.url, **{"X-Emulator-Workspace": "default"}) == 200
    counts = [one.get("/__admin/requests", **BEARER).json["total"] for one in balanced.emulators]
    assert sorted(counts) == [0, 0, 6]


def test_while_an_emulator_is_away_its_workspaces_are_nowhere_else(
    balanced: Balanced, person: httpx.Client
) -> None:
    away = balanced.emulators[1]
    name, other = balanced.on(away), balanced.on(balanced.emulators[2])
    away.kill()
    for path in (f"/w/{name}/push_subscribe", f"/w/{name}/__admin/health"):
        began = monotonic()
        answer = person.post(balanced.url + path, json=CALL)
        assert answer.status_code == 503
        assert monotonic() - began < 5
        assert answer.headers["retry-after"] == "5"
        assert answer.headers["content-type"] == "application/json"
        assert answer.json()["error"] == 503
        assert f"the workspace {name} is there and nowhere else" in answer.json()["error_text"]
        assert answer.json()["data"] == []
        assert _push(f"{balanced.url}/w/{other}") == 200
    away.start()
    until(lambda: _push(f"{balanced.url}/w/{name}") == 200)
    assert balanced.owners(name) == [away]


def test_haproxy_answers_for_an_emulator_that_hangs(balanced: Balanced) -> None:
    if balanced.by_nginx:
        pytest.skip("nginx asks for nobody's health")
    hung = balanced.emulators[0]
    name, other = balanced.on(hung), balanced.on(balanced.emulators[2])
    assert hung.process is not None
    hung.process.send_signal(signal.SIGSTOP)
    try:
        url = f"{balanced.url}/w/{name}/__admin/health"
        until(lambda: _status_soon(url) == 503)
        assert _push(f"{balanced.url}/w/{other}") == 200
    finally:
        hung.process.send_signal(signal.SIGCONT)
    until(lambda: _status_soon(url) == 200)


def test_the_live_stream_is_not_held_back(balanced: Balanced, person: httpx.Client) -> None:
    with person.stream("GET", f"{balanced.url}/w/live/__console/live", headers=BEARER) as stream:
        lines = stream.iter_lines()
        assert next(lines) == ": watching"
        _push(f"{balanced.url}/w/live")
        news = next(line for line in lines if line.startswith("data: "))
    assert "/w/live/__console/requests/1" in news


def test_a_sign_in_lasts_beside_one_of_a_workspace_on_another_emulator(
    balanced: Balanced, person: httpx.Client
) -> None:
    names = [balanced.on(one) for one in balanced.emulators]
    for name in names:
        page = f"{balanced.url}/w/{name}/__console/overview"
        asked = person.get(page, follow_redirects=True)
        assert asked.url.path == f"/w/{name}/__console/sign-in"
        fields = {"form_token": form_token(asked), "token": TOKEN, "then": asked.url.params["then"]}
        signed_in = person.post(str(asked.url), data=fields, headers={"Origin": balanced.url})
        assert signed_in.headers["location"] == f"/w/{name}/__console/overview"
    for name in names:
        assert person.get(f"{balanced.url}/w/{name}/__console/overview").status_code == 200


def test_the_form_that_creates_a_workspace_says_what_to_do_instead(
    balanced: Balanced, person: httpx.Client
) -> None:
    answer = person.post(f"{balanced.url}/__console/overview/workspaces", data={"name": "by-form"})
    assert (answer.status_code, answer.text.split(":")[0]) == (400, "Open /w/NAME/ instead")
    assert balanced.owners("by-form") == []


def test_a_client_cannot_pass_for_the_proxy(balanced: Balanced, person: httpx.Client) -> None:
    forged = {
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-For": "192.0.2.66",
        "X-Forwarded-Proto": "gopher",
    }
    page = person.get(f"{balanced.url}/w/forged/", headers=BEARER | forged)
    assert page.status_code == 200
    assert "evil" not in page.text
    assert _push(f"{balanced.url}/w/forged", **forged) == 200
    (entry,) = person.get(f"{balanced.url}/w/forged/__admin/requests", headers=BEARER).json()["items"]
    assert entry["headers"]["x-forwarded-for"] == "127.0.0.1"


#: What a client sees of each fault, by HAProxy and by nginx.
CUT = {
    "connection_reset": ("empty", "reset"),
    "empty_response": ("empty", "reset"),
    "truncated_body": ("cut", "cut"),
}


@pytest.mark.parametrize("fault", CUT)
def test_a_connection_that_a_fault_cuts_is_cut_behind_a_balancer(
    balanced: Balanced, person: httpx.Client, fault: str
) -> None:
    workspace = f"{balanced.url}/w/faults"
    for _ in range(2):
        body = {"then": fault, "times": 1}
        assert person.post(f"{workspace}/__admin/faults", json=body, headers=BEARER).status_code == 201
        seen = by_httpx(f"{workspace}/push_subscribe", CALL)
        assert seen.kind == CUT[fault][balanced.by_nginx]
        assert by_httpx(f"{workspace}/push_subscribe", CALL).status == 200


def test_a_slow_body_stays_slow_behind_a_balancer(balanced: Balanced) -> None:
    url = httpx.URL(balanced.url)
    call = json.dumps({**CALL, "subscriptions": [subscription("emu!slow")]}).encode()
    head = f"POST /w/slow/push_subscribe HTTP/1.1\r\nHost: x\r\nContent-Length: {len(call)}\r\n\r\n"
    with socket.create_connection((url.host, url.port or 0), PATIENCE_S) as connection:
        connection.sendall(head.encode() + call)
        pieces = []
        while not (got := b"".join(pieces)).endswith(b"}"):
            pieces.append(connection.recv(1 << 16))
            assert pieces[-1], got
    assert len(pieces) > 3


def _status_soon(url: str) -> int:
    try:
        return httpx.get(url, timeout=1, trust_env=False, verify=False).status_code
    except httpx.TimeoutException:
        return 0
