"""``run.py fake``: write a fixture set of made-up people."""

from pathlib import Path

import click

from emulator.fake import write_fixture_set
from emulator.store.files import NotWritten


@click.command("fake")
@click.option("--profiles", type=click.IntRange(0), default=100, show_default=True, help="How many profiles.")
@click.option(
    "--locale", default="en_US", show_default=True, help="The locale of names and phones, e.g. ru_RU."
)
@click.option("--seed", type=int, default=None, help="The same seed writes the same files.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new or empty directory.")
@click.option("--plain", is_flag=True, help="Few fields and one subscription a profile, for load tests.")
def command(profiles: int, locale: str, seed: int | None, out: Path, plain: bool) -> int:
    """Write a fixture set of made-up people with plausible tokens for each provider."""
    try:
        providers = write_fixture_set(out, profiles, locale, seed, one_each=plain)
    except NotWritten as error:
        raise click.ClickException(str(error)) from error
    click.echo(f"{out}: {profiles} profiles, {providers.total()} subscriptions")
    for provider, count in sorted(providers.items()):
        click.echo(f"  {provider}: {count}")
    return 0
