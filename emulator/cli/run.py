"""``run.py run -- COMMAND``: start an emulator for one command."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import click

from push_emulator.local_server import LocalServer, StartError

#: What a shell answers for a command that it cannot find, and adds to a signal's number.
_NOT_FOUND, _SIGNALLED = 127, 128


class _BeforeDashes(click.Command):
    """A command whose own options end at ``--``; what follows goes to ``ctx.obj`` unread."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        end = args.index("--") if "--" in args else len(args)
        ctx.obj = args[end + 1 :]
        return super().parse_args(ctx, args[:end])


@click.command(
    "run", cls=_BeforeDashes, context_settings={"ignore_unknown_options": True, "allow_extra_args": True}
)
@click.option("--fixtures", type=click.Path(path_type=Path), help="The fixture set to start from.")
@click.pass_context
def command(context: click.Context, fixtures: Path | None) -> int:
    """Start an emulator, run COMMAND and stop the emulator: `run [OPTIONS] -- COMMAND [ARGUMENTS]`.

    The emulator keeps its state in memory, or where `--state` says, and listens on a free port. COMMAND
    finds its address in EMULATOR_URL. The other options are those of `serve`, for example `--seed 7`.

    Exit status: that of COMMAND; 127 if there is no such command, 2 if the emulator does not start.
    """
    wanted: list[str] = context.obj
    if not wanted:
        raise click.ClickException("say what to run: run [OPTIONS] -- COMMAND [ARGUMENTS]")
    try:
        with LocalServer(fixtures, *context.args) as server:
            return _run(wanted, {**os.environ, "EMULATOR_URL": server.url})
    except StartError as error:
        click.echo(str(error) if "error: " in str(error) else f"error: {error}", err=True)
        return 2


def _run(wanted: list[str], environment: dict[str, str]) -> int:
    try:
        process = subprocess.Popen(wanted, env=environment)
    except OSError as error:
        click.echo(f"error: {wanted[0]}: {error.strerror}", err=True)
        return _NOT_FOUND
    with _passed_on(process):
        status = process.wait()
    return status if status >= 0 else _SIGNALLED - status


@contextmanager
def _passed_on(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """Pass SIGTERM on; a terminal's Ctrl-C reaches the command by itself."""

    def stop(number: int, frame: FrameType | None) -> None:
        process.send_signal(number)

    before = signal.signal(signal.SIGTERM, stop), signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before[0])
        signal.signal(signal.SIGINT, before[1])
