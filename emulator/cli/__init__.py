"""The command line: each command is a module of :mod:`emulator.cli`, imported when it is used."""

import gc
import sys
from collections.abc import Sequence

import click

from emulator import __version__
from emulator.early_stop import interrupt_on_ctrl_c
from emulator.loop.gc_pause import collections_paused

#: Command → one-line help. Importing every command would slow down the server's start.
COMMANDS = {
    "serve": "Start the emulator (the default command).",
    "run": "Start an emulator for one command and stop it afterwards.",
    "init": "Write a copy of the default fixtures.",
    "check": "Validate a fixture set and list all problems.",
    "fake": "Write a fixture set of made-up people.",
    "import": "Load a file of collected tokens.",
    "compare": "Compare recorded answers of the platform with the emulator's.",
    "health": "Check the health of the server that these settings start.",
    "openapi": "Write the API contract: OpenAPI 3.1 and JSON Schemas.",
    "export": "Write a whole workspace as one JSON document.",
    "reset": "Reset a workspace to its fixtures.",
    "token": "Print a JWT as a mobile SDK sends it.",
    "doctor": "Verify a state directory and report what it holds.",
}


def load_command(name: str) -> click.Command:
    """The command with all its options; ``name`` is one of COMMANDS."""
    # ruff: noqa: PLC0415 (a start imports its own command only)
    match name:
        case "check":
            from emulator.cli.check import command
        case "init":
            from emulator.cli.init import command
        case "run":
            from emulator.cli.run import command
        case "fake":
            from emulator.cli.fake import command
        case "import":
            from emulator.cli.import_ import command
        case "compare":
            from emulator.cli.compare import command
        case "health":
            from emulator.cli.health import command
        case "openapi":
            from emulator.cli.openapi import command
        case "export":
            from emulator.cli.export import command
        case "reset":
            from emulator.cli.reset import command
        case "token":
            from emulator.cli.token import command
        case "doctor":
            from emulator.cli.doctor import command
        case _:
            from emulator.cli.serve import command
    return command


class Commands(click.Group):
    """The group of all commands: loads only the command in use; without a command it runs ``serve``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)  # in this order

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if name is not None:
            with collections_paused():
                command = load_command(name)
            gc.freeze()  # modules live as long as the process: the garbage collector can skip them
        return name, command, rest

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help", "--version")):
            args = ["serve", *args]
        return super().parse_args(ctx, args)


@click.group(
    cls=Commands,
    commands={name: click.Command(name, short_help=text) for name, text in COMMANDS.items()},
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="push-emulator")
@click.pass_context
def cli(context: click.Context) -> None:
    """A local emulator of the Altcraft Platform's POST /push_subscribe.

    Without a command it runs `serve`; `serve --help` lists its options.
    """
    if context.invoked_subcommand != "serve":
        interrupt_on_ctrl_c()


def main(args: Sequence[str] | None = None, program: str = "push-emulator") -> None:
    """Run the command line: an error of use is one line on standard error and exit status 2.

    ``program`` is its name in the help.
    """
    try:
        status = cli.main(args, prog_name=program, standalone_mode=False)
    except click.ClickException as error:
        click.echo(f"error: {error.format_message()}", err=True)
        sys.exit(2)
    except click.Abort:
        sys.exit(130)
    sys.exit(status if isinstance(status, int) else 0)
