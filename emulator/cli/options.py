"""Options that several commands have; the module loads little else."""

from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any, TypeVar

import click

from emulator.settings import Settings, is_database

Command = TypeVar("Command", bound=Callable[..., Any])
_DEFAULTS = {one.name: one.default for one in fields(Settings) if one.default not in (MISSING, ())}


def setting(flag: str, field: str | None = None, **options: Any) -> Callable[[Command], Command]:
    """The option of a field of Settings, with its default; an environment variable can set it, too."""
    name = flag.removeprefix("--").replace("-", "_")
    field = field or name
    default = _DEFAULTS.get(field)
    if default is not None and not options.get("is_flag"):
        options = {"default": default, "show_default": True, **options}
    return click.option(flag, field, envvar=f"EMULATOR_{name.upper()}", show_envvar=True, **options)


class StateDirectory(click.Path):
    """A directory of state files; the URL of a database is none."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if is_database(str(value)):
            self.fail("must be a directory; a database is reached by --url of an emulator on it", param, ctx)
        return super().convert(value, param, ctx)
