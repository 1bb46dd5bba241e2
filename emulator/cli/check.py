"""``run.py check DIR``: validate a fixture set."""

from pathlib import Path

import click

from emulator.fixtures.load import FixtureError, load_fixtures


@click.command("check")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
def command(folder: Path) -> int:
    """Validate the fixture set in DIR and list every problem: file, path inside it, what was expected.

    Exit status: 0 if the set is valid, 1 if not.
    """
    try:
        fixtures = load_fixtures(folder)
    except FixtureError as error:
        click.echo(str(error), err=True)
        click.echo(f"{len(error.problems)} problem(s)", err=True)
        return 1
    profiles = sum(1 for _ in fixtures.profiles)
    click.echo(
        f"{folder}: good: {len(fixtures.databases)} databases, {len(fixtures.resources)} resources, "
        f"{profiles} profiles"
    )
    return 0
