"""HTTPS: with a certificate made here, and with a person's own."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Iterator
from http.client import HTTPSConnection
from pathlib import Path

import pytest
import trustme

from emulator.server.tls import ANDROID_HOST, names, own_addresses
from tests.command_line import assert_one_line, run, run_here
from tests.server import PATIENCE_S, Server


@pytest.fixture(scope="module")
def self_signed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server with a certificate of its own making, for the tests that only reach it."""
    server = Server(tmp_path_factory.mktemp("tls"), "--quiet", "--tls-self-signed").start()
    yield server
    server.kill()


@pytest.fixture
def start_https(tmp_path: Path, start_server: Callable[..., Server]) -> Callable[..., Server]:
    return lambda *arguments: start_server("--quiet", *arguments)


def _health(server: Server, authority: Path, host: str = "127.0.0.1") -> int:
    """The status of the health check over TLS, with the certificate checked for ``host``."""
    context = ssl.create_default_context(cafile=str(authority))
    connection = HTTPSConnection(host, server.port, timeout=PATIENCE_S, context=context)
    try:
        connection.request("GET", "/__admin/health")
        return connection.getresponse().status
    finally:
        connection.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_who_trusts_the_authority_reaches_the_server(self_signed: Server, host: str) -> None:
    assert _health(self_signed, self_signed.state / "tls" / "ca.pem", host) == 200


def test_who_does_not_trust_it_does_not(self_signed: Server, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "other.pem")
    with pytest.raises(ssl.SSLCertVerificationError):
        _health(self_signed, tmp_path / "other.pem")


def test_authority_stays_the_same_after_a_restart(start_https: Callable[..., Server]) -> None:
    server = start_https("--tls-self-signed")
    authority = (server.state / "tls" / "ca.pem").read_bytes()
    assert server.stop() == 0
    server.start()
    assert (server.state / "tls" / "ca.pem").read_bytes() == authority
    assert _health(server, server.state / "tls" / "ca.pem") == 200


def test_keys_are_the_owners_alone(self_signed: Server) -> None:
    for name in ("ca-key.pem", "server.pem"):
        assert (self_signed.state / "tls" / name).stat().st_mode & 0o077 == 0


def test_link_in_place_of_a_certificate_is_replaced_and_not_followed(
    start_https: Callable[..., Server], tmp_path: Path
) -> None:
    (tmp_path / "mine").write_text("mine")
    (tmp_path / "state" / "tls").mkdir(parents=True)
    (tmp_path / "state" / "tls" / "server.pem").symlink_to(tmp_path / "mine")
    server = start_https("--tls-self-signed")
    assert _health(server, server.state / "tls" / "ca.pem") == 200
    assert (tmp_path / "mine").read_text() == "mine"
    assert not (server.state / "tls" / "server.pem").is_symlink()


def test_certificate_is_for_every_way_to_this_machine() -> None:
    found = names("emulator.example")
    assert {"localhost", "127.0.0.1", "::1", ANDROID_HOST, "emulator.example", *own_addresses()} <= set(found)
    assert len(found) == len(set(found))
    assert "0.0.0.0" not in names("0.0.0.0")


def test_own_certificate(start_https: Callable[..., Server], tmp_path: Path) -> None:
    authority = trustme.CA()
    leaf = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    leaf.private_key_pem.write_to_path(tmp_path / "key.pem")
    leaf.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    server = start_https("--tls-cert", str(tmp_path / "cert.pem"), "--tls-key", str(tmp_path / "key.pem"))
    assert _health(server, tmp_path / "authority.pem") == 200


def test_health_command_asks_over_tls(self_signed: Server) -> None:
    asked = run_here("health", "--port", self_signed.port, environment={"EMULATOR_TLS_SELF_SIGNED": "1"})
    assert asked.returncode == 0, asked.stderr
    assert run_here("health", "--port", self_signed.port).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--tls-self-signed", "--tls-key", "key.pem"], ["--tls-self-signed", "--tls-cert"]),
        (["--tls-cert", "cert.pem"], ["--tls-cert and --tls-key go together"]),
        (["--tls-cert", "nowhere.pem", "--tls-key", "nowhere.pem"], ["nowhere.pem", "No such file"]),
        (["--tls-cert", __file__, "--tls-key", __file__], ["cannot be used", "PEM"]),
    ],
)
def test_wrong_use(tmp_path: Path, arguments: list[str], words: list[str]) -> None:
    assert_one_line(run_here("serve", "--port", "0", "--state", tmp_path / "state", *arguments), *words)
    assert not (tmp_path / "state").exists(), "nothing was started"


def test_damaged_authority_is_named_and_left_alone(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "tls"
    folder.mkdir(parents=True)
    for name in ("ca.pem", "ca-key.pem"):
        (folder / name).write_text("damaged")
    finished = run("serve", "--port", "0", "--state", tmp_path / "state", "--tls-self-signed")
    assert_one_line(finished, "ca.pem", "delete both")
    assert (folder / "ca.pem").read_text() == "damaged"
