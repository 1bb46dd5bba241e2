"""The option ``--policy``."""

from __future__ import annotations

from collections.abc import Sequence

import click
import msgspec

from emulator.rules.model import Policies
from emulator.settings import POLICY_CHOICES


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


policy_option = click.option(
    "--policy",
    "policies",
    multiple=True,
    metavar="NAME=VALUE",
    callback=_parse_policies,
    envvar="EMULATOR_POLICY",
    show_envvar=True,
    help="Override a behaviour that the documentation leaves open.",
)
