"""``run.py serve``: start the emulator."""

import math
import os
import signal
import sys
from asyncio import Task
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from threading import Thread
from time import monotonic
from typing import Any

import click
from click.core import ParameterSource

from emulator.cli.behaviour import behaviour_options
from emulator.cli.options import setting
from emulator.emulator import Emulator
from emulator.fixtures.load import FixtureError
from emulator.fixtures.watching import read_stamp
from emulator.server.access_log import AccessLog
from emulator.server.background import begin_tasks
from emulator.server.late_app import LateApp
from emulator.server.server import serve
from emulator.server.tls import Certificate, TlsError, choose_certificate
from emulator.settings import Settings, host_name, is_database, is_loopback
from emulator.store.errors import StateError, Unavailable
from emulator.store.files import replace_file
from emulator.store.open_files import raise_limit
from emulator.web.bodies import Spool, body_limit

#: Seconds from a signal to the start of the last snapshots, and the seconds that snapshots have in any case.
_STOP_S, _CLOSING_LEAST_S = 4.0, 0.5


def _admin_token(ctx: click.Context, param: click.Parameter, given: str | None) -> str | None:
    # click takes an empty variable for an unset one; here an empty token is a mistake.
    return os.environ.get("EMULATOR_ADMIN_TOKEN") if given is None else given


def _state(ctx: click.Context, param: click.Parameter, given: str | Path) -> str | Path:
    if is_database(str(given)):
        return given
    scheme, has_scheme, _ = str(given).partition("://")
    if has_scheme:
        raise click.BadParameter(f"must be a directory or postgresql://…, not {scheme}://…")
    return Path(given)


