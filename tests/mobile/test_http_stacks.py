"""Real HTTP stacks and whole sessions over TCP: what each platform sends, and the state after each step."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.mobile import FIXTURES, ROLE, bearer, claim, subscribe_body
from tests.mobile.sdks import PLATFORMS, SDK, Platform
from tests.raw_http import send_chunked
from tests.server import PATIENCE_S, Server

SUBSCRIBE = "/subscription/push/subscribe/?provider=android-firebase&matching_mode=push_sub&sync=true"
NODE = """
const url = process.argv[1];
const headers = {Authorization: "Bearer rtoken@rt-demo-0001", "Content-Type": "application/json"};
const answers = [];
async function call(path, options) {
  const answer = await fetch(url + path, options);
  answers.push([answer.status, await answer.json()]);
}
const one = {subscription_id: "node:фетч+1", provider: "android-firebase"};
const body = {subscription_id: one.subscription_id, subscription: {...one, status: "subscribed", cats: []}};
await call("//subscription/push/subscribe/?sync=true", {method: "POST", headers, body: JSON.stringify(body)});
await call("/subscription/push/status/?" + new URLSearchParams(one), {headers});
const form = new FormData();
const parts = {tz: "-180", t: "1782900000", aci: "", wn: "покупка", wd: '{"sum": 5}'};
for (const [name, value] of Object.entries(parts)) form.append(name, value);
delete headers["Content-Type"];
await call("/event/post?i=pixel&tr=px&t=open&v=2", {method: "POST", headers, body: form});
console.log(JSON.stringify(answers));
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    server = Server(tmp_path_factory.mktemp("stacks"), "--durability", "none", fixtures=FIXTURES).start()
    yield server
    server.kill()


@pytest.mark.parametrize("platform", PLATFORMS, ids=lambda one: one.name)
def test_K30_the_documented_log_in_flow_leaves_the_right_state_after_each_step(
    server: Server, platform: Platform
) -> None:
    below = f"/w/{platform.name.lower().replace(' ', '-').replace('.', '-')}"
    token, email = "fXk9vP/q2:APA91b+x", f"{len(platform.name)}@example.com"
    server.post(f"{below}/__admin/profiles", {"db_id": 1, "id": "user", "fields": {"email": email}})
    sdk = SDK(server, below, platform)

    def state() -> dict[str, str]:
        found = server.get(f"{below}/__admin/subscriptions?subscription_id={token.replace('+', '%2B')}").json
        return {"user" if one["profile_id"] == "user" else "nobody": one["status"] for one in found["items"]}

    def answered(call: tuple[int, Any]) -> Any:
        status, answer = call
        assert (status, answer["error"], answer["error_text"]) == (200, 0, ""), answer
        return answer["profile"]

    try:
        nobody = answered(sdk.subscribe(token, age=30, vip=True, nickname=None))
        assert state() == {"nobody": "subscribed"}
        stored = server.get(f"{below}/__admin/profiles/1/{nobody['id']}").json
        assert stored["fields"] == {"age": 30, "vip": True}
        assert nobody["subscription"]["fields"]["points"] == 12
        assert nobody["subscription"]["fields"]["_os_ver"] == {"raw": "14", "ver": [14]}

        sdk.log_in(bearer(claim(email=email)).removeprefix("Bearer "))
        assert answered(sdk.unsuspend(token)) == {
            **{"id": "user", "status": "subscribed", "is_test": False},
            "subscription": None,
        }
        assert state() == {"nobody": "suspended"}
        assert answered(sdk.subscribe(token))["id"] == "user"
        assert state() == {"nobody": "suspended", "user": "subscribed"}

        sdk.log_out()
        assert answered(sdk.unsuspend(token))["id"] == nobody["id"]
        assert state() == {"nobody": "subscribed", "user": "suspended"}
        assert answered(sdk.status(token))["subscription"]["status"] == "subscribed"

        sdk.log_in(bearer(claim(email=email)).removeprefix("Bearer "))
        assert answered(sdk.unsuspend(token))["subscription"]["status"] == "subscribed"
        assert state() == {"nobody": "suspended", "user": "subscribed"}
    finally:
        sdk.close()


