"""The parameter that names a state directory: loaded by commands that load little else."""

from pathlib import Path
from typing import Any

import click

from emulator.settings import is_database


class StateDirectory(click.Path):
    """A directory of state files; the URL of a database is none."""

    def __init__(self) -> None:
        super().__init__(path_type=Path)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if is_database(str(value)):
            self.fail("must be a directory; a database is reached by --url of an emulator on it", param, ctx)
        return super().convert(value, param, ctx)