def _host_names(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> tuple[str, ...]:
    try:
        return tuple(map(host_name, given))
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _finite(context: click.Context, option: click.Parameter, number: float | None) -> float | None:
    if number is not None and not math.isfinite(number):
        raise click.BadParameter("must be a finite number")
    return number


_path = click.Path(path_type=Path)
_natural = click.IntRange(1)


@click.command("serve")
@setting("--host", help="The address to listen on; localhost: 127.0.0.1 and ::1.")
@setting("--port", type=click.IntRange(0, 65535), help="0: a free one.")
@setting("--port-file", type=_path, help="Write the port to this file when ready.")
@setting("--fixtures", type=_path, show_default=False, help="The fixture set that workspaces start from.")
@setting(
    "--state",
    callback=_state,
    metavar="DIR|URL",
    help="The directory of the state files, or a database that several servers share: postgresql://…",
)
@setting(
    "--durability",
    type=click.Choice(["os", "fsync", "none"]),
    help="What survives: os, a killed process; fsync, a power loss; none, nothing (memory only).",
)
@setting(
    "--snapshot-every",
    "min_log_bytes",
    type=_natural,
    metavar="BYTES",
    help="Write a snapshot when the log has this size.",
)
@behaviour_options
@setting("--seed", type=int, help="Make ids and chances reproducible.")
@setting(
    "--admin-token",
    callback=_admin_token,
    help="The token that admin calls must send; required on any address but loopback.",
)
@setting(
    "--allow-host",
    multiple=True,
    metavar="NAME",
    callback=_host_names,
    help="Accept this host name for admin calls, beside addresses and localhost.",
)
@setting(
    "--trust-proxy",
    is_flag=True,
    help="Believe X-Forwarded-For, -Proto, -Host and -Prefix: only a reverse proxy reaches this server.",
)
@setting("--max-workspaces", type=_natural, help="The most workspaces that may be open at once.")
@setting(
    "--workspace-ttl",
    type=click.FloatRange(0, min_open=True),
    callback=_finite,
    metavar="SECONDS",
    help="Delete workspaces that were idle for this many seconds (default: never).",
)
@setting("--journal-count", type=_natural, help="The most requests that each request journal keeps.")
@setting("--journal-bytes", type=_natural, help="The most bytes that each request journal keeps.")
@setting(
    "--show-secrets", is_flag=True, help="Show resource tokens and credentials in the journal and lists."
)
@setting("--watch", is_flag=True, help="Reset all workspaces when valid fixtures change.")
@setting("--tls-cert", type=_path, help="Serve HTTPS with this certificate (PEM, the whole chain).")
@setting("--tls-key", type=_path, help="The private key of the certificate (PEM).")
@setting("--tls-self-signed", is_flag=True, help="Create a certificate and serve HTTPS with it.")
@setting("--log-format", type=click.Choice(["text", "json"]), help="The format of the access log.")
@click.option("--stop-with-stdin", is_flag=True, help="Stop when standard input closes.")
@click.option("-q", "--quiet", is_flag=True, help="Write no access log.")
@click.option("-v", "--verbose", is_flag=True, help="Add the client's address to the access log.")
def command(quiet: bool, verbose: bool, stop_with_stdin: bool, **options: Any) -> int:
    """Start the emulator and serve until SIGTERM or Ctrl-C."""
    if stop_with_stdin:
        Thread(target=_stop_with_stdin, daemon=True).start()
    raise_limit()
    try:
        settings = Settings(log_level="quiet" if quiet else "verbose" if verbose else "normal", **options)
    except ValueError as error:
        raise click.ClickException(f"--admin-token (or EMULATOR_ADMIN_TOKEN): {error}") from error
    _check_exposure(settings)
    _check_durability(settings)
    try:
        _serve(settings)
    except FixtureError as error:
        click.echo(str(error), err=True)
        is_platform = {one.file for one in error.problems} == {settings.platform}
        wrong = settings.platform if is_platform else f"the fixtures in {settings.fixtures}"
        raise click.ClickException(f"{wrong} cannot be used; nothing was started") from error
    except (StateError, Unavailable, TlsError) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(_explain(error, settings)) from error
    return 0


def _stop_with_stdin() -> None:
    while os.read(0, 1024):
        pass
    from push_emulator.local_server import REMOVED_WITH_STDIN  # noqa: PLC0415 (of no use to the start)

    if folder := os.environ.get(REMOVED_WITH_STDIN):  # of a LocalServer whose process was killed
        rmtree(folder, ignore_errors=True)
    os.kill(os.getpid(), signal.SIGTERM)


def _serve(settings: Settings) -> None:
    # Before the fixtures are read: whatever comes later is a change.
    stamp = read_stamp(settings.fixtures, settings.platform)
    certificate = choose_certificate(
        settings.tls_cert, settings.tls_key, settings.tls_self_signed, settings.state, settings.host
    )
    emulator, spool = Emulator(settings), Spool(settings)
    app = LateApp(emulator, spool)
    tasks: list[Task[None]] = []

    def on_ready(port: int) -> None:
        tasks.extend(begin_tasks(settings, emulator, stamp, lambda line: click.echo(line, err=True)))
        _announce(settings, emulator, port, certificate)
        app.load()

    try:
        told_at = serve(
            app,
            emulator.exchange,
            host=settings.host,
            port=settings.port,
            body_limit=body_limit,
            spool=spool,
            access_log=AccessLog(settings.log_format, settings.log_level, sys.stderr),
            on_ready=on_ready,
            on_stop=app.close,
            certificate=certificate,
            in_turn=None if emulator.shared is None else emulator.answer,
            on_last=emulator.close_connections,
        )
        emulator.close(max(_CLOSING_LEAST_S, _STOP_S - (monotonic() - told_at)))
    finally:
        emulator.close()


def _announce(settings: Settings, emulator: Emulator, port: int, certificate: Certificate | None) -> None:
    torn = emulator.workspaces.default.store.torn_bytes
    if torn:
        click.echo(f"state: {torn} bytes of an unfinished transaction were cut off the log", err=True)
    if settings.port_file is not None:
        _write_port(settings.port_file, b"%d\n" % port)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    scheme = "http" if certificate is None else "https"
    click.echo(f"push-emulator is ready at {scheme}://{host}:{port}/push_subscribe")
    if certificate is not None and certificate.authority is not None:
        click.echo(f"devices must trust {certificate.authority}", err=True)


def _write_port(file: Path, line: bytes) -> None:
    """Write the port: a new file appears whole; one that is there gets the line and stays the same file."""
    if not os.path.lexists(file):
        with suppress(OSError):  # no file can be made beside it
            replace_file(file, [line], sync=False)
            return
    if file.is_fifo():  # it opens when somebody reads
        Thread(target=file.write_bytes, args=(line,), daemon=True).start()
        return
    written = os.open(file, os.O_WRONLY | os.O_CREAT, 0o666)
    try:
        os.write(written, line)
        with suppress(OSError):  # a device has no length
            os.ftruncate(written, len(line))
    except OSError as error:  # such as a full disk, which names no file
        raise OSError(error.errno, error.strerror, str(file)) from error
    finally:
        os.close(written)


def _check_exposure(settings: Settings) -> None:
    if settings.admin_token is None and not is_loopback(settings.host):
        raise click.ClickException(
            f"--host {settings.host} can be reached from other machines: the admin API needs --admin-token"
        )


def _check_durability(settings: Settings) -> None:
    source = click.get_current_context().get_parameter_source("durability")
    told = source not in (ParameterSource.DEFAULT, ParameterSource.DEFAULT_MAP)
    if settings.database is not None and told and settings.durability != "fsync":
        raise click.ClickException(
            f"--durability {settings.durability}: a database keeps all that is answered: leave it out"
        )


def _explain(error: OSError, settings: Settings) -> str:
    if error.filename is None:
        return f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}"
    if isinstance(error, (FileExistsError, NotADirectoryError)):
        return f"{error.filename}: is not a directory"
    return f"{error.filename}: {error.strerror}"
