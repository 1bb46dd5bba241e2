"""Who may use the admin API: no other origin, nobody by another name, nobody without the token."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.in_process import InProcess
from tests.server import Server

TOKEN = "a-long-admin-token"


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1", "localhost:8080", "127.0.0.1:8080", "[::1]:8080", "192.168.1.5:8080"]
)
def test_host_that_is_an_address_or_localhost_is_this_server(app: InProcess, host: str) -> None:
    assert app.client.get("/__admin/settings", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.evil.example", "[", "a@b:x"],
)
def test_host_that_is_any_other_name_is_refused(app: InProcess, host: str) -> None:
    """DNS rebinding: a page of evil.example whose name resolves to this machine."""
    answer = app.client.get("/__admin/settings", headers={"Host": host})
    assert answer.status_code == 403
    assert answer.get_json()["error_text"] == f'Host "{host}" is not this server'


def test_host_that_was_allowed_is_this_server() -> None:
    with InProcess(allow_host=("emulator.test",)) as app:
        assert app.client.get("/__admin/settings", headers={"Host": "emulator.test:8080"}).status_code == 200


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


def test_own_origin_is_accepted(app: InProcess) -> None:
    own = {"Host": "localhost:8080", "Origin": "http://localhost:8080"}
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
