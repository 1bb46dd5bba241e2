"""Who is signed in to the consoles of all emulators."""

from psycopg import AsyncConnection


class SharedSignIns:
    """``ends``: when each sign-in ends, seconds since 1970, as a turn has read it and its work changes it."""

    def __init__(self) -> None:
        self.ends: dict[str, float] = {}
        self._stored: dict[str, float] = {}

    async def read(self, connection: AsyncConnection) -> None:
        """Bring ``ends`` up to what the database has."""
        cursor = await connection.execute(
            "SELECT id, extract(epoch FROM ends)::float8 FROM emulator_sign_ins WHERE ends > now()"
        )
        found: dict[str, float] = dict(await cursor.fetchall())
        # What another turn has changed, and has not written yet, stays.
        begun = {one: end for one, end in self.ends.items() if one not in self._stored}
        ended = self._stored.keys() - self.ends.keys()
        self._stored = found
        self.ends.clear()
        self.ends.update({one: end for one, end in found.items() if one not in ended} | begun)

    async def write(self, connection: AsyncConnection) -> None:
        """Store what has changed in ``ends``, and remove what is over."""
        if self.ends == self._stored:
            return
        await connection.execute(
            "DELETE FROM emulator_sign_ins WHERE ends < now() OR id = ANY(%s)",
            ([one for one in self._stored if one not in self.ends],),
        )
        for one, end in self.ends.items():
            if one not in self._stored:
                await connection.execute(
                    "INSERT INTO emulator_sign_ins VALUES (%s, to_timestamp(%s))", (one, end)
                )
        self._stored = dict(self.ends)
