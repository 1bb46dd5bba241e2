"""Certificates for HTTPS: given ones, or one made here that devices can be told to trust."""

import ipaddress
import os
import socket
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from emulator.store.files import open_given

#: The address of the host machine inside Android's emulator.
ANDROID_HOST = "10.0.2.2"
#: Days that a certificate made here is valid: iOS refuses more than 825.
_DAYS = 397
_FOLDER, _CA, _CA_KEY, _SERVER = "tls", "ca.pem", "ca-key.pem", "server.pem"


class TlsError(Exception):
    """The settings for HTTPS cannot be used."""


@dataclass(frozen=True)
class Certificate:
    """PEM files; ``authority``: what a device must trust if the certificate was made here."""

    chain: Path
    key: Path
    authority: Path | None = None


def choose_certificate(
    cert: Path | None, key: Path | None, self_signed: bool, state: Path, host: str
) -> Certificate | None:
    """The certificate to serve with; ``None`` for plain HTTP.

    A certificate made here is for localhost, ``host``, Android's :data:`ANDROID_HOST` and every address of
    this machine. Its authority is kept in ``state/tls``, so that a device still trusts it after a restart.
    Raises :class:`TlsError` and :class:`OSError`.
    """
    if self_signed and (cert or key):
        raise TlsError("--tls-self-signed makes a certificate: give it, or --tls-cert and --tls-key")
    if (cert is None) != (key is None):
        raise TlsError("--tls-cert and --tls-key go together")
    if self_signed:
        return _made(state / _FOLDER, host)
    return None if cert is None or key is None else _own(cert, key)


def _own(cert: Path, key: Path) -> Certificate:
    for path in (cert, key):
        open_given(path).close()  # this error names the file; the error of ssl does not
    try:
        # An empty password: a key with a password is refused; ssl would ask for it at the terminal.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, password="")
    except (ssl.SSLError, ValueError) as error:
        text = f"--tls-cert {cert}, --tls-key {key}: cannot be used: must be a certificate and its key, PEM"
        raise TlsError(text) from error
    return Certificate(cert, key)


def _made(folder: Path, host: str) -> Certificate:
    try:
        import trustme  # noqa: PLC0415 (takes longer to load than the whole start, and only this needs it)
    except ImportError as error:
        raise TlsError("--tls-self-signed needs the package trustme: pip install trustme") from error
    if folder.is_symlink():
        raise TlsError(f"{folder}: is a symbolic link, and a state has none: remove it")
    folder.mkdir(parents=True, exist_ok=True)
    authority = _authority(trustme, folder)
    now = datetime.now(timezone.utc)
    leaf = authority.issue_cert(
        *names(host), not_before=now - timedelta(days=1), not_after=now + timedelta(days=_DAYS - 1)
    )
    server = folder / _SERVER
    _write(server, leaf.private_key_and_cert_chain_pem.bytes())
    return Certificate(server, server, folder / _CA)


def _authority(trustme: Any, folder: Path) -> Any:
    """The authority of this state directory, created at its first use."""
    cert, key = folder / _CA, folder / _CA_KEY
    if cert.exists() and key.exists():
        try:
            return trustme.CA.from_pem(cert.read_bytes(), key.read_bytes())
        except ValueError as error:
            raise TlsError(f"{cert} or {key} cannot be read; delete both, and new ones are made") from error
    authority = trustme.CA(organization_name="push-emulator")
    _write(key, authority.private_key_pem.bytes())
    _write(cert, authority.cert_pem.bytes(), 0o644)
    return authority


def _write(path: Path, content: bytes, mode: int = 0o600) -> None:
    """A new file, never through a link."""
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def names(host: str) -> list[str]:
    """The names and addresses that a certificate made here is for."""
    found = ["localhost", "127.0.0.1", "::1", ANDROID_HOST, *own_addresses()]
    if not is_every_address(host):
        found.append(host)
    return list(dict.fromkeys(found))


def is_every_address(host: str) -> bool:
    """Whether listening on ``host`` means listening on all addresses."""
    try:
        return ipaddress.ip_address(host or "::").is_unspecified
    except ValueError:
        return False


def own_addresses() -> list[str]:
    """Every address of this machine except link-local ones."""
    import psutil  # noqa: PLC0415 (only a certificate that is made here needs it)

    found = []
    for addresses in psutil.net_if_addrs().values():
        for one in addresses:
            is_ip = one.family in (socket.AF_INET, socket.AF_INET6)
            if is_ip and "%" not in one.address and not one.address.startswith(("127.", "::1", "fe80:")):
                found.append(one.address)
    return sorted(found)
