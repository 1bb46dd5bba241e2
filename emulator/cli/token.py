"""``push-emulator token``: a JWT as an app's backend makes it for a mobile SDK."""

import json
from pathlib import Path

import click

from emulator.fixtures.load import FixtureError, load_fixtures
from emulator.rules.mobile.caller import MODES
from emulator.schemas.jwt_keys import is_pem, pyjwt
from emulator.settings import DEFAULT_FIXTURES
from emulator.store.errors import reason
from emulator.store.files import read_given


@click.command("token")
@click.option("--jwt", "wants_jwt", is_flag=True, required=True, help="Print a JWT.")
@click.option(
    "--db-id", type=int, default=None, help="The database (default: the resource's first; with --key 1)."
)
@click.option("--matching", type=click.Choice(list(MODES)), help="The mode (default: what is given below).")
@click.option("--email", help="The profile's email.")
@click.option("--phone", help="The profile's phone.")
@click.option("--profile-id", help="The profile's id.")
@click.option("--field", type=(str, str), metavar="NAME VALUE", help="A custom field and its value.")
@click.option(
    "--key", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="A file with the key."
)
@click.option(
    "--algorithm",
    type=click.Choice(["HS256", "RS256", "ES256"]),
    default="HS256",
    show_default=True,
    help="The algorithm of the key.",
)
@click.option(
    "--fixtures",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=DEFAULT_FIXTURES,
    help="The fixtures whose resource has the key (default: those of the package).",
)
def command(
    wants_jwt: bool,
    db_id: int | None,
    matching: str | None,
    email: str | None,
    phone: str | None,
    profile_id: str | None,
    field: tuple[str, str] | None,
    key: Path | None,
    algorithm: str,
    fixtures: Path,
) -> int:
    """Print a JWT for a claim, signed with a resource's HS256 key or with the key of a file."""
    given = {"email": email, "phone": phone, "profile_id": profile_id}
    if field is not None:
        given |= {"field_name": field[0], "field_value": field[1]}
    values = {name: value for name, value in given.items() if value}
    if not values and matching != "push_sub":
        raise click.UsageError("say whom: --email, --phone, --profile-id or --field NAME VALUE")
    secret, found_db = _key(key, fixtures, db_id)
    claim = {"db_id": found_db, "matching": matching or _mode(values), **values}
    jwt = pyjwt()
    try:
        click.echo(jwt.encode({"matching": json.dumps(claim, ensure_ascii=False)}, secret, algorithm))
    except (jwt.PyJWTError, ValueError, TypeError) as error:
        raise click.ClickException(f"the key does not sign with {algorithm}: {error}") from error
    return 0


def _mode(values: dict[str, str]) -> str:
    """The mode that needs just these values."""
    for mode, needed in MODES.items():
        if set(needed) == set(values):
            return mode
    raise click.UsageError(f"--matching: say by which of {', '.join(values)}")


def _key(file: Path | None, fixtures: Path, db_id: int | None) -> tuple[str, int]:
    """The key, and the database of the claim."""
    if file is not None:
        try:
            return read_given(file).decode().strip(), 1 if db_id is None else db_id
        except (OSError, UnicodeDecodeError) as error:
            raise click.ClickException(f"--key cannot be read: {reason(error, file)}") from error
    try:
        resources = load_fixtures(fixtures).resources
    except FixtureError as error:
        raise click.ClickException(str(error)) from error
    for one in resources:
        secret = one.jwt_key is not None and not is_pem(one.jwt_key)
        if secret and one.jwt_key and one.db_ids and (db_id is None or db_id in one.db_ids):
            return one.jwt_key, one.db_ids[0] if db_id is None else db_id
    where = "" if db_id is None else f" of database {db_id}"
    raise click.ClickException(f"no resource{where} in {fixtures} has a jwt_key: give --key FILE")
