"""``run.py health``: check the health of the server that the same settings start."""

from pathlib import Path
from time import monotonic, sleep
from typing import Any

import click

from emulator.cli.options import setting
from emulator.server.tls import is_every_address
from emulator.store.files import read_given
from push_emulator.errors import EmulatorError

#: Seconds to wait for the answer.
_PATIENCE_S = 3.0
_PAUSE_S = 0.1


@click.command("health")
@setting("--host")
@setting("--port", type=click.IntRange(0, 65535))
@setting(
    "--port-file",
    type=click.Path(path_type=Path),
    help="The file with the server's port; takes precedence over --port.",
)
@setting("--tls-cert", help="The server serves HTTPS.")
@setting("--tls-self-signed", is_flag=True, help="The same.")
@click.option(
    "--wait",
    "patience_s",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SECONDS",
    help="Try again for so long until the server is healthy.",
)
def command(patience_s: float, **where: Any) -> int:
    """Check a running server. Exit status: 0 if it is healthy, 1 if not.

    It reads the same environment variables as `serve`, so a container's health check needs no arguments.
    """
    deadline = monotonic() + patience_s
    while True:
        healthy, told = _look(**where)
        left = deadline - monotonic()
        if healthy or left <= 0:
            break
        sleep(min(_PAUSE_S, left))
    click.echo(told, err=not healthy and not told.startswith("{"))
    return 0 if healthy else 1


def _look(
    host: str, port: int, port_file: Path | None, tls_cert: str | None, tls_self_signed: bool
) -> tuple[bool, str]:
    from push_emulator.calls import Calls  # noqa: PLC0415 (httpx takes long to load)

    address = host
    if is_every_address(host):
        address = "::1" if ":" in host else "127.0.0.1"
    scheme = "https" if tls_cert or tls_self_signed else "http"
    try:
        if port_file is not None:
            port = int(read_given(port_file))
        url = f"{scheme}://{f'[{address}]' if ':' in address else address}:{port}"
        # The server is our own, and the request carries no secret: its certificate is not checked.
        calls = Calls(url, None, None, _PATIENCE_S, verify=False)
        with calls.http:
            body = calls.text("GET", "/health")
    except (OSError, EmulatorError, ValueError, OverflowError) as error:
        return False, f"no healthy answer from {address} port {port}: {error}"
    return '"status":"ok"' in body, body