@pytest.mark.skipif(shutil.which("node") is None, reason="NO TEST WITH NODE'S FETCH: node is not there")
def test_node_s_fetch_is_answered(server: Server) -> None:
    version = subprocess.run(["node", "--version"], capture_output=True, text=True, check=True).stdout
    if int(version[1:].partition(".")[0]) < 20:
        pytest.skip(f"NO TEST WITH NODE'S FETCH: node {version.strip()} is older than 20")
    ran = subprocess.run(
        ["node", "--input-type=module", "-e", NODE, server.url + "/w/node"],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=True,
    )
    (made, subscribed), (found, status), (stored, event) = json.loads(ran.stdout)
    assert (made, found, stored, event["error"]) == (200, 200, 200, 0)
    assert subscribed["profile"]["subscription"]["subscription_id"] == "node:фетч+1"
    # URLSearchParams writes a space as a plus, and a plus as %2B.
    assert status["profile"] == subscribed["profile"]
    (reported,) = server.get("/w/node/__admin/events").json["items"]
    assert (reported["name"], reported["payload"]) == ("покупка", {"sum": 5})


def test_httpx_is_answered_also_on_one_connection_and_with_a_body_of_unknown_length(server: Server) -> None:
    with httpx.Client(base_url=server.url + "/w/httpx", headers={"Authorization": ROLE}) as client:
        made = client.post(SUBSCRIBE, json=subscribe_body("by-httpx"))
        again = client.post(SUBSCRIBE, content=iter([json.dumps(subscribe_body("by-httpx")).encode()]))
        event = client.post(
            "/event/post?i=pixel&v=2",
            files={
                name: (None, value) for name, value in {"tz": "0", "t": "1", "aci": "", "wn": "login"}.items()
            },
        )
    assert (made.status_code, again.status_code, event.status_code) == (200, 200, 200)
    assert made.json()["profile"] == again.json()["profile"]


def test_a_chunked_body_of_small_pieces_is_read(server: Server) -> None:
    body = json.dumps(subscribe_body("t")).encode()
    pieces = [body[at : at + 7] for at in range(0, len(body), 7)]
    answer = send_chunked(server, pieces, "/event/push/open")
    assert (answer.status, answer.json["error"]) == (401, 401)  # it has no Authorization
    body = json.dumps({"token": "any", "uid": "e|1|2|ios-apns", "events": 2}).encode()
    answer = send_chunked(server, [body[:9], body[9:]], "/w/chunked/api/v1.1/pushes/post_events")
    assert (answer.status, answer.json["error"]) == (200, 0)


def exchange(server: Server, head: list[str], body: bytes = b"", wait_for: bytes = b"") -> bytes:
    """What comes back until the server closes; ``wait_for`` comes before the body is sent."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall("\r\n".join([*head, "Connection: close", "", ""]).encode())
        received = b""
        while wait_for not in received:
            received += connection.recv(65536)
        connection.sendall(body)
        while piece := connection.recv(65536):
            received += piece
        return received


def test_a_client_that_expects_100_continue_is_told_to(server: Server) -> None:
    body = json.dumps(subscribe_body("expecting")).encode()
    head = [f"POST {SUBSCRIBE} HTTP/1.1", "Host: localhost", f"Authorization: {ROLE}"]
    head += [f"Content-Length: {len(body)}", "Expect: 100-continue"]
    received = exchange(server, head, body, b"HTTP/1.1 100 Continue\r\n\r\n")
    assert b'"status":"subscribed"' in received.split(b"\r\n\r\n", 2)[2]


@pytest.mark.parametrize("size", [60 << 10, 100 << 10, 1 << 20])
def test_T5_a_long_jwt_gets_a_clear_401(server: Server, size: int) -> None:
    head = ["GET /subscription/push/status/ HTTP/1.1", "Host: localhost"]
    received = exchange(server, [*head, f"Authorization: Bearer {'a' * size}.b.c"])
    assert received.startswith(b"HTTP/1.1 401 ")
    assert b'{"error":401,"error_text":"Authorization: ' in received


def test_a_header_of_a_mebibyte_is_no_obstacle(server: Server) -> None:
    head = ["GET /subscription/push/status/ HTTP/1.1", "Host: localhost", f"Authorization: {ROLE}"]
    assert exchange(server, [*head, "X-Long: " + "a" * (1 << 20)]).startswith(b"HTTP/1.1 200 ")
