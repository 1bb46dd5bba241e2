"""``run.py reset``: reset a workspace to its fixtures."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from emulator.cli.target import Target, called, opened, target_options
from emulator.fixtures.load import FixtureError, load_fixtures
from emulator.settings import DEFAULT_FIXTURES
from emulator.store.tables import REMEMBERED


@click.command("reset")
@target_options
@click.option("--fixtures", type=click.Path(path_type=Path), help="With --state: the fixture set to load.")
@click.option("--keep", type=click.Choice(REMEMBERED), multiple=True, help="Keep this part unchanged.")
def command(fixtures: Path | None, keep: Sequence[str], **where: Any) -> int:
    """Reset a workspace to its fixtures, in one transaction."""
    place = Target(**where)
    if place.state is None:
        if fixtures is not None:
            raise click.ClickException(
                "--fixtures needs --state; a running server resets to its own fixtures"
            )
        with called(place, "POST", "/reset", {"keep": list(keep)}) as answer:
            answer.read()
            size = answer.json()
        _tell(size["workspace"], size["profiles"], size["subscriptions"])
        return 0
    folder = fixtures or DEFAULT_FIXTURES
    try:
        loaded = load_fixtures(folder)
    except FixtureError as error:
        click.echo(str(error), err=True)
        raise click.ClickException(f"the fixtures in {folder} cannot be used; nothing was changed") from error
    with opened(place, loaded) as workspace:
        if workspace.store.storage.fresh and fixtures is None:
            click.echo(f"{workspace.name}: nothing is stored yet, there is nothing to reset")
            return 0
        asyncio.run(workspace.reset_in_steps(keep))
        workspace.store.keep()  # a server may have other fixtures
        _tell(workspace.name, workspace.store.profile_count, workspace.store.subscription_count)
    return 0


def _tell(name: str, profiles: int, subscriptions: int) -> None:
    click.echo(f"{name}: back to the fixtures: {profiles} profiles, {subscriptions} subscriptions")
