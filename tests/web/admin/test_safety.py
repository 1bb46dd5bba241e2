"""Who may use the admin API: no other origin, nobody by another name, nobody without the token."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.command_line import assert_one_line, run_here
from tests.in_process import InProcess
from tests.server import PATIENCE_S, Server

TOKEN = "a-long-admin-token"


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "192.168.1.5:8080"]
)
def test_host_that_is_an_address_or_localhost_is_this_server(app: InProcess, host: str) -> None:
    assert app.client.get("/__admin/settings", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "Evil.Example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "[", "a@b:x"],
)
def test_host_that_is_any_other_name_is_refused_and_the_answer_says_how_to_allow_it(
    app: InProcess, host: str
) -> None:
    """DNS rebinding: a page of evil.example whose name resolves to this machine."""
    answer = app.client.get("/__admin/settings", headers={"Host": host})
    assert answer.status_code == 403
    text = answer.get_json()["error_text"]
    assert text.startswith(f'Host "{host}" is not this server')
    name = host.lower().removesuffix(":8080")
    assert text.endswith(f"start with --allow-host {name}") == name.endswith(".example")


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("emulator.test", "emulator.test:8080"),
        ("QA.Emulator.Test", "qa.emulator.TEST"),
        ("emulator.test.", "emulator.test"),
        ("push_emulator", "push_emulator:8080"),
        ("стенд.рф", "xn--d1abyof.xn--p1ai:81"),
        ("XN--D1ABYOF.xn--p1ai", "xn--d1abyof.xn--p1ai"),
        ("[::1]", "emulator.test"),
    ],
)
def test_host_that_was_allowed_is_this_server_in_every_spelling(allowed: str, host: str) -> None:
    with InProcess(allow_host=(allowed, "emulator.test")) as app:
        assert app.client.get("/__admin/settings", headers={"Host": host}).status_code == 200
        assert app.client.get("/__admin/settings", headers={"Host": "other.test"}).status_code == 403


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("emulator.test:8080", "without port"),
        ("https://emulator.test", "without scheme"),
        ("emulator.test/path", "without scheme and path"),
        ("one.test,two.test", "one name"),
        ("one.test two.test", "one name"),
        ("emulator.test\n", "one name"),
        ("*.emulator.test", "no wildcards"),
        (".emulator.test", "no wildcards"),
        ("", "in ASCII"),
        ("a..test", "in ASCII"),
        ("me@emulator.test", "in ASCII"),
        ("straße.test", "in ASCII"),
        ("x" * 64 + ".test", "in ASCII"),
    ],
)
def test_allowed_host_that_no_request_can_name_stops_the_start(name: str, instead: str) -> None:
    assert_one_line(run_here("serve", "--port", "0", "--allow-host", name), "--allow-host", instead)


def test_several_allowed_hosts_of_the_environment_are_apart_by_spaces(tmp_path: Path) -> None:
    server = Server(tmp_path, environment={"EMULATOR_ALLOW_HOST": "One.test two.test"}).start()
    try:
        statuses = {
            name: server.get("/__admin/settings", Host=name).status
            for name in ("one.test", "two.test:80", "three.test")
        }
    finally:
        server.kill()
    assert statuses == {"one.test": 200, "two.test:80": 200, "three.test": 403}


@pytest.mark.parametrize("head", ["HTTP/1.0\r\n", "HTTP/1.1\r\nHost: group-7\r\n", "HTTP/1.1\r\nHost: п\r\n"])
def test_health_is_answered_whatever_the_host_and_nothing_else_is(fresh: Server, head: str) -> None:
    def status(path: str) -> bytes:
        request = f"GET {path} {head}Connection: close\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", fresh.port), timeout=PATIENCE_S) as connection:
            connection.sendall(request)
            return b"".join(iter(lambda: connection.recv(65536), b""))[9:12]

    assert status("/__admin/health") == b"200"
    assert status("/w/other/__admin/health") == b"200"
    assert status("/__admin/settings") == status("/") == status("/__admin/openapi.json") == b"403"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "http://[", "localhost", ""]
)
def test_foreign_origin_is_refused(app: InProcess, method: str, origin: str) -> None:
    """Cross-site forms and scripts, a page on another port of this machine included."""
    answer = app.client.open(
        "/__admin/faults", method=method, headers={"Origin": origin}, json={"delay_ms": 1}
    )
    assert answer.status_code == 403
    assert answer.get_json()["error_text"] == f'Origin "{origin}" is not this server'
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert app.client.get("/__admin/faults").get_json()["items"] == []


def test_an_origin_without_a_name_is_foreign_to_a_host_that_cannot_be_read(app: InProcess) -> None:
    headers = {"Host": "me@localhost", "Origin": "null"}
    assert app.client.get("/__admin/faults", headers=headers).status_code == 403


def test_own_origin_is_accepted(app: InProcess) -> None:
    for host, origin in (
        ("localhost:8080", "http://localhost:8080"),
        ("localhost:80", "http://localhost"),
    ):
        own = {"Host": host, "Origin": origin}
        assert app.client.get("/__admin/faults", headers=own).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer wrong"},
        {"Authorization": f"Bearer {TOKEN}x"},
        {"Authorization": f"Bearer {TOKEN[:-1]}"},
        {"Authorization": f"Basic {TOKEN}"},
        {"Authorization": TOKEN},
        {"Authorization": "Bearer t\u00f6ken"},
    ],
)
def test_without_the_right_token_nothing_is_told_and_nothing_is_done(headers: dict[str, str]) -> None:
    with InProcess(admin_token=TOKEN) as app:
        for method, path in (
            ("GET", "/requests"),
            ("POST", "/faults"),
            ("DELETE", "/workspaces/x"),
            ("GET", "/rules"),
        ):
            answer = app.client.open(f"/__admin{path}", method=method, headers=headers, json={"delay_ms": 1})
            assert answer.status_code == 401, path
            assert answer.get_json()["error_text"].startswith("the admin API needs Authorization: Bearer")
        assert app.client.get("/w/other/__admin/rules", headers=headers).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_with_the_token_everything_is_served(scheme: str) -> None:
    with InProcess(admin_token=TOKEN) as app:
        headers = {"Authorization": f"{scheme} {TOKEN}"}
        assert app.client.get("/__admin/requests", headers=headers).status_code == 200


def test_health_is_open_to_probes_and_the_endpoint_to_clients() -> None:
    with InProcess(admin_token=TOKEN) as app:
        assert app.client.get("/__admin/health").get_json()["status"] == "ok"
        assert app.push("t")["error"] == 0


def test_token_is_asked_for_over_tcp_too(start_server: Callable[..., Server]) -> None:
    server = start_server("--host", "127.0.0.1", "--admin-token", TOKEN)
    assert server.get("/__admin/requests").status == 401
    assert server.get("/__admin/requests", Authorization="Bearer wrong").status == 401
    assert server.get("/__admin/requests", Authorization=f"Bearer {TOKEN}").status == 200
    assert server.stop() == 0
    assert TOKEN not in server.log()


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com"])
def test_server_refuses_to_start_where_others_could_reach_it_without_a_token(
    tmp_path: Path, host: str
) -> None:
    server = Server(tmp_path, "--host", host)
    with pytest.raises(AssertionError, match="did not start"):
        server.start()
    assert server.process is not None
    assert server.process.wait() == 2
    server.kill()
    assert server.log().splitlines() == [
        f"error: --host {host} can be reached from other machines: the admin API needs --admin-token"
    ]
    assert not (tmp_path / "state").exists()
