"""``run.py init DIR``: write a copy of the default fixtures."""

import shutil
from pathlib import Path

import click

from emulator.settings import DEFAULT_FIXTURES


@click.command("init")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> int:
    """Write a copy of the default fixtures into DIR, a new or empty directory."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        found = min((path.name for path in folder.iterdir()), default=None)
        if found is not None:
            raise click.ClickException(
                f'{folder} is not empty (it holds "{found}"): name a new or an empty one'
            )
        names = sorted(path.name for path in DEFAULT_FIXTURES.glob("*.json"))
        for name in names:
            shutil.copyfile(DEFAULT_FIXTURES / name, folder / name)
    except OSError as error:
        raise click.ClickException(f"{error.filename or folder}: {error.strerror}") from error
    click.echo(f"{folder}: wrote {', '.join(names)}")
    click.echo(f"start from it: push-emulator --fixtures {folder} --state {folder / '.state'}")
    return 0
