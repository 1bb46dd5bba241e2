"""The tables in the database: made, and brought up to date, by the emulator that starts."""

import secrets
from contextlib import suppress
from importlib import resources
from typing import NamedTuple

from psycopg import AsyncConnection, errors

from emulator.store.errors import StateError

#: The version of the tables. A change of them is one more file ``version_N.sql``.
VERSION = 1

#: Attempts to make the first table while others do the same.
_TRIES = 5

#: What makes each version out of the one before it: the files ``version_N.sql``.
_FILES = resources.files("emulator.postgres")


async def prepare(connection: AsyncConnection) -> None:
    """Make the tables, or bring them up to date; emulators that start at once do it once.

    Raises :class:`StateError` for tables of a newer emulator, and for a database that is not in UTF-8.
    """
    encoding = await (await connection.execute("SHOW server_encoding")).fetchone()
    if encoding != ("UTF8",):
        raise StateError(f"the database has the encoding {(encoding or ['?'])[0]}: make one in UTF8")
    for _ in range(_TRIES):
        # Two that make the table at the same moment: PostgreSQL refuses one of them, although it exists then.
        with suppress(errors.UniqueViolation, errors.DuplicateTable):
            await connection.execute("CREATE TABLE IF NOT EXISTS emulator_version (version integer NOT NULL)")
            break
    async with connection.transaction():
        await connection.execute("LOCK TABLE emulator_version IN EXCLUSIVE MODE")
        found = await (await connection.execute("SELECT version FROM emulator_version")).fetchone()
        version = 0 if found is None else found[0]
        if version > VERSION:
            raise StateError(
                f"the database has tables of version {version}, and this emulator knows {VERSION}: "
                "start a newer emulator, or name another database"
            )
        for number in range(version + 1, VERSION + 1):
            upgrade = _FILES.joinpath(f"version_{number}.sql").read_bytes()
            await connection.execute(upgrade)
        if version < VERSION:
            await connection.execute("DELETE FROM emulator_version")
            await connection.execute("INSERT INTO emulator_version VALUES (%s)", (VERSION,))


class Secret(NamedTuple):
    """The key with which all emulators of a database sign cookies; ``made_ms``: milliseconds since 1970."""

    value: bytes
    made_ms: int


async def shared_secret(connection: AsyncConnection) -> Secret:
    """The secret of this database, which the first emulator has made."""
    make = "INSERT INTO emulator_secrets VALUES ('console', %s) ON CONFLICT DO NOTHING"
    await connection.execute(make, (secrets.token_bytes(32),))
    read = "SELECT value, extract(epoch FROM made)::float8 FROM emulator_secrets WHERE name = 'console'"
    (found,) = await (await connection.execute(read)).fetchall()
    return Secret(found[0], round(found[1] * 1000))
