"""``run.py health``: whether the server works that the same settings would start."""

from __future__ import annotations

import ssl
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from pathlib import Path

import click

from emulator.server.tls import is_every_address
from emulator.settings import Settings

#: Seconds to wait for the answer.
_PATIENCE_S = 3.0
_PORT = click.IntRange(0, 65535)


@click.command("health")
@click.option("--host", envvar="EMULATOR_HOST", default=Settings.host, show_default=True)
@click.option("--port", envvar="EMULATOR_PORT", default=Settings.port, show_default=True, type=_PORT)
@click.option(
    "--port-file",
    envvar="EMULATOR_PORT_FILE",
    type=click.Path(path_type=Path),
    help="Where the server wrote its port; goes before --port.",
)
@click.option("--tls-cert", envvar="EMULATOR_TLS_CERT", help="The server speaks HTTPS.")
@click.option("--tls-self-signed", envvar="EMULATOR_TLS_SELF_SIGNED", is_flag=True, help="The same.")
def command(host: str, port: int, port_file: Path | None, tls_cert: str | None, tls_self_signed: bool) -> int:
    """Ask a running server how it is. Exit status: 0 if it works, 1 if not.

    It reads the settings from the environment as `serve` does: a container's health check needs no arguments.
    """
    address = host
    if is_every_address(host):
        address = "::1" if ":" in host else "127.0.0.1"
    try:
        if port_file is not None:
            port = int(port_file.read_text(encoding="ascii"))
        status, body = _ask(address, port, secure=bool(tls_cert or tls_self_signed))
    except (OSError, HTTPException, ValueError, OverflowError) as error:
        click.echo(f"no answer from {address} port {port}: {error}", err=True)
        return 1
    click.echo(body)
    return 0 if status == 200 and '"status":"ok"' in body else 1


def _ask(host: str, port: int, secure: bool) -> tuple[int, str]:
    if secure:
        context = ssl.create_default_context()
        context.check_hostname = False  # its own server, asked whether it works, told no secret
        context.verify_mode = ssl.CERT_NONE
        connection: HTTPConnection = HTTPSConnection(host, port, timeout=_PATIENCE_S, context=context)
    else:
        connection = HTTPConnection(host, port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", "/__admin/health")
        answer = connection.getresponse()
        return answer.status, answer.read().decode()
    finally:
        connection.close()
