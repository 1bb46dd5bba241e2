"""``run.py serve``: start the emulator."""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from emulator.access_log import AccessLog
from emulator.app import create_app
from emulator.emulator import Emulator
from emulator.fixtures.load import FixtureError
from emulator.rules.model import Policies
from emulator.serving import serve
from emulator.settings import DEFAULT_FIXTURES, MAX_BODY_BYTES, POLICY_CHOICES, Settings
from emulator.store.errors import StateError, StorageUnavailable

Command = TypeVar("Command", bound=Callable[..., Any])


def _parse_policies(ctx: click.Context, param: click.Parameter, given: Sequence[str]) -> Policies:
    """``NAME=VALUE`` of each policy."""
    chosen = {}
    for text in given:
        name, _, choice = text.partition("=")
        if name not in POLICY_CHOICES:
            raise click.BadParameter(f'there is no policy "{name}"; there are {", ".join(POLICY_CHOICES)}')
        if choice not in POLICY_CHOICES[name]:
            raise click.BadParameter(f'{name} must be {" or ".join(POLICY_CHOICES[name])}, not "{choice}"')
        chosen[name] = choice
    return msgspec.convert(chosen, Policies)


def _option(flag: str, *names: str, **options: Any) -> Callable[[Command], Command]:
    """An option that the environment can set too, as ``EMULATOR_`` and its name."""
    name = flag.removeprefix("--").replace("-", "_").upper()
    return click.option(flag, *names, envvar=f"EMULATOR_{name}", show_envvar=True, **options)


_path = click.Path(path_type=Path)


@click.command("serve")
@_option("--host", default=Settings.host, show_default=True, help="The address to listen on.")
@_option(
    "--port", default=Settings.port, show_default=True, type=click.IntRange(0, 65535), help="0: a free one."
)
@_option("--port-file", type=_path, help="Write the port here when ready.")
@_option("--fixtures", type=_path, default=DEFAULT_FIXTURES, help="The fixture set to start from.")
@_option("--state", type=_path, default=Settings.state, show_default=True, help="The directory of the state.")
@_option(
    "--durability",
    type=click.Choice(["os", "fsync", "none"]),
    default=Settings.durability,
    show_default=True,
    help="os: survives the death of the process. fsync: of the machine. none: memory only.",
)
@_option(
    "--snapshot-every",
    "min_journal_bytes",
    type=click.IntRange(1),
    default=Settings.min_journal_bytes,
    show_default=True,
    metavar="BYTES",
    help="The journal size at which a snapshot is due.",
)
@_option("--strict", is_flag=True, help="Refuse unknown parameters (Q5).")
@_option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_parse_policies,
    help="Choose where the page is silent.",
)
@_option("--seed", type=int, help="Make ids the same in every run.")
@_option("--admin-token", help="Wanted by the admin API; needed on any address but loopback.")
@_option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="The access log.",
)
@click.option("-q", "--quiet", is_flag=True, help="No access log.")
@click.option("-v", "--verbose", is_flag=True, help="An access log with the client's address.")
def command(quiet: bool, verbose: bool, **options: Any) -> int:
    """Start the emulator and serve until SIGTERM or Ctrl-C."""
    settings = Settings(log_level="quiet" if quiet else "verbose" if verbose else "normal", **options)
    _check_exposure(settings)
    try:
        _serve(settings)
    except FixtureError as error:
        click.echo(str(error), err=True)
        text = f"the fixtures in {settings.fixtures} cannot be used; nothing was started"
        raise click.ClickException(text) from error
    except (StateError, StorageUnavailable) as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(_explain(error, settings)) from error
    return 0


def _serve(settings: Settings) -> None:
    app = create_app(settings)
    emulator: Emulator = app.extensions["emulator"]
    try:
        serve(
            app,
            emulator.exchange,
            host=settings.host,
            port=settings.port,
            body_limit=lambda path: MAX_BODY_BYTES,
            access_log=AccessLog(settings.log_format, settings.log_level, sys.stderr),
            on_ready=lambda port: _announce(settings, emulator, port),
            on_stop=lambda: None,
        )
    finally:
        emulator.close()


def _announce(settings: Settings, emulator: Emulator, port: int) -> None:
    torn = emulator.workspaces.default.store.storage.torn_bytes
    if torn:
        click.echo(f"state: {torn} bytes of an unfinished transaction were cut off the journal", err=True)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    click.echo(f"push-emulator is ready at http://{host}:{port}/push_subscribe")
    if settings.port_file is not None:
        settings.port_file.write_text(f"{port}\n")


def _check_exposure(settings: Settings) -> None:
    if settings.admin_token is None and not _is_loopback(settings.host):
        raise click.ClickException(
            f"--host {settings.host} can be reached from other machines: the admin API needs --admin-token"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _explain(error: OSError, settings: Settings) -> str:
    if error.filename is None:
        return f"cannot listen on {settings.host} port {settings.port}: {error.strerror or error}"
    return f"{error.filename}: {error.strerror}"
